"""Images that are put aside as a test, or given back: the ledger's fifth part, with undo and redo.

An image's split and the project's share for the test follow from the last row of each; rows are
never changed or removed. Which images go where is :mod:`curator.check.held_out`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from curator.phrasing import many
from curator.store import schema
from curator.store.database import now
from curator.store.undo import Decided, last_batch, reviewer
from curator.store.workspace import TEST_SHARE

TEST_SPLIT = "test split"


def record(
    connection: Connection,
    share: tuple[float, float],
    moved: Mapping[int, tuple[str, str]],
    by: str | None = None,
) -> Decided:
    """Give images another split, and the test another share, as one step of undo.

    ``share``: before and after; ``moved``: the splits before and after, by image id.
    """
    batch = last_batch(connection) + 1
    signed = {"batch": batch, "at": now(), "by": by or reviewer(), "action": TEST_SPLIT}
    rows = [
        {**signed, "image_id": image_id, "before": before, "after": after}
        for image_id, (before, after) in [(None, map(repr, share)), *moved.items()]
    ]
    connection.execute(insert(schema.split_acts), rows)
    _follow(connection, batch)
    return Decided(batch, (), what=_described(connection, batch))


def invert(connection: Connection, batch: int, number: int, action: str, by: str | None) -> str:
    """Undo or redo (``action``) what ``batch`` holds as batch ``number``; in a few words.

    "" when it holds nothing of the kind.
    """
    signed = {"number": number, "at": now(), "by": by or reviewer(), "action": action}
    connection.execute(_INVERSE, {**signed, "batch": batch})
    _follow(connection, number)
    # In the words of the act itself, however often it was undone and redone.
    return _described(connection, batch if action == "undo" else number)


def before_the_test(connection: Connection) -> dict[int, str]:
    """The split that each image had before it was put aside, by image id."""
    table = schema.split_acts.c
    newest = select(func.max(table.id)).where(table.after == schema.TEST).group_by(table.image_id)
    query = select(table.image_id, table.before).where(table.id.in_(newest))
    return {row.image_id: row.before for row in connection.execute(query)}


_INVERSE = text("""
INSERT INTO split_acts (batch, at, "by", action, image_id, before, after, undoes)
SELECT CAST(:number AS BIGINT), :at, :by, :action, image_id, after, before, id
FROM split_acts WHERE batch = :batch ORDER BY id
""")
_SPLITS = text("""
UPDATE images SET split = act.after FROM split_acts AS act
WHERE act.batch = :batch AND act.image_id = images.id
""")
_SHARE = text("""
INSERT INTO meta (key, value)
SELECT :key, after FROM split_acts WHERE batch = :batch AND image_id IS NULL
ON CONFLICT (key) DO UPDATE SET value = excluded.value
""")


def _follow(connection: Connection, batch: int) -> None:
    connection.execute(_SPLITS, {"batch": batch})
    connection.execute(_SHARE, {"batch": batch, "key": TEST_SHARE})


def _described(connection: Connection, batch: int) -> str:
    table = schema.split_acts.c
    query = select(table.after).where(table.batch == batch, table.image_id.is_not(None))
    splits: list[Any] = list(connection.execute(query).scalars())
    if schema.TEST in splits:
        return f"put {many(len(splits), 'image')} aside as a test"
    if splits:
        return f"gave {many(len(splits), 'test image')} back"
    query = select(table.after).where(table.batch == batch)
    share = connection.execute(query).scalar()
    return "" if share is None else f"made the test's share {float(share):.0%}"
