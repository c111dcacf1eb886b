"""Which image of a group of near-duplicates to keep. Derived from the images, never stored.

For tables of all groups by pandas, and for pages and queues by the database; the order is one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, func, select

from curator.frames import pd
from curator.store import dismissals, images, schema


def twins(connection: Connection) -> pd.DataFrame:
    """The live images that share a group with another live one, by group and id.

    Columns: image_id, group_id, label, state, split, width, height, bytes, sharpness.
    """
    query = (
        images.present(
            schema.images.c.id.label("image_id"),
            schema.images.c.group_id,
            schema.classes.c.name.label("label"),
            schema.current.c.state,
            schema.images.c.split,
            schema.images.c.width,
            schema.images.c.height,
            schema.images.c.bytes,
            schema.images.c.sharpness,
            labelled=True,
        )
        .where(images.LIVE, schema.images.c.group_id.in_(shared_groups()))
        .order_by(schema.images.c.group_id, schema.images.c.id)
    )
    return images.frame(connection, query)


def placed(groups: Select[tuple[int | None]]) -> Select[Any]:
    """A query for the live images of ``groups``, a query for group ids.

    Columns: image_id, group_id, place (1 is the best to keep, in the order of :func:`keepers`),
    members (live images of the group), lowest and highest class id among them.
    """
    table, now = schema.images.c, schema.current.c
    best_first = (
        (table.width * table.height).desc(),
        func.coalesce(table.sharpness, -1.0).desc(),
        table.bytes.desc(),
        table.id,
    )
    return images.present(
        table.id.label("image_id"),
        table.group_id,
        func.row_number().over(partition_by=table.group_id, order_by=best_first).label("place"),
        func.count().over(partition_by=table.group_id).label("members"),
        func.min(now.class_id).over(partition_by=table.group_id).label("lowest"),
        func.max(now.class_id).over(partition_by=table.group_id).label("highest"),
    ).where(images.LIVE, table.group_id.in_(groups))


def shared_groups() -> Select[tuple[int | None]]:
    """A query for the ids of groups with more than one live image."""
    table = schema.images.c
    shared = (  # a look at the index, which leaves few whose states are read
        select(table.group_id)
        .where(table.group_id.is_not(None))
        .group_by(table.group_id)
        .having(func.count() > 1)
    )
    return (
        images.present(table.group_id)
        .where(images.LIVE, table.group_id.in_(shared))
        .group_by(table.group_id)
        .having(func.count() > 1)
    )


def standing_groups(finding: str) -> Select[tuple[int | None]]:
    """Those of :func:`shared_groups` of which the finding is not dismissed of every live image."""
    table = schema.images.c
    return (
        images.present(table.group_id)
        .where(
            images.LIVE,
            table.group_id.in_(shared_groups()),
            table.id.not_in(dismissals.images_of(finding)),
        )
        .distinct()
    )


def keepers(table: pd.DataFrame) -> list[int]:
    """The best image of each group of ``table`` (columns as of :func:`twins`), one a group.

    The largest in pixels, then the sharpest (an unknown sharpness comes last), then the one with
    most bytes, then the oldest, which has the smallest id.
    """
    ranked = table.assign(
        area=table["width"] * table["height"],
        sharpness=pd.to_numeric(table["sharpness"]).fillna(-1.0),
    ).sort_values(
        ["group_id", "area", "sharpness", "bytes", "image_id"],
        ascending=[True, False, False, False, True],
    )
    return [int(image_id) for image_id in ranked.drop_duplicates("group_id")["image_id"]]
