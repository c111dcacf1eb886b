"""Rows of made-up images, written straight into the store: a project without pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, insert, select, text

from curator.store import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.store.database import Database

_SCORES = ("dark", "light", "low_information", "blurry", "odd_aspect_ratio")
_DERIVED = """
SELECT images.id, COALESCE(d.class_after, images.class_id), COALESCE(d.state_after, 'new'),
       d.id, d.action
FROM images LEFT JOIN decisions AS d
  ON d.id = (SELECT MAX(id) FROM decisions WHERE image_id = images.id)
ORDER BY images.id
"""


def add_images(
    connection: Connection, class_ids: Sequence[int], kind: str = "address"
) -> list[int]:
    """Add an image of each of these classes, with its address; give their ids."""
    last = connection.execute(select(func.coalesce(func.max(schema.images.c.id), 0))).scalar_one()
    ids = list(range(last + 1, last + 1 + len(class_ids)))
    connection.execute(
        insert(schema.images),
        [
            {
                "sha256": f"{number:064x}",
                "file": f"{number:x}.png",
                "class_id": class_id,
                "format": "PNG",
                "width": 64,
                "height": 64,
                "bytes": 999,
                "phash": f"{number:016x}",
                **{f"{name}_score": 0.5 for name in _SCORES},
                "split": schema.VALID if number % 5 == 0 else schema.TRAIN,
                "added_at": "2026-01-01T00:00:00.000+00:00",
            }
            for number, class_id in zip(ids, class_ids, strict=True)
        ],
    )
    connection.execute(
        insert(schema.sources),
        [
            {
                "kind": kind,
                "origin": f"https://pictures.example/{number}.png",
                "class_id": class_id,
                "state": schema.FETCHED,
                "image_id": number,
            }
            for number, class_id in zip(ids, class_ids, strict=True)
        ],
    )
    return ids


def kept_current(database: Database) -> list[tuple[object, ...]]:
    """Give the table ``current``: image, class, state, last decision, action; by image."""
    with database.read() as connection:
        query = select(schema.current).order_by(schema.current.c.image_id)
        return [tuple(row) for row in connection.execute(query)]


def derived_current(database: Database) -> list[tuple[object, ...]]:
    """Give the same computed from the images and the ledger alone, as the view once was."""
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(_DERIVED))]


def ledger_rows(database: Database) -> list[tuple[object, ...]]:
    """Give every row of the ledger's two tables, each marked with its table, oldest first."""
    with database.read() as connection:
        return [
            (table.name, *row)
            for table in (schema.decisions, schema.class_acts)
            for row in connection.execute(select(table).order_by(table.c.id))
        ]
