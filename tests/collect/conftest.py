"""The hostile server and settings with short limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.collect.http.client import FetchSettings
from tests.collect.hostile import Hostile, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Hostile]:
    """Run the hostile server for one test."""
    with serving() as running:
        yield running


@pytest.fixture
def quick() -> FetchSettings:
    """Give settings for the loopback, with limits that make a test short."""
    return FetchSettings(
        connect_timeout=1.0,
        read_timeout=0.4,
        deadline=1.2,
        max_bytes=2_000_000,
        attempts=2,
        backoff=0.01,
        threads=8,
        allow_private=True,
    )
