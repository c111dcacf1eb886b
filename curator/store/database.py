"""Opening ``project.db``: pragmas, transactions, schema version.

Whether it can be written is found out here, once, at opening: :attr:`Database.read_only`.
A reading transaction sees one consistent state; a writing one takes the write lock at its start
(``BEGIN IMMEDIATE``), so that two processes wait for each other instead of failing half-way.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    create_engine,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from curator.errors import (
    FileError,
    NotAProject,
    ProjectBusy,
    ProjectDamaged,
    ProjectReadOnly,
    ProjectTooNew,
)
from curator.store import copies, migrations, schema
from curator.store.foreign import refuse_foreign
from curator.store.reading import Reader, primary_code, refused, why_not_writable
from curator.store.triggers import TRIGGERS

BUSY_SECONDS = 30


def now() -> str:
    """The present as ISO 8601 in UTC with milliseconds: the form of every time in the store."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def pieces(values: Iterable[Any], size: int = 500) -> Iterator[list[Any]]:
    """``values`` in lists of at most ``size``: SQLite limits the variables of a statement."""
    every = list(values)
    return (every[start : start + size] for start in range(0, len(every), size))


def rows_of(
    connection: Connection, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]
) -> Iterator[Row[Any]]:
    """The rows of ``query`` whose ``column`` is one of ``values``, however many those are."""
    asked = query.where(column.in_(bindparam("asked", expanding=True)))
    for piece in pieces(values):
        yield from connection.execute(asked, {"asked": piece})


class Database:
    """One project's database; safe to share between threads."""

    def __init__(self, path: Path, read_only: ProjectReadOnly | None = None) -> None:
        self.path = path
        self.read_only = read_only
        """Why the file cannot be written, with the next step; None: it can."""
        self._reader = None if read_only is None else Reader(path)
        self._engine = _engine(self._connect if self._reader is None else self._reader.connect)
        self._writer = self._engine.execution_options(writing=True)
        self._file = 0  # the number of the file that is open
        self.wrote = False
        """Whether a transaction was begun here."""

    @classmethod
    def create(cls, path: Path, values: dict[str, str]) -> Database:
        """Make a new database with the present schema and ``values`` in its ``meta`` table."""
        database = cls(path)
        database._use_wal()
        with database.write() as connection:
            schema.metadata.create_all(connection)
            _make_triggers(connection)
            rows = {"schema_version": str(schema.SCHEMA_VERSION), **values}
            connection.execute(
                insert(schema.meta), [{"key": key, "value": value} for key, value in rows.items()]
            )
        return database

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing database; refuse what is none, or what a newer version wrote.

        One that cannot be written is opened for reading; see :attr:`read_only`. A refused file is
        not changed. Raises NotAProject, ProjectTooNew, ProjectDamaged, ProjectAltered, FileError.
        """
        database = cls(path, why_not_writable(path))
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        try:
            with self.read() as connection:
                refuse_foreign(connection, self.path)
            version = int(self.meta("schema_version"))
        except (DatabaseError, ProjectDamaged, KeyError, ValueError) as error:
            if copies.is_of_a_project(self.path):
                raise copies.damaged(self.path, error) from error
            raise NotAProject(
                f"{self.path} is not a project's database.",
                "Name a folder that `curator new` made, or make a new project.",
            ) from error
        if version > schema.SCHEMA_VERSION:
            raise ProjectTooNew(
                f"{self.path} has schema version {version}; this curator knows up to "
                f"{schema.SCHEMA_VERSION}.",
                "Update the curator to open it. Nothing was changed.",
            )
        if self._reader is None:
            self._use_wal()
        if version < schema.SCHEMA_VERSION:
            self._migrate()

    def meta(self, key: str) -> str:
        """One value of the ``meta`` table. Raises KeyError when it is missing."""
        with self.read() as connection:
            value = connection.execute(
                select(schema.meta.c.value).where(schema.meta.c.key == key)
            ).scalar()
        if value is None:
            raise KeyError(key)
        return str(value)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, all of it from one state of the database.

        Raises ProjectDamaged, ProjectBusy, FileError.
        """
        self._follow()
        try:
            with self._engine.connect() as connection:
                yield connection
        except DatabaseError as error:
            raise self._explained(error) from error

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept when the block ends, none of it when it raises.

        Raises ProjectReadOnly, ProjectDamaged, ProjectBusy, FileError.
        """
        self.require_writable()
        self._follow()
        self.wrote = True
        try:
            with self._writer.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise self._explained(error) from error

    def require_writable(self) -> None:
        """Raise ProjectReadOnly, which says why and what to do, when it cannot be written."""
        if self.read_only is not None:
            raise ProjectReadOnly(self.read_only.problem, self.read_only.fix)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()
        if self._reader is not None:
            self._reader.close()

    def _follow(self) -> None:
        """Let go of a file that another took the place of, as a restored copy does."""
        if self._reader is not None:
            if self._reader.outdated():
                self._engine.dispose()
            return
        with contextlib.suppress(FileNotFoundError):
            present = self.path.stat().st_ino
            if self._file not in {0, present}:
                self._engine.dispose()
            self._file = present

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=BUSY_SECONDS, check_same_thread=False)

    def _migrate(self) -> None:
        """Bring an older database up to the present schema; a kill in between changes nothing.

        Of one that cannot be written a copy is brought up, and read.
        """
        if self._reader is not None:
            self._engine.dispose()
            with contextlib.closing(Database(self._reader.copy())) as copy:
                copy._migrate()
            return
        with self.write() as connection:
            # Read inside the transaction: another process may have done it a moment ago.
            version = int(
                connection.execute(
                    select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
                ).scalar_one()
            )
            for step in range(version, schema.SCHEMA_VERSION):
                for statement in migrations.MIGRATIONS[step]:
                    connection.execute(text(statement))
            schema.metadata.create_all(connection)
            _make_triggers(connection)
            connection.execute(
                update(schema.meta)
                .where(schema.meta.c.key == "schema_version")
                .values(value=str(schema.SCHEMA_VERSION))
            )

    def _use_wal(self) -> None:
        """Switch to the mode in which the page reads while the worker writes; the file keeps it."""
        # Another process may hold the file just now; in any mode the data are as safe.
        with (
            contextlib.closing(self._engine.raw_connection()) as connection,
            contextlib.suppress(sqlite3.OperationalError),
        ):
            connection.cursor().execute("PRAGMA journal_mode=WAL")

    def _explained(self, error: DatabaseError) -> Exception:
        """What an error of SQLite means for the user; the error itself where nobody foresaw it."""
        code, said = primary_code(error.orig), str(error.orig)
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


def _make_triggers(connection: Connection) -> None:
    for statement in TRIGGERS:
        connection.execute(text(statement))


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
