"""Changes of concepts: made, another name, looked for no longer, looked for again.

Each is an act of the ledger (:mod:`curator.store.undo`), its sixth part: a row of ``concept_acts``
that says what the concept was before and after. Ids never change, so its marks stay its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text, update

from curator.errors import InputError
from curator.store import concepts, schema
from curator.store.database import now
from curator.store.undo import Decided, last_batch, reviewer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

MAKE, RENAME = "make concept", "rename concept"
REMOVE, BRING_BACK = "remove concept", "bring back concept"


def look_for(
    connection: Connection, name: str, answers: Mapping[int, bool], by: str | None = None
) -> Decided:
    """Make a concept with examples by image id, or add them to it, as one step of undo.

    One that was removed is back with its marks. Raises InputError, UnknownImage.
    """
    name = concepts.valid(name)
    table = schema.concepts
    found = connection.execute(select(table).where(table.c.name == name)).first()
    batch, words = last_batch(connection) + 1, ""
    if found is None:
        # Undo makes it this again: not looked for, and with a name that nobody can give.
        row = {"name": f"\n{batch}", "at": now(), "by": by or reviewer(), "retired": 1}
        connection.execute(insert(table), row)
        found = connection.execute(select(table).where(table.c.name == row["name"])).one()
        words = _change(connection, batch, by, MAKE, found, {"name": name, "retired": 0})
    elif found.retired:
        words = _change(connection, batch, by, BRING_BACK, found, {"retired": 0})
    marked = concepts.mark(connection, name, answers, picked=True, by=by, batch=batch)
    told = " and ".join(filter(None, (words, marked.what)))
    return Decided(batch if told else 0, (), what=told)


def rename(connection: Connection, name: str, new: str, by: str | None = None) -> Decided:
    """Give a concept another name, as one step of undo; the name that it has records nothing.

    Raises InputError for what cannot be a name, or is another's, one that was removed included.
    """
    before, new = _looked_for(connection, name), concepts.valid(new)
    if new == before.name:
        return Decided(0, ())
    table = schema.concepts.c
    query = select(table.retired).where(table.name == new, table.id != before.id)
    taken = connection.execute(query).scalar()
    if taken is not None:
        was = "was removed; added again, its answers are back" if taken else "is there already"
        raise InputError(f"A concept {new!r} {was}.", "Choose another name.")
    batch = last_batch(connection) + 1
    words = _change(connection, batch, by, RENAME, before, {"name": new})
    return Decided(batch, (), what=words)


def remove(connection: Connection, name: str, by: str | None = None) -> Decided:
    """Look for a concept no longer, as one step of undo; its marks are kept. Raises InputError."""
    before, batch = _looked_for(connection, name), last_batch(connection) + 1
    words = _change(connection, batch, by, REMOVE, before, {"retired": 1})
    return Decided(batch, (), what=words)


def invert(connection: Connection, batch: int, number: int, action: str, by: str | None) -> str:
    """Undo or redo (``action``) the concept act in ``batch`` as batch ``number``; in a few words.

    "" when the batch holds none. A name that another concept has taken meanwhile gets a number.
    """
    table, acts = schema.concepts, schema.concept_acts
    row = connection.execute(select(acts).where(acts.c.batch == batch)).first()
    if row is None:
        return ""
    act = connection.execute(_ACT, {"id": row.id}).one()
    present = connection.execute(select(table).where(table.c.id == row.concept_id)).one()
    name = _free(connection, present.id, row.name_before)
    values = {"name": name, "retired": row.retired_before}
    _change(connection, number, by, action, present, values, row.id)
    said = _in_words(act.action, act.name_before, act.name_after)
    if name != row.name_before:
        said += f"; it is called {name} now, since {row.name_before} is another"
    return said


# The act itself, however often it was undone and redone.
_ACT = text("""
WITH RECURSIVE act(id, action, name_before, name_after, undoes) AS (
    SELECT id, action, name_before, name_after, undoes FROM concept_acts WHERE id = :id
    UNION ALL
    SELECT row.id, row.action, row.name_before, row.name_after, row.undoes
    FROM concept_acts AS row JOIN act ON row.id = act.undoes
)
SELECT action, name_before, name_after FROM act WHERE undoes IS NULL
""")


def _looked_for(connection: Connection, name: str) -> Any:
    table = schema.concepts
    key = concepts.marks(connection, name).id
    return connection.execute(select(table).where(table.c.id == key)).one()


def _change(
    connection: Connection,
    batch: int,
    by: str | None,
    action: str,
    before: Any,
    values: Mapping[str, Any],
    undoes: int | None = None,
) -> str:
    """Set columns of a concept and record it; the act in a few words."""
    after = {"name": before.name, "retired": before.retired, **values}
    table = schema.concepts
    connection.execute(update(table).where(table.c.id == before.id).values(after))
    row = {
        "batch": batch,
        "at": now(),
        "by": by or reviewer(),
        "action": action,
        "concept_id": before.id,
        "name_before": before.name,
        "name_after": after["name"],
        "retired_before": before.retired,
        "retired_after": after["retired"],
        "undoes": undoes,
    }
    connection.execute(insert(schema.concept_acts), row)
    return _in_words(action, before.name, after["name"])


def _free(connection: Connection, key: int, name: str) -> str:
    """The name, or with a number where another concept has it."""
    table = schema.concepts.c
    query = select(table.name).where(table.id != key)
    taken = {each.casefold() for each in connection.execute(query).scalars()}
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name} {number}"
    return found


def _in_words(action: str, before: str, after: str) -> str:
    if action == RENAME:
        return f"renamed the concept {before} to {after}"
    if action == REMOVE:
        return f"removed the concept {before}"
    return f"looked for {after}" if action == MAKE else f"looked for {before} again"
