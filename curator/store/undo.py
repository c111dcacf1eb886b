"""The acts of a project in their order: which one undo takes back next, and which one redo brings.

An act is a batch: rows of the ledger's tables (:data:`TABLES`) with the same number. They count up
from 1 without gaps, and no row is ever changed or removed. Undo and redo are batches too; each of
their rows points (``undoes``) at the row whose inverse it is: those of an undo at the act's, those
of a redo at the undo's, and an undo of what was redone at the act's again. An act is in force while
no undo in force points to it, an undo is while no redo points to it.

So the batches alone say where undo and redo stand, and nothing else needs to be kept right:

- What undo finds after an undo of act A is what it found just before A was made, at batch A - 1.
- What redo finds after a redo of undo U is what it found just before U, at batch U - 1.

Following these pointers reads one row for each act that was taken back since, never the ledger.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    Select,
    Table,
    bindparam,
    func,
    select,
    text,
)

from curator.phrasing import many
from curator.store import schema
from curator.store.vocabulary import DONE

UNDO: Literal["undo"] = "undo"
REDO: Literal["redo"] = "redo"
MERGE = "merge"  # action of a class act, and of the decisions that come with it
ACCEPT = "accept"  # of an image without a label, which got that of the model
IMPORT = "import"  # of a class act, and of the row of each image that an import brought

TABLES = (
    schema.decisions,
    schema.class_acts,
    schema.dismissals,
    schema.concept_marks,
    schema.split_acts,
    schema.concept_acts,
)


@dataclass(frozen=True)
class Decided:
    """What one act changed."""

    batch: int  # 0 when nothing changed
    image_ids: tuple[int, ...]  # the images whose class or state is now another
    conflicts: tuple[int, ...] = ()  # images left as they are: someone else decided meanwhile
    what: str = ""  # in a few words, such as "deleted" or "renamed teddys to teddy"


def reviewer() -> str:
    """The name that acts are signed with when none is given.

    The environment variable CURATOR_REVIEWER, or else the system's user.
    """
    named = os.environ.get("CURATOR_REVIEWER", "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no user entry, as in some containers
        return "unknown"


def last_batch(connection: Connection) -> int:
    """The number of the newest batch, 0 before the first."""
    return max(int(connection.execute(query).scalar_one()) for query in _LAST)


def undoable(connection: Connection, start: int | None = None) -> int | None:
    """The batch of the newest act in force, as things were after batch ``start`` (by default now).

    None when every act was taken back.
    """
    batch = _before_all(connection, UNDO, last_batch(connection) if start is None else start)
    action, pointed = _pointer(connection, batch)
    if action == REDO:
        _, batch = _pointer(connection, pointed)  # from the undo to the act
    return batch or None


def redoable(connection: Connection, start: int | None = None) -> int | None:
    """The batch of the undo that redo would take back, as things were after batch ``start``.

    None when nothing was undone, or when a new act came since.
    """
    batch = _before_all(connection, REDO, last_batch(connection) if start is None else start)
    action, _ = _pointer(connection, batch)
    return batch if action == UNDO else None


def can_undo(connection: Connection) -> bool:
    """Whether an act is in force."""
    return undoable(connection) is not None


def can_redo(connection: Connection) -> bool:
    """Whether an act was taken back and no new one came since."""
    return redoable(connection) is not None


def described(connection: Connection, batch: int) -> str:
    """The decisions of a batch, or those that an undo in this batch took back, in a few words."""
    rows = connection.execute(_DECIDED, {"batch": batch}).all()
    brought = sum(row.images for row in rows if row.action == IMPORT)
    if brought:
        return f"the import of {many(brought, 'image')}"
    return in_words({(row.action, row.name) for row in rows})


def brought(connection: Connection, batch: int | None) -> int:
    """How many images the act, or the undo, of this batch has as an import; 0: it is of none."""
    if batch is None:
        return 0
    return int(connection.execute(_BROUGHT, {"batch": batch}).scalar_one())


def is_undone(connection: Connection, batch: int) -> bool:
    """Whether an undo in force points to the act."""
    return bool(connection.execute(_UNDONE, {"batch": batch}).scalar_one())


def in_words(actions: Collection[tuple[str, str]]) -> str:
    """Decisions in a few words, from their (action, name of the class after), each once."""
    labels = {name for action, name in actions if action == "relabel"}
    said = [DONE[action] for action in DONE if action in {each for each, _ in actions}]
    if len(labels) == 1:
        said = [f"relabelled as {min(labels)}" if word == "relabelled" else word for word in said]
    if ACCEPT in {action for action, _ in actions}:
        said.append("labelled as the model says")
    return " and ".join(said)


# Queries are built once: SQLAlchemy takes milliseconds for an alias of a table.
_LAST = [select(func.coalesce(func.max(t.c.batch), 0)) for t in TABLES]
_DECIDED = text("""
SELECT act.action, classes.name, COUNT(*) AS images
FROM decisions AS row
JOIN decisions AS act ON act.id = COALESCE(row.undoes, row.id)
JOIN classes ON classes.id = act.class_after
WHERE row.batch = :batch
GROUP BY act.action, classes.name
""")
_BROUGHT = text("""
SELECT CASE (
    SELECT act.action FROM decisions AS row
    JOIN decisions AS undone ON undone.id = COALESCE(row.undoes, row.id)
    JOIN decisions AS act ON act.id = COALESCE(undone.undoes, undone.id)
    WHERE row.id = (SELECT MAX(id) FROM decisions WHERE batch = :batch)
) WHEN 'import' THEN (SELECT COUNT(*) FROM decisions WHERE batch = :batch) ELSE 0 END
""")
_UNDONE = text("""
SELECT EXISTS (
    SELECT 1 FROM decisions AS act JOIN decisions AS undone ON undone.undoes = act.id
    WHERE act.batch = :batch
      AND NOT EXISTS (SELECT 1 FROM decisions AS redone WHERE redone.undoes = undone.id)
) OR EXISTS (
    SELECT 1 FROM class_acts AS act JOIN class_acts AS undone ON undone.undoes = act.id
    WHERE act.batch = :batch
      AND NOT EXISTS (SELECT 1 FROM class_acts AS redone WHERE redone.undoes = undone.id)
)
""")
_TARGET = """
        (SELECT target.batch FROM rows AS row JOIN rows AS target ON target.id = row.undoes
         WHERE row.id = (SELECT MIN(id) FROM rows WHERE batch = chain.batch)
           AND row.action = :action)"""
_CHAIN = text(
    """
WITH RECURSIVE chain(batch) AS (
    SELECT CAST(:start AS BIGINT)
    UNION ALL
    SELECT COALESCE(TARGETS) - 1 FROM chain WHERE chain.batch > 0
)
SELECT MIN(batch) FROM chain
""".replace("TARGETS", ",".join(_TARGET.replace("rows", table.name) for table in TABLES))
)


def _pointer_query(table: Table) -> Select[tuple[str, int]]:
    target = table.alias("target")
    return (
        select(table.c.action, func.coalesce(target.c.batch, 0))
        .outerjoin(target, target.c.id == table.c.undoes)
        .where(table.c.batch == bindparam("batch"))
        .order_by(table.c.id)
        .limit(1)
    )


_POINTERS = [_pointer_query(table) for table in TABLES]


def _before_all(connection: Connection, action: str, start: int) -> int:
    """From batch ``start`` back over batches of ``action``, each with all since what it inverts."""
    return int(connection.execute(_CHAIN, {"start": start, "action": action}).scalar_one())


def _pointer(connection: Connection, batch: int) -> tuple[str, int]:
    """The action of a batch, and the batch that its first row points at; 0 if at none."""
    for query in _POINTERS:
        row: Any = connection.execute(query, {"batch": batch}).first()
        if row is not None:
            return str(row[0]), int(row[1])
    return "", 0
