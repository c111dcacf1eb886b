"""Concepts: what a person looks for across the classes, and which images show it or do not.

What is said of images is the ledger's fourth part, with undo and redo: rows are never changed or
removed, and the last one of a concept and an image says how it stands. Names and removal are in
:mod:`curator.store.concept_changes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text

from curator.errors import InputError, UnknownImage
from curator.phrasing import many
from curator.store import schema
from curator.store.database import now, rows_of
from curator.store.undo import Decided, last_batch, reviewer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

LONGEST = 60  # characters of a name
_TAKEN_BACK = -1  # of ``shows``: nothing was said before what was undone


@dataclass(frozen=True)
class Marks:
    """A concept with the last mark of each image. ``picked``: examples that somebody chose."""

    id: int
    name: str
    yes: frozenset[int]
    no: frozenset[int]
    picked: frozenset[int]

    @property
    def answers(self) -> int:
        """How many marks answer what was shown."""
        return len(self.yes | self.no) - len(self.picked)


def names(connection: Connection) -> list[str]:
    """The concepts' names, oldest first."""
    table = schema.concepts.c
    query = select(table.name).where(table.retired == 0).order_by(table.id)
    return list(connection.execute(query).scalars())


def called(connection: Connection, concept_id: int) -> str | None:
    """What a concept is called now; None where it is not looked for any more."""
    table = schema.concepts.c
    query = select(table.name).where(table.id == concept_id, table.retired == 0)
    return connection.execute(query).scalar()


def mark(
    connection: Connection,
    name: str,
    answers: Mapping[int, bool],
    picked: bool,
    by: str | None = None,
    batch: int | None = None,
) -> Decided:
    """Say of images by id whether they show a concept, as one step of undo.

    What was said already gets no row. ``picked``: they are examples that somebody chose;
    ``batch``: of the step that it is a part of. Raises InputError without such a concept,
    UnknownImage; then nothing is said.
    """
    table = schema.images.c
    known = {row.id for row in rows_of(connection, select(table.id), table.id, answers)}
    if unknown := [key for key in answers if key not in known]:
        raise UnknownImage(
            f"There is no image with id {unknown[0]}.", "`curator rank` and `queue` list the ids."
        )
    before = marks(connection, name)
    said = {**dict.fromkeys(before.yes, True), **dict.fromkeys(before.no, False)}
    changed = {key: shows for key, shows in answers.items() if said.get(key) is not shows}
    if not changed:
        return Decided(0, ())
    batch = batch or last_batch(connection) + 1
    signed = {"batch": batch, "at": now(), "by": by or reviewer(), "action": "mark"}
    row = {**signed, "concept_id": before.id, "picked": int(picked)}
    rows = [{**row, "image_id": key, "shows": int(shows)} for key, shows in changed.items()]
    connection.execute(insert(schema.concept_marks), rows)
    return Decided(batch, (), what=_in_words(len(rows), before.name))


def invert(connection: Connection, batch: int, number: int, action: str, by: str | None) -> str:
    """Undo or redo (``action``) the marks in ``batch`` as batch ``number``; in a few words.

    "" when the batch holds none.
    """
    signed = {"number": number, "at": now(), "by": by or reviewer(), "action": action}
    connection.execute(_INVERSE, {**signed, "batch": batch})
    found: Any = connection.execute(_ACT, {"batch": batch}).first()
    return "" if found is None else _in_words(found.images, found.name)


# Acts are taken back in their order, so what held before one is the row before its own.
_INVERSE = text("""
INSERT INTO concept_marks (batch, at, "by", action, concept_id, image_id, shows, picked, undoes)
SELECT CAST(:number AS BIGINT), :at, :by, :action, row.concept_id, row.image_id,
       COALESCE(before.shows, -1), COALESCE(before.picked, 0), row.id
FROM concept_marks AS row LEFT JOIN concept_marks AS before ON before.id = (
    SELECT MAX(id) FROM concept_marks
    WHERE concept_id = row.concept_id AND image_id = row.image_id AND id < row.id
)
WHERE row.batch = :batch ORDER BY row.id
""")
_ACT = text("""
SELECT concepts.name, COUNT(*) AS images
FROM concept_marks AS row JOIN concepts ON concepts.id = row.concept_id
WHERE row.batch = :batch GROUP BY concepts.name
""")


def marks(connection: Connection, name: str) -> Marks:
    """A concept by its name, in whatever case. Raises InputError."""
    table, marked = schema.concepts.c, schema.concept_marks.c
    name = " ".join(name.split())
    query = select(table.id, table.name).where(table.name == name, table.retired == 0)
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
    said = {key: row for key, row in last.items() if row.shows != _TAKEN_BACK}
    return Marks(
        found.id,
        found.name,
        frozenset(key for key, row in said.items() if row.shows),
        frozenset(key for key, row in said.items() if not row.shows),
        frozenset(key for key, row in said.items() if row.picked),
    )


def valid(name: str) -> str:
    """A name as it is kept. Raises InputError for what cannot be one."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise InputError(f"{name[:80]!r} cannot be a name.", f"Use 1 to {LONGEST} characters.")
    return name


def _in_words(number: int, name: str) -> str:
    return f"{many(number, 'answer')} about {name}"
