"""Thumbnails as blobs in an SQLite file of their own, so that one file holds them all.

They can be made again from the originals (:func:`curator.collect.keeping.thumbnails`); losing this
file loses nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from curator.errors import FileError
from curator.store.database import pieces

# The column bears the name of the format that it held at first; a picture tells its own format.
CREATE = "CREATE TABLE IF NOT EXISTS thumbnails (sha256 TEXT PRIMARY KEY, webp BLOB)"

LARGEST = 1 << 20  # bytes of a picture; 256 px have some 10,000


class Thumbnails:
    """JPEG or WebP pictures of at most 256 px, by the SHA-256 of the original."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        # A connection for each use: callers come from several threads and processes.
        connection = sqlite3.connect(self.path, timeout=30)
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
        try:
            with self._connect() as connection:
                connection.execute(CREATE)
                connection.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", items)
        except sqlite3.OperationalError as error:
            raise FileError(
                f"{self.path} could not be written: {error}.",
                "Free some space on that disk and run it again: what was recorded is safe.",
            ) from error

    def get(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The stored thumbnails among ``digests``."""
        found: dict[str, bytes] = {}
        with self._connect() as connection:
            connection.execute(CREATE)
            for piece in pieces(digests):
                marks = ",".join("?" * len(piece))
                query = f"SELECT sha256, webp FROM thumbnails WHERE sha256 IN ({marks})"  # noqa: S608  only question marks are put in
                found.update(
                    (digest, picture)
                    for digest, picture in connection.execute(query, piece)
                    if isinstance(picture, bytes) and len(picture) <= LARGEST
                )
        return found
