"""What the pretrained network calls the images: storing the names, counting and finding them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select

from curator.frames import pd
from curator.store import images, schema
from curator.store.database import Database

PLACES = 5  # names of an image


def replace(
    connection: Connection, said: Sequence[tuple[int, Sequence[tuple[str, float]]]]
) -> None:
    """Store names of images in place of their older ones.

    ``said``: (image id, up to :data:`PLACES` of (name, probability 0..1), likeliest first).
    """
    table = schema.tags
    rows = [
        {"image_id": image_id, "place": place, "name": name, "probability": probability}
        for image_id, names in said
        for place, (name, probability) in enumerate(names, start=1)
    ]
    if said:
        connection.execute(
            delete(table).where(table.c.image_id == bindparam("key")),
            [{"key": image_id} for image_id, _ in said],
        )
    if rows:
        connection.execute(insert(table), rows)


def tags_of(connection: Connection, image_id: int) -> list[tuple[str, float]]:
    """The names of an image with probabilities 0..1, likeliest first; none before a check."""
    table = schema.tags
    query = (
        select(table.c.name, table.c.probability)
        .where(table.c.image_id == image_id)
        .order_by(table.c.place)
    )
    return [(row.name, row.probability) for row in connection.execute(query)]


def tag_counts(connection: Connection, label: str | None = None) -> pd.DataFrame:
    """How many live images, of one label or of all, have each name as their likeliest.

    Columns: name, images, probability (mean of these images, 0..1). Most frequent first: what is
    at the end is rare and so worth a look.
    """
    table = schema.tags
    number = func.count().label("images")
    query = (
        select(table.c.name, number, func.avg(table.c.probability).label("probability"))
        .join(schema.current, schema.current.c.image_id == table.c.image_id)
        .join(schema.classes, schema.classes.c.id == schema.current.c.class_id)
        .where(table.c.place == 1, images.LIVE)
        .group_by(table.c.name)
        .order_by(number.desc(), table.c.name)
    )
    if label is not None:
        query = query.where(schema.classes.c.name == label)
    return images.frame(connection, query)


def counts_by_label(database: Database, labels: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The :func:`tag_counts` of each label."""
    with database.read() as connection:
        return {label: tag_counts(connection, label) for label in labels}


def matching(connection: Connection, text: str, at_least: float = 0.0) -> Select[tuple[int]]:
    """A query for the images with ``text``, in whatever case, in one of their five names.

    ``at_least``: smallest probability of that name, 0..1.
    """
    table = schema.tags
    # There are a thousand names, however many images: they are looked through first.
    every = connection.execute(select(table.c.name).distinct()).scalars()
    names = [name for name in every if text.lower() in name.lower()]
    return select(table.c.image_id).where(table.c.name.in_(names), table.c.probability >= at_least)
