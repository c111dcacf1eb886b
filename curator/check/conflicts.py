"""The same image under two classes: at most one of the labels can be right."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
from sqlalchemy import Connection, func, select

from curator.check.keepers import twins
from curator.store import schema
from curator.store.classes import counted_as, merged_ids


def listed_under(connection: Connection) -> dict[int, list[str]]:
    """The classes of images whose bytes are listed under more than one, in the model's order.

    Live images that nobody decided on yet, by id: keeping, relabelling or deleting one settles it.
    A class that was merged counts as what it was merged into.
    """
    table = schema.sources
    counted = counted_as(table.c.class_id, merged_ids(connection))
    undecided = schema.current.c.state.in_([schema.NEW, schema.UNSURE])
    several = (
        select(table.c.image_id)
        .join(schema.current, schema.current.c.image_id == table.c.image_id)
        .where(undecided)
        .group_by(table.c.image_id)
        .having(func.count(counted.distinct()) > 1)
    )
    query = (
        select(table.c.image_id, schema.classes.c.name)
        .distinct()
        .join(schema.classes, schema.classes.c.id == counted)
        .where(table.c.image_id.in_(several))
        .order_by(table.c.image_id, schema.classes.c.position)
    )
    names = defaultdict(list)
    for image_id, name in connection.execute(query):
        names[image_id].append(name)
    return dict(names)


def differing(table: pd.DataFrame) -> list[int]:
    """Images of groups of near-duplicates whose labels differ, group by group.

    ``table`` as of :func:`curator.check.keepers.twins`.
    """
    labels = table.groupby("group_id")["label"].transform("nunique")
    return [int(image_id) for image_id in table.loc[labels > 1, "image_id"]]


def two_classes(connection: Connection) -> list[int]:
    """All images that are in two classes, byte for byte or as near-duplicates."""
    return sorted({*listed_under(connection), *differing(twins(connection))})
