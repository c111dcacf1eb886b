"""What a database of ours never holds, and one that was made to do harm may.

A trigger runs at our writes and a view or a virtual table at our reads, whoever put it there; a
column may compute what it gives. All of them are read from SQLite's own table before anything else
is, and a database that holds one that is not ours is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text

from curator.errors import ProjectAltered
from curator.store import schema
from curator.store.triggers import TRIGGERS

if TYPE_CHECKING:
    from pathlib import Path

_WITH_VIEW = range(1, 4)  # versions whose `current` was a view; it goes, unread, when updated


def refuse_foreign(connection: Connection, path: Path) -> None:
    """Raise ProjectAltered where the database holds what no curator made, or lacks what it needs.

    Whatever is no database of a project is left to whoever reads its version.
    """
    ours = {_plain(statement) for statement in TRIGGERS}
    view = None
    for kind, name, statement in connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master"
    ).all():
        said = _plain(str(statement or ""))
        if kind == "view" and name == schema.current.name:
            view = name
        elif kind == "view" or (kind == "trigger" and said not in ours):
            raise _foreign(path, kind, name)
        elif kind == "table" and (
            not said.startswith("create table ") or _computes(connection, name)
        ):
            raise _foreign(path, "table", name)
    query = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
    version = connection.execute(query).scalar()
    if view is not None and str(version) not in map(str, _WITH_VIEW):
        raise _foreign(path, "view", view)
    if version == str(schema.SCHEMA_VERSION):
        _refuse_incomplete(connection, path)


def _refuse_incomplete(connection: Connection, path: Path) -> None:
    for table in schema.metadata.sorted_tables:
        there = {row.name for row in _columns(connection, table.name)}
        for column in table.columns:
            if column.name not in there:
                raise ProjectAltered(
                    f"{path} lacks the column {column.name} of its table {table.name}.",
                    "Take the project from a copy.",
                )


def _computes(connection: Connection, table: str) -> bool:
    """Whether a column of the table is hidden or generated: none of ours is."""
    return any(row.hidden for row in _columns(connection, table))


def _columns(connection: Connection, table: str) -> list[Any]:
    query = text("SELECT name, hidden FROM pragma_table_xinfo(:table)")
    return list(connection.execute(query, {"table": table}))


def _plain(statement: str) -> str:
    """A statement in one line of lower case, as SQLite keeps it or as we write it."""
    return " ".join(statement.lower().replace("if not exists", " ").split())


def _foreign(path: Path, kind: str, name: object) -> ProjectAltered:
    return ProjectAltered(
        f"{path} holds a {kind} {str(name)[:80]!r} that the curator did not make.",
        "It may have been put there to do harm. Nothing was run or changed; take the project from "
        "somebody you trust.",
    )
