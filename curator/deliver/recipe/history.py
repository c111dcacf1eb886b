"""Which decisions on images are in force, by going through the ledger in its order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.store import schema
from curator.store.classes import merged_ids
from curator.store.database import rows_of
from curator.store.undo import REDO, UNDO
from curator.store.vocabulary import STATE_AFTER

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Taken:
    """A decision as it was taken. ``class_id``: what the class counts as today."""

    at: str
    by: str
    state: str
    class_id: int


def in_force(connection: Connection, image_ids: Collection[int]) -> dict[int, list[Taken]]:
    """The decisions in force on each of these images that has some, oldest first.

    Neither those that were taken back nor what merges and imports did to an image.
    """
    table = schema.decisions
    query = select(
        table.c.id, table.c.at, table.c.by, table.c.image_id, table.c.action, table.c.class_after,
        table.c.state_after, table.c.undoes,
    ).order_by(table.c.id)  # fmt: skip
    merged = merged_ids(connection)
    acts: dict[int, dict[int, Taken]] = {}  # of each image, those in force by their ids
    back: dict[int, tuple[int, Taken]] = {}  # by the id of an undo: what it took back
    for row in rows_of(connection, query, table.c.image_id, sorted(image_ids)):
        own = acts.setdefault(row.image_id, {})
        if row.action in STATE_AFTER:
            class_id = merged.get(row.class_after, row.class_after)
            own[row.id] = Taken(row.at, row.by, row.state_after, class_id)
        elif row.action == UNDO and row.undoes in own:
            back[row.id] = row.undoes, own.pop(row.undoes)
        elif row.action == REDO and row.undoes in back:
            key, taken = back[row.undoes]
            own[key] = taken
    return {image_id: [own[key] for key in sorted(own)] for image_id, own in acts.items() if own}
