"""How many images and addresses there are, by class, side of the split, and state."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from curator.store import images, schema
from curator.store.classes import all_classes


@dataclass(frozen=True)
class ClassCount:
    """Live images of one class, and how many of them are on each side of the split."""

    class_id: int
    label: str
    images: int
    train: int
    valid: int
    test: int


@dataclass(frozen=True)
class AddressCounts:
    """Addresses and imported files by state."""

    pending: int
    fetched: int
    failed: dict[str, int]
    """Each reason code with its number, most frequent first."""


def class_counts(connection: Connection) -> tuple[ClassCount, ...]:
    """Live images of each class, and how many of them are on each side of the split."""
    now, split = schema.current.c, schema.images.c.split
    query = (
        select(now.class_id, split, func.count().label("number"))
        .join(schema.images, schema.images.c.id == now.image_id)
        .where(images.LIVE)
        .group_by(now.class_id, split)
    )
    found = {(row.class_id, row.split): row.number for row in connection.execute(query)}
    return tuple(
        ClassCount(
            class_id=item.id,
            label=item.name,
            images=sum(number for (key, _), number in found.items() if key == item.id),
            train=found.get((item.id, schema.TRAIN), 0),
            valid=found.get((item.id, schema.VALID), 0),
            test=found.get((item.id, schema.TEST), 0),
        )
        for item in all_classes(connection)
    )


def address_counts(connection: Connection) -> AddressCounts:
    """Addresses and imported files by state; the failed ones by reason code."""
    table = schema.sources
    rows = connection.execute(
        select(table.c.state, table.c.reason, func.count().label("number")).group_by(
            table.c.state, table.c.reason
        )
    ).all()
    failed = {row.reason: row.number for row in rows if row.state == schema.FAILED}
    return AddressCounts(
        pending=sum(row.number for row in rows if row.state == schema.PENDING),
        fetched=sum(row.number for row in rows if row.state == schema.FETCHED),
        failed=dict(sorted(failed.items(), key=lambda item: -item[1])),
    )
