"""Small helpers for sentences that people read."""

from __future__ import annotations


def many(number: int, one: str, several: str = "") -> str:
    """A number with its noun: ``many(1, "image")`` is "1 image"; ``several`` if not ``one`` + s."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def capitalised(text: str) -> str:
    """The text with its first letter large, as at the beginning of a sentence; the rest stays."""
    return text[:1].upper() + text[1:]


def utf8(text: str) -> str:
    r"""``text`` as every database takes it: bytes of a name that are no UTF-8 become ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def duration(seconds: float) -> str:
    """A time rounded as people say it: "40 seconds", "3 minutes", "2.5 hours", "3 days"."""
    if seconds < 90:
        return f"{max(1, round(seconds / 10)) * 10} seconds"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} hours"
    return f"{round(seconds / 86_400)} days"


def of_bytes(size: int) -> str:
    """A size as people say it, in powers of a thousand: "12 kB", "3.4 MB", "51 GB"."""
    if size < 1e6:
        return f"{max(1, round(size / 1e3))} kB"
    number, unit = (size / 1e6, "MB") if size < 1e9 else (size / 1e9, "GB")
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
