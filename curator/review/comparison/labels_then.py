"""Labels and states as they were at a position of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from curator.store import schema


@dataclass(frozen=True)
class Known:
    """What was known of one image."""

    class_id: int
    state: str

    @property
    def live(self) -> bool:
        """Whether the image was neither deleted nor otherwise left out."""
        return self.state not in schema.OUT


def labels_at(connection: Connection, position: int) -> dict[int, Known]:
    """Label and state of every validation image after the decision with id ``position``, by id.

    0 or less: before any decision, which is the given class of each image. The ledger does not say
    when an image came: those that were added later are there too, with their given class.
    """
    table = schema.decisions
    last = (
        select(table.c.image_id, func.max(table.c.id).label("id"))
        .where(table.c.id <= position)
        .group_by(table.c.image_id)
        .subquery()
    )
    query = (
        select(
            schema.images.c.id,
            func.coalesce(table.c.class_after, schema.images.c.class_id),
            func.coalesce(table.c.state_after, schema.NEW),
        )
        .select_from(
            schema.images.outerjoin(last, last.c.image_id == schema.images.c.id).outerjoin(
                table, table.c.id == last.c.id
            )
        )
        .where(schema.images.c.split == schema.VALID)
    )
    return {row[0]: Known(row[1], row[2]) for row in connection.execute(query)}
