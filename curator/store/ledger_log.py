"""The ledger, read: how much was decided and by whom, where undo and redo stand, and as a table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from curator.frames import pd
from curator.store import schema
from curator.store.database import Database
from curator.store.images import frame
from curator.store.undo import IMPORT, brought, can_redo, redoable, undoable

# Taken back are few: counting them beats asking of each decision whether it is one of them.
_MADE = text("""
SELECT COUNT(*) FROM decisions
WHERE id > :after AND id <= :until AND action NOT IN ('undo', 'redo', 'merge', 'import')
""")
_TAKEN_BACK = text("""
SELECT COUNT(*) FROM decisions AS undone JOIN decisions AS act ON act.id = undone.undoes
WHERE undone.undoes IS NOT NULL AND undone.action = 'undo'
  AND act.id > :after AND act.id <= :until AND act.action NOT IN ('merge', 'import')
  AND NOT EXISTS (SELECT 1 FROM decisions AS redone WHERE redone.undoes = undone.id)
""")


def count(connection: Connection, after: int = 0, until: int | None = None) -> int:
    """How many decisions on images are in force, of those with an id in the range.

    Neither undone ones nor undos count, nor that a merge of classes moved an image.
    """
    between = {"after": after, "until": schema.LARGEST_ID if until is None else until}
    made, taken_back = (
        int(connection.execute(query, between).scalar_one()) for query in (_MADE, _TAKEN_BACK)
    )
    return made - taken_back


def position(connection: Connection) -> int:
    """Id of the last decision, 0 when there is none: says which data a run has seen."""
    return int(
        connection.execute(select(func.coalesce(func.max(schema.decisions.c.id), 0))).scalar_one()
    )


@dataclass(frozen=True)
class Steps:
    """Which steps the ledger allows now."""

    can_undo: bool
    can_redo: bool
    undoes: int | None
    """The batch that undo would take back; None where there is none."""


def steps(database: Database) -> Steps:
    """Whether an act is in force, and whether one was taken back and no new one came since."""
    with database.read() as connection:
        batch = undoable(connection)
        return Steps(batch is not None, can_redo(connection), batch)


@dataclass(frozen=True)
class Deciding:
    """How many images somebody decided on."""

    by: str
    images: int


def decided_since(database: Database, after: int, without: Collection[int]) -> list[Deciding]:
    """Who decided after the decision ``after``, by name; ``without``: batches that do not count."""
    table = schema.decisions.c
    query = (
        select(table.by, func.count(table.image_id.distinct()).label("images"))
        .where(table.id > after, table.batch.not_in(without), table.action != IMPORT)
        .group_by(table.by)
        .order_by(table.by)
    )
    with database.read() as connection:
        return [Deciding(row.by, row.images) for row in connection.execute(query)]


def log(database: Database, limit: int | None = None) -> pd.DataFrame:
    """The ledger, newest first: one row a decision, class names instead of ids."""
    before, after = schema.classes.alias("before"), schema.classes.alias("after")
    table = schema.decisions
    query = (
        select(
            table.c.id.label("decision"),
            table.c.batch,
            table.c.at,
            table.c.by,
            table.c.image_id,
            table.c.action,
            before.c.name.label("label_before"),
            after.c.name.label("label_after"),
            table.c.state_before,
            table.c.state_after,
            table.c.score,
            table.c.run_id,
            table.c.undoes,
        )
        .join(before, before.c.id == table.c.class_before)
        .join(after, after.c.id == table.c.class_after)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    with database.read() as connection:
        return frame(connection, query)


def steps_of_import(database: Database) -> tuple[int, int]:
    """Images of the import that undo would take back next, and redo bring; 0: it is no import."""
    with database.read() as connection:
        undo_, redo_ = undoable(connection), redoable(connection)
        return brought(connection, undo_), brought(connection, redo_)


def step_sizes(database: Database) -> tuple[int, int]:
    """Decisions that undo would take back next, and that redo would bring."""
    table = schema.decisions.c
    with database.read() as connection:
        undo_, redo_ = (
            connection.execute(select(func.count()).where(table.batch == (batch or 0))).scalar_one()
            for batch in (undoable(connection), redoable(connection))
        )
    return undo_, redo_
