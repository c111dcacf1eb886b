"""How much of a list is read: a few kilobytes can unpack to more than any memory holds.

Rows and bytes are counted before they are unpacked where the kind of list tells them, else while
they are read. A list beyond is refused as a whole: half a list that looks whole would be worse.
"""

from __future__ import annotations

from curator.errors import BadList

MAX_BYTES = 256 * 1024 * 1024  # of a list, packed and unpacked
MAX_ROWS = 1_000_000  # lines, rows, and addresses of one list; they take some 400 MB
MAX_ROW = 8 * 1024 * 1024  # characters of one row of a table; JSON takes up to 25 times as much
_SPLIT = "Split it into several lists and add them one after the other."


def check_bytes(size: int, what: str = "The list has") -> None:
    """Raise BadList when ``size`` in bytes is beyond :data:`MAX_BYTES`."""
    if size > MAX_BYTES:
        raise BadList(f"{what} {size:,} bytes; at most {MAX_BYTES:,} are read.", _SPLIT)


def check_rows(number: int, what: str = "rows") -> None:
    """Raise BadList when the list has more than :data:`MAX_ROWS` of ``what``."""
    if number > MAX_ROWS:
        raise BadList(
            f"The list has {number:,} {what} or more; at most {MAX_ROWS:,} are read.", _SPLIT
        )


def check_row(size: int, line: int) -> None:
    """Raise BadList when one row, which begins in ``line``, has more than :data:`MAX_ROW`."""
    if size > MAX_ROW:
        raise BadList(
            f"The row in line {line:,} has {size:,} characters or more; at most {MAX_ROW:,} are "
            "read.",
            "Leave out columns that are not needed, or give the addresses one a line.",
        )
