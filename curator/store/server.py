"""A project's database in a PostgreSQL server: for several machines, or many who decide at once.

The environment variable CURATOR_DATABASE names the server, and nothing else does: a project's
folder, which may come from anyone, holds only the name of the schema that its tables are in. That
name is drawn at random, so no folder can point at another project's. While the variable is set,
new projects are made there.

Whoever writes holds an advisory lock of the project, from the start of the transaction on; who
waits for it is served in turn. Reading transactions see one state and can write nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import secrets
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.pool import QueuePool

from curator.errors import (
    FileError,
    InputError,
    NotAProject,
    PackageMissing,
    ProjectBusy,
    ProjectMoved,
    ProjectReadOnly,
    ServerUnreachable,
)
from curator.store import schema
from curator.store.triggers import SERVER_FUNCTIONS, SERVER_TRIGGERS

if TYPE_CHECKING:
    from sqlalchemy import URL

VARIABLE = "CURATOR_DATABASE"
BUSY_SECONDS, ANSWER_SECONDS = 30, 10
PATIENCE_SECONDS = 300  # for one statement
_NAME = re.compile(r"curator_[0-9a-f]{32}")
_DRIVER = "postgresql+pg8000"
_KINDS = {"postgresql", "postgres", _DRIVER}
_NUMERIC = 1700  # PostgreSQL's number of the type
_BUSY = {"55P03", "57014"}  # no lock within the time; cancelled
_REFUSED = {"28000", "28P01", "3D000", "42501"}  # user, password, database, right
_NO_ROOM = {"53100", "53200"}  # disk, memory
_GONE = {"57P01", "57P02", "57P03", "08000", "08003", "08006"}  # stopped, starting, lost


def is_named() -> bool:
    """Whether the user named a server, in which new projects are made."""
    return bool(os.environ.get(VARIABLE))


class Server:
    """One project's schema in the server; see :class:`curator.store.backend.Backend`."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.read_only: ProjectReadOnly | None = None
        url, secured = _address()
        self._where = f"{url.host}:{url.port}/{url.database}"
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        self.engine = self._engine(url, secured)
        self._begun = False  # a project that is being made, and named nowhere yet

    @classmethod
    def new(cls, path: Path) -> Self:
        """A schema that does not exist yet, to be named in ``path``.

        Raises InputError, PackageMissing.
        """
        server = cls(path, f"curator_{secrets.token_hex(16)}")
        server._begun = True
        return server

    @classmethod
    def of(cls, path: Path) -> Self:
        """The schema that a project's folder names. Raises NotAProject, InputError."""
        try:
            with path.open("rb") as stream:
                name = stream.read(100).decode("ascii").strip()
        except (OSError, ValueError) as error:
            raise FileError(f"{path} cannot be read: {error}.", "Take it from a copy.") from error
        if not _NAME.fullmatch(name):
            raise NotAProject(f"{path} names no schema of ours.", "Take it from a copy.")
        if not is_named():
            raise InputError(
                f"The database of the project in {path.parent} is in a PostgreSQL server.",
                f"Name it, as in {VARIABLE}=postgresql://user@host/database, and open it again.",
            )
        return cls(path, name)

    def begin(self, connection: Connection) -> None:
        """Make the schema, and in it what SQLite has of its own."""
        connection.execute(text(f"CREATE SCHEMA {self.name}"))
        for statement in SERVER_FUNCTIONS:
            connection.exec_driver_sql(statement)

    def finish(self, connection: Connection) -> None:
        """Make the triggers, and let ids go on after those that are there."""
        for statement in SERVER_TRIGGERS:
            connection.exec_driver_sql(statement)
        for table in schema.metadata.tables.values():
            if table.autoincrement_column is not None:
                number = func.pg_get_serial_sequence(table.name, table.autoincrement_column.name)
                last = func.max(table.autoincrement_column)
                connection.execute(
                    select(func.setval(number, func.coalesce(last, 1), last.is_not(None)))
                )

    def check(self, connection: Connection) -> None:
        """See that the schema is there; who may write in the server is its keeper's concern."""
        found = connection.execute(text("SELECT to_regclass('meta')")).scalar()
        if found is None:
            raise NotAProject(
                f"The server at {self._where} holds no project {self.name}.",
                f"See whether {VARIABLE} names the right server and database.",
            )

    def settle(self) -> None:
        """Nothing is to be chosen."""

    def follow(self) -> None:
        """See that the folder still names the schema."""
        if not self._begun and not self.path.exists():
            raise ProjectMoved(
                f"The database of {self.path.parent} is not in the server any more.",
                "Open the project again. Nothing was written.",
            )

    def drop(self, connection: Connection) -> None:
        """Remove the schema with all that is in it."""
        connection.execute(text(f"DROP SCHEMA {self.name} CASCADE"))

    def explained(self, error: DBAPIError | ConnectionError) -> Exception:
        """What an error of PostgreSQL means, by its SQLSTATE."""
        orig = error.orig if isinstance(error, DBAPIError) else error
        said = orig.args[0] if orig is not None and orig.args else ""
        state = str(said.get("C", "")) if isinstance(said, dict) else ""
        words = str(said.get("M", said)) if isinstance(said, dict) else str(said or error)
        if state in _BUSY:
            return ProjectBusy(
                f"Another process has been writing to the project for {BUSY_SECONDS} s.",
                "See which one with `curator status`; it may be stopped. Then try again.",
            )
        if state in _REFUSED:
            return ServerUnreachable(
                f"The server at {self._where} refuses: {words}.",
                f"Mend the user, password or database that {VARIABLE} names.",
            )
        if state in _NO_ROOM:
            return FileError(
                f"The server at {self._where} has no room: {words}.",
                "Free some there and try again; what was saved before is safe.",
            )
        if state in _GONE or not state:
            return ServerUnreachable(
                f"The server at {self._where} does not answer: {words}.",
                "See that it runs and can be reached, then try again; what was saved is safe.",
            )
        return error

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()

    def _engine(self, url: URL, secured: bool) -> Engine:
        told: dict[str, Any] = {"timeout": ANSWER_SECONDS, "application_name": "curator"}
        # The driver's own context verifies nothing.
        told["ssl_context"] = ssl.create_default_context() if secured else False
        try:
            engine = create_engine(url, connect_args=told, poolclass=QueuePool)
        except ImportError as error:
            raise PackageMissing(
                f"A database in a server needs pg8000, which is not installed: {error}.",
                "Install it with: pip install 'image-curator[postgresql]'",
            ) from error
        # Rows go many at a time, also where none is to be given back.
        engine.dialect.use_insertmanyvalues_wo_returning = True

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection._usock.settimeout(PATIENCE_SECONDS)  # the driver knows one for all
            cursor = connection.cursor()
            cursor.execute(f"SET search_path TO {self.name}")
            cursor.execute(f"SET lock_timeout TO '{BUSY_SECONDS}s'")
            cursor.close()
            connection.commit()
            # Sums of integers are of a type without end there; what is counted here is smaller.
            connection.register_in_adapter(_NUMERIC, _number)

        @event.listens_for(engine, "checkout")
        def alive(connection: Any, _record: Any, _proxy: Any) -> None:
            # As the pool's own look at it, which takes the driver's bare OSError for no lost one.
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise DisconnectionError from error  # the pool makes another

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            if connection.get_execution_options().get("writing"):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self._key})")
            else:
                connection.exec_driver_sql(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )

        return engine


def _address() -> tuple[URL, bool]:
    """The server that the user named, and whether to speak with it by TLS. Raises InputError.

    By TLS, with its certificate verified, unless it is this machine or ``?tls=off`` says so.
    """
    given = os.environ.get(VARIABLE, "")
    fix = f"Write {VARIABLE}=postgresql://user:password@host:5432/database."
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise InputError(f"{VARIABLE} is no address of a database.", fix) from error
    if url.drivername not in _KINDS or not url.database or not url.host:
        raise InputError(f"{VARIABLE} names no PostgreSQL server with a database.", fix)
    asked = dict(url.query)
    tls = asked.pop("tls", "on")
    if asked or tls not in {"on", "off"}:
        raise InputError(f"{VARIABLE} may say tls=on or tls=off, and nothing else.", fix)
    url = url.set(drivername=_DRIVER, query={}, port=url.port or 5432)
    return url, tls == "on" and not _is_here(str(url.host))


def _number(said: str) -> int | float:
    return float(said) if "." in said else int(said)


def _is_here(host: str) -> bool:
    """Whether what is said stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
