"""The same image under two classes: at most one of the labels can be right."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
from sqlalchemy import Connection, select

from curator.check.keepers import twins
from curator.store import schema


def listed_under(connection: Connection) -> dict[int, list[str]]:
    """The classes of images whose bytes are listed under more than one, in the model's order.

    Live images that nobody decided on yet, by id: keeping, relabelling or deleting one settles it.
    """
    query = (
        select(schema.sources.c.image_id, schema.classes.c.name)
        .distinct()
        .join(schema.classes, schema.classes.c.id == schema.sources.c.class_id)
        .join(schema.current, schema.current.c.image_id == schema.sources.c.image_id)
        .where(schema.current.c.state.in_([schema.NEW, schema.UNSURE]))
        .order_by(schema.sources.c.image_id, schema.classes.c.position)
    )
    names = defaultdict(list)
    for image_id, name in connection.execute(query):
        names[image_id].append(name)
    return {image_id: several for image_id, several in names.items() if len(several) > 1}


def differing(table: pd.DataFrame) -> list[int]:
    """Images of groups of near-duplicates whose labels differ, group by group.

    ``table`` as of :func:`curator.check.keepers.twins`.
    """
    labels = table.groupby("group_id")["label"].transform("nunique")
    return [int(image_id) for image_id in table.loc[labels > 1, "image_id"]]


def two_classes(connection: Connection) -> list[int]:
    """All images that are in two classes, byte for byte or as near-duplicates."""
    return sorted({*listed_under(connection), *differing(twins(connection))})
