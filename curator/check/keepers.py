"""Which image of a group of near-duplicates to keep. Derived from the images, never stored."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, select

from curator.store import images, schema


def twins(connection: Connection) -> pd.DataFrame:
    """The live images that share a group with another live one, by group and id.

    Columns: image_id, group_id, label, state, split, width, height, bytes, sharpness.
    """
    query = (
        select(
            schema.images.c.id.label("image_id"),
            schema.images.c.group_id,
            schema.classes.c.name.label("label"),
            schema.current.c.state,
            schema.images.c.split,
            schema.images.c.width,
            schema.images.c.height,
            schema.images.c.bytes,
            schema.images.c.sharpness,
        )
        .join(schema.current, schema.current.c.image_id == schema.images.c.id)
        .join(schema.classes, schema.classes.c.id == schema.current.c.class_id)
        .where(images.LIVE, schema.images.c.group_id.is_not(None))
        .order_by(schema.images.c.group_id, schema.images.c.id)
    )
    table = images.frame(connection, query)
    return table[table.duplicated("group_id", keep=False)].reset_index(drop=True)


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
