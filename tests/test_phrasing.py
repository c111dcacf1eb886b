"""Sentences that people read: numbers with nouns, times as people say them."""

from __future__ import annotations

import pytest

from curator.phrasing import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "10 seconds"), (44, "40 seconds"), (100, "2 minutes"), (9000, "2.5 hours")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    """Seconds by tens, whole minutes, hours with a decimal."""
    assert duration(seconds) == words
