"""Features on disk, computed once per image content: an append-only cache of fixed-size rows.

Two files in a folder named after the key: ``rows.bin`` (N rows of ``dimension`` values) and
``index.bin`` (a 32-byte header that names the layout, then N entries of a SHA-256 digest and the
CRC-32 of its row). Invariants:

- A row is on the disk before its entry is: a kill leaves at most rows without an entry and a torn
  entry, both ignored when read and overwritten by the next append.
- Appends hold a file lock, so several processes may write; a digest that is there is not written
  again.
- A header of another layout, or more entries than rows, means that the files were altered: the
  cache starts empty, which costs time and loses nothing. ``damage.txt`` says so until somebody
  tells the user (:meth:`FeatureCache.take_damage`), in whatever process.
- A row that does not have its CRC-32 is as good as none (:meth:`FeatureCache.check`). The row that
  replaces it is appended: of two entries with the same digest the later one counts.

One object serves one thread. It knows nothing of images or networks.
"""

from __future__ import annotations

import logging
import os
import re
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from curator.errors import DataError, FileError, InputError
from curator.files import write_atomic
from curator.hashing import sha256
from curator.trust import inside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_DIGEST_BYTES = 32
_ENTRY_BYTES = _DIGEST_BYTES + 4  # and the CRC-32, little-endian
_FORMAT_VERSION = 2
LOCK_SECONDS = 60.0  # an append takes far less: who holds the lock for longer was stopped

_log = logging.getLogger(__name__)


class StoredRows:
    """N rows on disk in an order of their own, (N, D); what is asked for is copied into memory."""

    def __init__(self, mapped: NDArray[Any], places: NDArray[np.int64]) -> None:
        self._mapped, self._places = mapped, places

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, D)."""
        return len(self._places), self._mapped.shape[1]

    @property
    def nbytes(self) -> int:
        """Of all of them, in memory."""
        return len(self) * int(self._mapped.shape[1]) * self._mapped.itemsize

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        return np.asarray(self._mapped[self._places[rows]])


class FeatureCache:
    """Rows of ``dimension`` values of ``dtype`` (float32, float16 or uint8), found by SHA-256.

    ``folder`` holds one folder per ``key``; ``key`` is the backbone's, so features of different
    weights never mix. Raises :class:`~curator.errors.FileError` when the folder cannot be used.
    """

    def __init__(self, folder: Path, key: str, dimension: int, dtype: str = "float32") -> None:
        self.dimension = dimension
        self.dtype = np.dtype(dtype)
        # A key may come from a run's settings: no way out of the folder, whatever it says.
        self.folder = inside(folder, re.sub(r"[^A-Za-z0-9._-]", "_", key))
        self._data = self.folder / "rows.bin"
        self._index = self.folder / "index.bin"
        self._damage = self.folder / "damage.txt"
        self._row_bytes = dimension * self.dtype.itemsize
        layout = f"{_FORMAT_VERSION}|{key}|{dimension}|{self.dtype.name}"
        self._header = bytes.fromhex(sha256(layout.encode()))
        self._where: dict[bytes, int] = {}
        self._sums: list[int] = []  # CRC-32 of every row read so far, repeated digests included
        self._file = 0  # which index file they were read from
        try:
            # A whole cache is read without a lock or a write: the folder may be read-only.
            if self._is_whole():
                self._read_index()
            else:
                self.folder.mkdir(parents=True, exist_ok=True)
                with self._lock():
                    self._open()
        except OSError as error:
            raise self._failed(error) from error

    def __len__(self) -> int:
        """Different digests in the cache, as of the last call that looked."""
        return len(self._where)

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of ``digests`` (64 hex digits) without a row, each once, in their order."""
        self._catch_up()
        known = self._where
        return [digest for digest in dict.fromkeys(digests) if _binary(digest) not in known]

    def append(self, digests: Sequence[str], rows: NDArray[Any]) -> None:
        """Add ``rows`` (len(digests), dimension); when it returns they survive a power cut.

        Digests that are in the cache already are passed over. Raises
        :class:`~curator.errors.InputError` for a shape or type that does not fit,
        :class:`~curator.errors.FileError` when the disk refuses.
        """
        if rows.shape != (len(digests), self.dimension) or rows.dtype != self.dtype:
            raise InputError(
                f"The cache {self.folder.name} takes {self.dtype} ({len(digests)},"
                f" {self.dimension}) for {len(digests)} digests, not {rows.dtype} {rows.shape}.",
                "Pass one row per digest.",
            )
        first_of: dict[bytes, int] = {}
        for number, digest in enumerate(digests):
            first_of.setdefault(_binary(digest), number)
        try:
            with self._lock():
                self._read_index()
                new = {key: number for key, number in first_of.items() if key not in self._where}
                if new:
                    chosen = np.ascontiguousarray(rows[list(new.values())])
                    # Behind the last known row, over whatever a killed writer left there.
                    count = len(self._sums)
                    self._write(self._data, count * self._row_bytes, chosen.tobytes())
                    entries = b"".join(
                        key + zlib.crc32(row).to_bytes(4, "little")
                        for key, row in zip(new, chosen, strict=True)
                    )
                    self._write(self._index, self._index_bytes(count), entries)
                    self._read_index()
        except OSError as error:
            raise self._failed(error) from error

    def rows(
        self, digests: Sequence[str], *, out: NDArray[Any] | None = None, view: bool = False
    ) -> NDArray[Any]:
        """The rows of ``digests`` in their order: (len(digests), dimension).

        Copied into new memory, or into ``out`` (a memory map, for a set that memory does not
        hold). With ``view``, rows that lie in that order on disk are not copied at all: what comes
        back may then be a read-only memory map. Raises :class:`~curator.errors.DataError` when one
        has no row.
        """
        keys = [_binary(digest) for digest in digests]
        if any(key not in self._where for key in keys):
            self._catch_up()
        try:
            places = [self._where[key] for key in keys]
        except KeyError:
            raise self._lacking(digests) from None
        if not places:
            return np.empty((0, self.dimension), self.dtype)
        mapped = self._mapped()
        if view and out is None and places == list(range(places[0], places[0] + len(places))):
            return mapped[places[0] : places[0] + len(places)]
        # mode="clip", since the default copies into a buffer before it writes to ``out``.
        return np.asarray(np.take(mapped, places, axis=0, out=out, mode="clip"))

    def stored(self, digests: Sequence[str]) -> StoredRows:
        """The rows of ``digests`` in their order, left on the disk; raises as :meth:`rows` does."""
        places = self.places(digests)
        if (places < 0).any():
            self._catch_up()
            places = self.places(digests)
        if (places < 0).any():
            raise self._lacking(digests)
        return StoredRows(self._mapped(), places)

    def on_disk(self) -> tuple[int, NDArray[Any]]:
        """Every row on disk, read-only: (rows, dimension), and the number of the file they are of.

        Rows are only ever appended; where the number is another, all of them are.
        """
        self._catch_up()
        return self._file, self._mapped()

    def places(self, digests: Sequence[str]) -> NDArray[np.int64]:
        """Where the rows of ``digests`` (N,) are among those :meth:`on_disk`; -1 without a row."""
        known = (self._where.get(_binary(digest), -1) for digest in digests)
        return np.fromiter(known, dtype=np.int64, count=len(digests))

    def check(self, digests: Sequence[str]) -> int:
        """Forget those of ``digests`` whose row is not what was written; return their number.

        They are missing afterwards, for this object; reads every row once (50,000 rows of 1,280
        values: 0.2 s).
        """
        self._catch_up()
        places = {key: self._where[key] for key in map(_binary, digests) if key in self._where}
        if not places:
            return 0
        mapped = self._mapped()
        bad = [
            key for key, place in places.items() if zlib.crc32(mapped[place]) != self._sums[place]
        ]
        for key in bad:
            del self._where[key]
        return len(bad)

    def take_damage(self) -> str | None:
        """What was wrong with files that were set aside since the last call, for the user.

        The sentence is given once, and the space is freed.
        """
        try:
            said = self._damage.read_text("utf-8")
            for path in (self._data, self._index):
                path.with_suffix(".corrupt").unlink(missing_ok=True)
            self._damage.unlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        return said

    def _lacking(self, digests: Sequence[str]) -> DataError:
        lacking = self.missing(digests)
        return DataError(
            f"{len(lacking)} of {len(digests)} images have no features yet,"
            f" {lacking[0][:12]} among them.",
            "Train again: features that are missing are computed first.",
        )

    def _mapped(self) -> NDArray[Any]:
        """Every row on disk, read-only: (rows, dimension)."""
        shape = (len(self._sums), self.dimension)
        if not self._sums:  # an empty file cannot be mapped
            return np.empty(shape, self.dtype)
        try:
            return np.memmap(self._data, self.dtype, mode="r", shape=shape)
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def _lock(self) -> FileLock:
        return FileLock(self.folder / "cache.lock", timeout=LOCK_SECONDS)

    def _index_bytes(self, count: int) -> int:
        return len(self._header) + count * _ENTRY_BYTES

    def _open(self) -> None:
        """Read the index; start anew where the files are not a cache of this layout."""
        if self._index.exists() or self._data.exists():
            problem = self._problem()
            if problem is None:
                self._read_index()
                return
            said = f"The feature cache {self.folder.name} started anew: {problem}."
            _log.warning(said)
            write_atomic(self._damage, said.encode())
            for path in (self._index, self._data):
                if path.exists():
                    path.replace(path.with_suffix(".corrupt"))
        self._write(self._data, 0, b"")
        self._write(self._index, 0, self._header)

    def _is_whole(self) -> bool:
        return (
            self._index.exists() and self._index_size() >= len(self._header) and not self._wrong()
        )

    def _index_size(self) -> int:
        return self._index.stat().st_size if self._index.exists() else 0

    def _problem(self) -> str | None:
        """What is wrong with the files, or None. An index that was never begun is nothing wrong."""
        if self._index_size() < len(self._header):  # killed before the first header was whole
            self._write(self._data, 0, b"")
            self._write(self._index, 0, self._header)
            return None
        return self._wrong()

    def _wrong(self) -> str | None:
        rows = self._data.stat().st_size // self._row_bytes if self._data.exists() else 0
        with self._index.open("rb") as stream:
            if stream.read(len(self._header)) != self._header:
                return "its header is of another version, or was altered"
        entries = (self._index_size() - len(self._header)) // _ENTRY_BYTES
        return f"it had {entries} entries but only {rows} rows" if entries > rows else None

    def _catch_up(self) -> None:
        """Take in what other processes appended. Needs no lock: whole entries have their rows."""
        try:
            self._read_index()
        except OSError as error:
            raise self._failed(error) from error

    def _read_index(self) -> None:
        status = self._index.stat()
        whole = max(0, status.st_size - len(self._header)) // _ENTRY_BYTES
        if status.st_ino != self._file:  # the first time, or another process set the files aside
            self._where, self._sums, self._file = {}, [], status.st_ino
        known = len(self._sums)
        if whole == known:
            return
        with self._index.open("rb") as stream:
            stream.seek(self._index_bytes(known))
            data = stream.read((whole - known) * _ENTRY_BYTES)
        for start in range(0, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            middle, end = start + _DIGEST_BYTES, start + _ENTRY_BYTES
            self._where[data[start:middle]] = len(self._sums)
            self._sums.append(int.from_bytes(data[middle:end], "little"))

    @staticmethod
    def _write(path: Path, offset: int, data: bytes) -> None:
        stream: IO[bytes]
        with path.open("r+b" if path.exists() else "w+b") as stream:
            stream.seek(offset)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    def _failed(self, error: Exception) -> FileError:
        return FileError(
            f"The feature cache {self.folder} cannot be used: {error}.",
            "Free some space or make the folder writable; deleting it is safe, features are then"
            " computed again.",
        )


def _binary(digest: str) -> bytes:
    try:
        key = bytes.fromhex(digest)
    except ValueError:
        key = b""
    if len(key) != _DIGEST_BYTES:
        raise InputError(f"{digest!r} is no SHA-256 of 64 hex digits.", "Pass the image's SHA-256.")
    return key
