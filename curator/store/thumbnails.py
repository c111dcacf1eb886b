"""Thumbnails as blobs in an SQLite file of their own, so that one file holds them all.

They can be made again from the originals (:func:`curator.collect.pictures.thumbnails`); losing this
file loses nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from curator.errors import FileError
from curator.store.database import pieces
from curator.store.reading import Reader, primary_code

# The column bears the name of the format that it held at first; pictures are JPEG since, and each
# tells its own format.
CREATE = "CREATE TABLE IF NOT EXISTS thumbnails (sha256 TEXT PRIMARY KEY, webp BLOB)"
_LOST = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

LARGEST = 1 << 20  # bytes of a picture; 256 px have some 10,000


class Thumbnails:
    """JPEG pictures (of older projects WebP) of at most 256 px, by the SHA-256 of the original.

    With ``read_only`` nothing is written: what is to be stored is forgotten.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._reader = Reader(path) if read_only else None

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # A connection for each use: callers come from several threads and processes.
        if self._reader is None:
            connection = sqlite3.connect(self.path, timeout=30)
        else:
            self._reader.outdated()
            connection = self._reader.connect()
        connection.execute("PRAGMA trusted_schema=OFF")  # the file may come from anyone
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def create(self) -> None:
        """Make the file, in WAL mode so that the page reads while the worker writes."""
        with self._connect() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(CREATE)

    def put(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Store (sha256, picture) pairs. Raises FileError when the disk refuses."""
        if self._reader is not None:
            return
        stored = list(items)
        try:
            try:
                self._put(stored)
            except sqlite3.DatabaseError as error:
                if primary_code(error) not in _LOST:
                    raise
                # Damaged, and all of it can be made again.
                os.replace(self.path, self.path.with_suffix(".corrupt"))
                for ending in ("-wal", "-shm"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
                self.create()
                self._put(stored)
        except (sqlite3.DatabaseError, OSError) as error:
            raise FileError(
                f"{self.path} could not be written: {error}.",
                "Free some space on that disk and run it again: what was recorded is safe.",
            ) from error

    def _put(self, items: Sequence[tuple[str, bytes]]) -> None:
        with self._connect() as connection:
            connection.execute(CREATE)
            connection.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", items)

    def get(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The stored thumbnails among ``digests``; none where the file is gone or damaged."""
        found: dict[str, bytes] = {}
        with contextlib.suppress(sqlite3.DatabaseError, OSError), self._connect() as connection:
            for piece in pieces(digests):
                marks = ",".join("?" * len(piece))
                query = f"SELECT sha256, webp FROM thumbnails WHERE sha256 IN ({marks})"  # noqa: S608  only question marks are put in
                found.update(
                    (digest, picture)
                    for digest, picture in connection.execute(query, piece)
                    if isinstance(picture, bytes) and len(picture) <= LARGEST
                )
        return found

    def close(self) -> None:
        """Let go of what was made for reading."""
        if self._reader is not None:
            self._reader.close()
