"""What other reviewers say of images, from recipes that were taken in, and where they disagree.

An opinion that contradicts a decision makes the image unsure, by a row of the ledger like any
other. So an image is disputed while it is unsure and an opinion on it contradicts somebody: a
decision settles it, undo brings the dispute back, and undoing the taking-in ends it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, select

from curator.store import schema
from curator.store.database import rows_of
from curator.store.vocabulary import STATES


@dataclass(frozen=True)
class View:
    """What somebody says of an image: a class, or that it is left out."""

    by: str
    class_id: int
    state: str

    def agrees(self, other: View) -> bool:
        """Whether both say the same; of what is left out the label does not matter."""
        same_label = self.class_id == other.class_id or self.state != schema.KEPT
        return self.state == other.state and same_label

    def in_words(self, names: Mapping[int, str]) -> str:
        """Such as "ana: grizzly" or "ben: deleted"."""
        labelled = self.state in {schema.NEW, schema.KEPT}
        return f"{self.by}: {names[self.class_id] if labelled else STATES[self.state]}"


def disputed() -> Select[tuple[int]]:
    """A query for the images on which somebody contradicts somebody; those settled too."""
    table = schema.opinions.c
    return select(table.image_id).where(table.other_state.is_not(None)).distinct()


def views(connection: Connection, image_ids: Sequence[int]) -> dict[int, list[View]]:
    """What is said of each of these images that is disputed, each view once, the first one first.

    The first is that of the project itself, as it was when it was first contradicted.
    """
    table = schema.opinions
    query = select(table).where(table.c.other_state.is_not(None)).order_by(table.c.recipe_id)
    found: dict[int, list[View]] = defaultdict(list)
    for row in rows_of(connection, query, table.c.image_id, image_ids):
        for view in (
            View(row.other_by, row.other_class_id, row.other_state),
            View(row.by, row.class_id, row.state),
        ):
            if view not in found[row.image_id]:
                found[row.image_id].append(view)
    return dict(found)
