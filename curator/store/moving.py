"""A project's database in another place: made there, or moved with all its rows.

A new one appears in one step, as the file ``project.db`` or as the name of a schema in
``project.schema``; of the two the latter counts. Until then nothing of it is seen, and a kill
leaves what was there before. Whoever has the project open meanwhile is told to open it again, and
writes nothing more in the old place.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from curator.errors import InputError
from curator.files import write_atomic
from curator.store import copies, schema
from curator.store.backend import DATABASE, SCHEMA_FILE
from curator.store.database import Database
from curator.store.server import VARIABLE, Server, is_named
from curator.trust import check_folder

_AT_ONCE = 5000  # rows


def place(folder: Path) -> Path | None:
    """Where the database of the project in ``folder`` is; None: there is none."""
    return next((at for at in (folder / SCHEMA_FILE, folder / DATABASE) if at.is_file()), None)


@contextlib.contextmanager
def new_database(folder: Path, in_server: bool) -> Iterator[Database]:
    """A database without tables, which is the project's once the block has filled it."""
    if in_server:
        server = Server.new(folder / SCHEMA_FILE)
        with contextlib.closing(Database(server.path, server)) as database:
            yield database
        write_atomic(server.path, f"{server.name}\n".encode())
        return
    unfinished = folder / f".new-{os.getpid()}.db"
    try:
        with contextlib.closing(Database(unfinished)) as database:
            yield database
        os.replace(unfinished, folder / DATABASE)
    finally:
        for rest in folder.glob(f"{unfinished.name}*"):
            rest.unlink()


@dataclass(frozen=True)
class Moved:
    """Where the database is now: in a server, or in the project's folder again."""

    in_server: bool
    rows: int

    @property
    def sentence(self) -> str:
        """For the user."""
        where = "in the server" if self.in_server else "in the project's folder"
        kept = " A copy of the file as it was is in backups/." if self.in_server else ""
        return f"The database is {where} now, with all its {self.rows:,} rows.{kept}"


def move(folder: Path) -> Moved:
    """Move the database to the server that CURATOR_DATABASE names, or from there into the folder.

    The caller knows that no process works on it. Raises InputError where no server is named,
    ProjectReadOnly, and what opening raises.
    """
    check_folder(folder)
    before = folder / SCHEMA_FILE
    in_server = not before.exists()
    if in_server and not is_named():
        raise InputError(
            "No server is named to which the database could move.",
            f"Set {VARIABLE}=postgresql://user:password@host:5432/database.",
        )
    with contextlib.closing(Database.open(place(folder) or folder / DATABASE)) as source:
        if in_server:
            copies.keep(source.path)
        else:
            _remove_file(folder)  # what a kill left of the way there
        # In one transaction of either: nobody writes meanwhile.
        with source.write() as old:
            with new_database(folder, in_server) as target, target.made() as new:
                rows = sum(_copied(old, new, table) for table in schema.metadata.sorted_tables)
            if not in_server:
                before.unlink()  # first: the name of what is gone would hide the file
                source.drop(old)
    if in_server:
        _remove_file(folder)
    return Moved(in_server, rows)


def _remove_file(folder: Path) -> None:
    """Remove a file that does not count, and SQLite's beside it, which belong to no other."""
    for rest in folder.glob(f"{DATABASE}*"):
        rest.unlink()


def _copied(old: Connection, new: Connection, table: Table) -> int:
    """Copy the rows of a table; return how many there are."""
    keys = table.primary_key.columns
    query = select(table).order_by(*keys).execution_options(yield_per=_AT_ONCE)
    late: list[dict[str, Any]] = []
    number = 0
    for piece in old.execute(query).mappings().partitions():
        rows = [dict(row) for row in piece]
        number += len(rows)
        if table is schema.classes:  # one may have been merged into a later one
            late += [{"key": row["id"], "into": row["merged_into"]} for row in rows]
            rows = [{**row, "merged_into": None} for row in rows]
        new.execute(insert(table), rows)
    if late:
        into = update(table).where(table.c.id == bindparam("key"))
        new.execute(into.values(merged_into=bindparam("into")), late)
    return number
