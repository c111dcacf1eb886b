"""A project's database as a file: SQLite's pragmas, its errors, and the file when it is replaced.

``BEGIN IMMEDIATE`` takes the write lock at the start of a transaction. A file that cannot be
written is read in the ways of :mod:`curator.store.reading`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from curator.errors import FileError, ProjectBusy, ProjectMoved, ProjectReadOnly
from curator.store import copies
from curator.store.backend import DATABASE, SCHEMA_FILE
from curator.store.foreign import refuse_foreign
from curator.store.reading import Reader, primary_code, refused, why_not_writable
from curator.store.triggers import TRIGGERS

BUSY_SECONDS = 30


class File:
    """A database file; see :class:`curator.store.backend.Backend`."""

    def __init__(self, path: Path, read_only: ProjectReadOnly | None = None) -> None:
        self.path = path
        self.read_only = read_only
        self._reader = None if read_only is None else Reader(path)
        self.engine = _engine(self._connect if self._reader is None else self._reader.connect)
        self._file = 0  # the number of the file that is open

    @classmethod
    def existing(cls, path: Path) -> Self:
        """A file that is there already, for reading where it cannot be written."""
        return cls(path, why_not_writable(path))

    def begin(self, connection: Connection) -> None:
        """Nothing is needed."""

    def finish(self, connection: Connection) -> None:
        """Make the triggers that are missing."""
        for statement in TRIGGERS:
            connection.execute(text(statement))

    def check(self, connection: Connection) -> None:
        """Refuse what a file from anyone may hold."""
        refuse_foreign(connection, self.path)

    def settle(self) -> None:
        """Switch to the mode in which the page reads while the worker writes; the file keeps it."""
        # Another process may hold the file just now; in any mode the data are as safe.
        with (
            contextlib.closing(self.engine.raw_connection()) as connection,
            contextlib.suppress(sqlite3.OperationalError),
        ):
            connection.cursor().execute("PRAGMA journal_mode=WAL")

    def follow(self) -> None:
        """Let go of a file that another took the place of, as a restored copy does."""
        if self._reader is not None:
            if self._reader.outdated():
                self.engine.dispose()
            return
        if self.path.name == DATABASE and self.path.with_name(SCHEMA_FILE).exists():
            raise ProjectMoved(
                f"The database of {self.path.parent} was moved to a server.",
                "Open the project again. Nothing was written.",
            )
        with contextlib.suppress(FileNotFoundError):
            present = self.path.stat().st_ino
            if self._file not in {0, present}:
                self.engine.dispose()
            self._file = present

    def copy(self) -> Path:
        """Read from a copy in the temporary folder from now on; return it, to be changed."""
        assert self._reader is not None
        self.engine.dispose()
        return self._reader.copy()

    def explained(self, error: DBAPIError | ConnectionError) -> Exception:
        """What an error of SQLite means, by its result code."""
        orig = error.orig if isinstance(error, DBAPIError) else error
        code, said = primary_code(orig), str(orig)
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            if self._reader is not None and self._reader.outdated():
                return ProjectBusy(
                    f"{self.path} was changed by another process while it was read.", "Try again."
                )
            return copies.damaged(self.path, error)
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
            return refused(self.path)
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            return FileError(
                f"{self.path} could not be written: {said}.",
                "Free some space on that disk and try again; what was saved before is safe.",
            )
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return ProjectBusy(
                f"Another process has been writing to {self.path} for {BUSY_SECONDS} s.",
                "See which one with `curator status`; it may be stopped. Then try again.",
            )
        return error

    def drop(self, connection: Connection) -> None:
        """Nothing is in a server; the file is removed by whoever knows its folder."""

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()
        if self._reader is not None:
            self._reader.close()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    # The driver gets the path itself: in an address some of its letters would mean something.
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # SQLAlchemy's recipe for SQLite: the driver must not begin transactions by itself.
        connection.isolation_level = None
        # FULL: a decision is on the disk when the click returns, even if the power fails.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # A database may come from anyone: its own expressions must not call what could do harm, and
        # damaged pages must not be believed.
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        # 32 MB instead of 2: ordering 200,000 images takes up to a third less.
        connection.execute("PRAGMA cache_size=-32000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
