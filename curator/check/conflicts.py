"""The same image under two classes: at most one of the labels can be right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, Select, func, select

from curator.frames import pd
from curator.store import schema
from curator.store.classes import NO_LABEL_ID, counted_as, merged_ids


def listed_under_several(merged: Mapping[int, int]) -> Select[tuple[int | None]]:
    """A query for the images that are listed under more than one class.

    ``merged``: as of :func:`curator.store.classes.merged_ids`; such classes count as one.
    """
    table = schema.sources.c
    under = counted_as(table.class_id, merged)
    twice = (  # a look at the index, which leaves few to read
        select(table.image_id)
        .where(table.image_id.is_not(None))
        .group_by(table.image_id)
        .having(func.count() > 1)
    )
    return (
        select(table.image_id)
        .where(table.image_id.in_(twice), table.class_id.not_in(NO_LABEL_ID))
        .group_by(table.image_id)
        .having(func.min(under) != func.max(under))
    )


def listed_under(connection: Connection) -> dict[int, list[str]]:
    """The classes of images whose bytes are listed under more than one, in the model's order.

    Live images that nobody decided on yet, by id: keeping, relabelling or deleting one settles it.
    A class that was merged counts as what it was merged into.
    """
    table = schema.sources
    merged = merged_ids(connection)
    counted = counted_as(table.c.class_id, merged)
    query = (
        select(table.c.image_id, schema.classes.c.name, schema.classes.c.position)
        .distinct()
        .join(schema.classes, schema.classes.c.id == counted)
        .join(schema.current, schema.current.c.image_id == table.c.image_id)
        .where(
            table.c.image_id.in_(listed_under_several(merged)),
            schema.current.c.state.in_(schema.UNDECIDED),
        )
        .order_by(table.c.image_id, schema.classes.c.position)
    )
    names = defaultdict(list)
    for image_id, name, _ in connection.execute(query):
        names[image_id].append(name)
    return dict(names)


def differing(table: pd.DataFrame) -> list[int]:
    """Images of groups of near-duplicates whose labels differ, group by group.

    ``table`` as of :func:`curator.check.duplicates.keepers.twins`.
    """
    labels = table.groupby("group_id")["label"].transform("nunique")
    return [int(image_id) for image_id in table.loc[labels > 1, "image_id"]]
