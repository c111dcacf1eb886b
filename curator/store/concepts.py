"""Concepts: what a person looks for across the classes, and which images show it or do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from curator.errors import InputError, UnknownImage
from curator.store import schema
from curator.store.database import now, rows_of
from curator.store.ledger import reviewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

LONGEST = 60  # characters of a name


@dataclass(frozen=True)
class Marks:
    """A concept with the last mark of each image. ``picked``: examples that somebody chose."""

    id: int
    name: str
    yes: frozenset[int]
    no: frozenset[int]
    picked: frozenset[int]


def names(connection: Connection) -> list[str]:
    """The concepts' names, oldest first."""
    table = schema.concepts.c
    query = select(table.name).where(table.retired == 0).order_by(table.id)
    return list(connection.execute(query).scalars())


def add(connection: Connection, name: str, by: str | None = None) -> int:
    """Make a concept, or find it; its id. One that was removed is back with its marks.

    Raises InputError.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise InputError(f"{name[:80]!r} cannot be a name.", f"Use 1 to {LONGEST} characters.")
    table = schema.concepts
    found = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if found is None:
        row = {"name": name, "at": now(), "by": by or reviewer(), "retired": 0}
        key = connection.execute(insert(table), row).inserted_primary_key
        assert key is not None
        return int(key[0])
    connection.execute(update(table).where(table.c.id == found).values(retired=0))
    return int(found)


def remove(connection: Connection, name: str) -> None:
    """Remove a concept; its marks are kept. Raises InputError."""
    table = schema.concepts
    key = marks(connection, name).id
    connection.execute(update(table).where(table.c.id == key).values(retired=1))


def mark(
    connection: Connection,
    concept_id: int,
    image_ids: Sequence[int],
    shows: bool,
    picked: bool,
    by: str | None = None,
) -> None:
    """Say of images whether they show a concept. Raises UnknownImage; then nothing is said."""
    table = schema.images.c
    known = {row.id for row in rows_of(connection, select(table.id), table.id, image_ids)}
    if unknown := [key for key in image_ids if key not in known]:
        raise UnknownImage(
            f"There is no image with id {unknown[0]}.", "`curator rank` and `queue` list the ids."
        )
    signed = {"concept_id": concept_id, "at": now(), "by": by or reviewer()}
    said = {"shows": int(shows), "picked": int(picked)}
    rows = [{**signed, **said, "image_id": key} for key in dict.fromkeys(image_ids)]
    if rows:
        connection.execute(insert(schema.concept_marks), rows)


def marks(connection: Connection, name: str) -> Marks:
    """A concept by its name, in whatever case. Raises InputError."""
    table, marked = schema.concepts.c, schema.concept_marks.c
    query = select(table.id, table.name).where(table.name == name.strip(), table.retired == 0)
    found = connection.execute(query).one_or_none()
    if found is None:
        known = ", ".join(names(connection)) or "none yet"
        raise InputError(f"There is no concept {name[:80]!r}.", f"There is {known}.")
    rows = connection.execute(
        select(marked.image_id, marked.shows, marked.picked)
        .where(marked.concept_id == found.id)
        .order_by(marked.id)
    )
    last = {row.image_id: row for row in rows}
    return Marks(
        found.id,
        found.name,
        frozenset(key for key, row in last.items() if row.shows),
        frozenset(key for key, row in last.items() if not row.shows),
        frozenset(key for key, row in last.items() if row.picked),
    )
