"""Where the body of an answer goes: small ones stay in memory, larger ones go to a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

SMALL = 1 << 18  # bytes; with all threads at work no more than some megabytes


class Body:
    """Bytes on their way in; ``path`` is made only for more than :data:`SMALL` of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory = io.BytesIO()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, piece: bytes) -> None:
        """Append. Raises OSError when the disk refuses, here or at the end of the block."""
        if self._file is None and self._memory.tell() + len(piece) > SMALL:
            self._file = self._path.open("wb")
            self._file.write(self._memory.getbuffer())
            self._memory = io.BytesIO()
        (self._file or self._memory).write(piece)

    def clear(self) -> None:
        """Begin anew, with nothing."""
        if self._file is not None:
            self._file.close()
            self._path.unlink()
        self._memory, self._file = io.BytesIO(), None

    def content(self) -> bytes | Path:
        """What came: the bytes, or the file that holds them."""
        return self._memory.getvalue() if self._file is None else self._path
