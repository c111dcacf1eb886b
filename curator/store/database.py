"""Opening ``project.db``: pragmas, transactions, schema version.

A reading transaction sees one consistent state; a writing one takes the write lock at its start
(``BEGIN IMMEDIATE``), so that two processes wait for each other instead of failing half-way.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text, update
from sqlalchemy.exc import DatabaseError, OperationalError

from curator.errors import FileError, NotAProject, ProjectReadOnly, ProjectTooNew
from curator.store import schema
from curator.store.foreign import refuse_foreign

BUSY_SECONDS = 30


def now() -> str:
    """The present as ISO 8601 in UTC with milliseconds: the form of every time in the store."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def pieces(values: Iterable[Any], size: int = 500) -> Iterator[list[Any]]:
    """``values`` in lists of at most ``size``: SQLite limits the variables of a statement."""
    every = list(values)
    return (every[start : start + size] for start in range(0, len(every), size))


class Database:
    """One project's database; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._writer = self._engine.execution_options(writing=True)

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

        A refused file is not changed. Raises NotAProject, ProjectTooNew, ProjectReadOnly,
        ProjectAltered.
        """
        database = cls(path)
        try:
            with database.read() as connection:
                refuse_foreign(connection, path)
            version = int(database.meta("schema_version"))
        except (DatabaseError, KeyError, ValueError) as error:
            database.close()
            explained = database._explained(error) if isinstance(error, OperationalError) else error
            if explained is not error:
                raise explained from error
            raise NotAProject(
                f"{path} is not a project's database.",
                "Name a folder that `curator new` made, or make a new project.",
            ) from error
        if version > schema.SCHEMA_VERSION:
            database.close()
            raise ProjectTooNew(
                f"{path} has schema version {version}; this curator knows up to "
                f"{schema.SCHEMA_VERSION}.",
                "Update the curator to open it. Nothing was changed.",
            )
        database._use_wal()
        if version < schema.SCHEMA_VERSION:
            database._migrate()
        return database

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
        """A connection for reading, all of it from one state of the database."""
        with self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept when the block ends, none of it when it raises."""
        try:
            with self._writer.begin() as connection:
                yield connection
        except OperationalError as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _migrate(self) -> None:
        """Bring an older database up to the present schema; a kill in between changes nothing."""
        with self.write() as connection:
            # Read inside the transaction: another process may have done it a moment ago.
            version = int(
                connection.execute(
                    select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
                ).scalar_one()
            )
            for step in range(version, schema.SCHEMA_VERSION):
                for statement in schema.MIGRATIONS[step]:
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

    def _explained(self, error: OperationalError) -> Exception:
        said = str(error.orig).lower()
        if "readonly" in said or "unable to open" in said:
            return ProjectReadOnly(
                f"{self.path} cannot be written.",
                "Give yourself write permission on the project's folder, or copy it elsewhere.",
            )
        if "full" in said or "i/o" in said:
            return FileError(
                f"{self.path} could not be written: {error.orig}.",
                "Free some space on that disk and try again; what was saved before is safe.",
            )
        return error


def _make_triggers(connection: Connection) -> None:
    for statement in schema.TRIGGERS:
        connection.execute(text(statement))


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path.as_posix()}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

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
