"""Small helpers for sentences that people read."""

from __future__ import annotations


def many(number: int, one: str, several: str = "") -> str:
    """A number with its noun: ``many(1, "image")`` is "1 image"; ``several`` if not ``one`` + s."""
    return f"{number} {one if number == 1 else several or one + 's'}"
