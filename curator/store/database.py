"""A project's database: transactions, making and opening, schema version.

It is a file, ``project.db`` (:mod:`curator.store.sqlite`), or in a PostgreSQL server that the user
names (:mod:`curator.store.server`); everything else of a project is in its folder either way.
Whether it can be written is found out once, at opening: :attr:`Database.read_only`. A reading
transaction sees one consistent state; a writing one takes the write lock at its start, so that two
processes wait for each other instead of failing half-way.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from curator.errors import NotAProject, ProjectDamaged, ProjectReadOnly, ProjectTooNew
from curator.store import copies, migrations, schema
from curator.store.backend import SCHEMA_FILE, Backend
from curator.store.server import Server
from curator.store.sqlite import File


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


def these(ids: Iterable[int]) -> Select[tuple[int]]:
    """A query that gives these ids, however many they are: all of them are one variable."""
    each = func.json_each(cast(json.dumps(list(ids)), Text)).table_valued("value")
    return select(each.c.value)


class Database:
    """One project's database; safe to share between threads."""

    def __init__(self, path: Path, backend: Backend | None = None) -> None:
        self.path = path
        self._backend = backend or File(path)
        self.read_only = self._backend.read_only
        """Why it cannot be written, with the next step; None: it can."""
        self._writer = self._backend.engine.execution_options(writing=True)
        self.wrote = False
        """Whether a transaction was begun here."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file of the project's folder, which is copied from time to time."""
        return isinstance(self._backend, File)

    @classmethod
    def create(cls, path: Path, values: dict[str, str]) -> Database:
        """Make a new file with the present schema and ``values`` in its ``meta`` table."""
        database = cls(path)
        database.make(values)
        return database

    def make(self, values: dict[str, str]) -> None:
        """Make the tables of the present schema, with ``values`` in ``meta``."""
        rows = {"schema_version": str(schema.SCHEMA_VERSION), **values}
        with self.made() as connection:
            connection.execute(
                insert(schema.meta), [{"key": key, "value": value} for key, value in rows.items()]
            )

    @contextlib.contextmanager
    def made(self) -> Iterator[Connection]:
        """Make the tables; the block fills them, before their triggers and in one transaction."""
        self._backend.settle()
        with self.write() as connection:
            self._backend.begin(connection)
            schema.metadata.create_all(connection)
            yield connection
            self._backend.finish(connection)

    @classmethod
    def open(cls, path: Path) -> Database:
        """Open an existing database; refuse what is none, or what a newer version wrote.

        ``path``: the file, or a SCHEMA_FILE. One that cannot be written is opened for reading; see
        :attr:`read_only`. A refused file is not changed. Raises NotAProject, ProjectTooNew,
        ProjectDamaged, ProjectAltered, ServerUnreachable, FileError, InputError.
        """
        if path.name == SCHEMA_FILE:
            database = cls(path, Server.of(path))
        else:
            database = cls(path, File.existing(path))
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        try:
            with self.read() as connection:
                self._backend.check(connection)
            version = int(self.meta("schema_version"))
        except (DBAPIError, ProjectDamaged, KeyError, ValueError) as error:
            if self.is_file and copies.is_of_a_project(self.path):
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
        if self.read_only is None:
            self._backend.settle()
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

        Raises ProjectDamaged, ProjectBusy, ProjectMoved, ServerUnreachable, FileError.
        """
        self._backend.follow()
        try:
            with self._backend.engine.connect() as connection:
                yield connection
        except (DBAPIError, ConnectionError) as error:
            raise self._backend.explained(error) from error

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept when the block ends, none of it when it raises.

        Raises ProjectReadOnly and what :meth:`read` raises.
        """
        self.require_writable()
        self._backend.follow()
        self.wrote = True
        try:
            with self._writer.begin() as connection:
                self._backend.follow()  # it may have been moved while another process wrote
                yield connection
        except (DBAPIError, ConnectionError) as error:
            raise self._backend.explained(error) from error

    def require_writable(self) -> None:
        """Raise ProjectReadOnly, which says why and what to do, when it cannot be written."""
        if self.read_only is not None:
            raise ProjectReadOnly(self.read_only.problem, self.read_only.fix)

    def kept_copied(self) -> contextlib.AbstractContextManager[None]:
        """Copy the file now and every hour while the block runs; a server has its own backups."""
        return copies.keeping(self.path) if self.is_file else contextlib.nullcontext()

    def drop(self, connection: Connection) -> None:
        """Remove all of it from the server, once the transaction ends."""
        self._backend.drop(connection)

    def close(self) -> None:
        """Let go of it."""
        self._backend.close()

    def _migrate(self) -> None:
        """Bring an older database up to the present schema; a kill in between changes nothing.

        Of one that cannot be written a copy is brought up, and read.
        """
        if isinstance(self._backend, File) and self.read_only is not None:
            with contextlib.closing(Database(self._backend.copy())) as copy:
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
            self._backend.finish(connection)
            connection.execute(
                update(schema.meta)
                .where(schema.meta.c.key == "schema_version")
                .values(value=str(schema.SCHEMA_VERSION))
            )
