"""What a database must be able to do to hold a project."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from curator.errors import ProjectReadOnly

DATABASE = "project.db"
"""The database of a project, in its folder."""
SCHEMA_FILE = "project.schema"
"""Where that is in a server: the name of its schema there."""


class Backend(Protocol):
    """Connections to one project's tables, and what differs from one kind of database to another.

    A connection with the execution option ``writing`` holds the project's write lock from the start
    of its transaction; any other reads one state.
    """

    @property
    def read_only(self) -> ProjectReadOnly | None:
        """Why it cannot be written; None: it can."""

    @property
    def engine(self) -> Engine:
        """Gives the connections."""

    def begin(self, connection: Connection) -> None:
        """Make what new tables need."""

    def finish(self, connection: Connection) -> None:
        """Make what is there once the tables are, such as triggers; again does no harm."""

    def check(self, connection: Connection) -> None:
        """Raise ProjectAltered for what no curator made, NotAProject where nothing is."""

    def settle(self) -> None:
        """Choose how it is kept."""

    def follow(self) -> None:
        """See that it still is where it was, before each transaction. Raises ProjectMoved."""

    def explained(self, error: DBAPIError | ConnectionError) -> Exception:
        """What an error of the driver means for the user; itself where nobody foresaw it."""

    def drop(self, connection: Connection) -> None:
        """Remove what is in a server."""

    def close(self) -> None:
        """Let go of it."""
