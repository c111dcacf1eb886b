"""What a run was found to be weak at, kept between two trainings: findings with their images.

It may come from anyone who had the project: what is of another form counts as nothing found.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from curator.store import schema

KEY = "weak_spots"  # in the table `meta`
SPOTS = tuple(f"weak_spot_{number}" for number in range(1, 6))
SHORTCUTS = {
    "host": "where it comes from",
    "size": "its size in pixels",
    "shape": "its proportions",
    "file": "the form and size of its file",
    "greyness": "whether it is grey",
    "border": "its border",
}
"""What may give a class away, in words."""
CODES = (*SPOTS, *(f"shortcut_{name}" for name in SHORTCUTS))
_LONGEST = 600  # characters of a sentence


@dataclass(frozen=True)
class Kept:
    """A finding: its code, one of :data:`CODES`, sentences, and ids of images, strongest first."""

    code: str
    problem: str
    fix: str
    rule: str
    images: list[int]


def keep(connection: Connection, run_id: int, found: list[Kept]) -> None:
    """Replace what was kept."""
    text = json.dumps({"run": run_id, "found": [asdict(item) for item in found]})
    connection.execute(delete(schema.meta).where(schema.meta.c.key == KEY))
    connection.execute(insert(schema.meta), {"key": KEY, "value": text})


def kept(connection: Connection) -> list[Kept] | None:
    """What was kept last; None where nothing was looked for yet."""
    query = select(schema.meta.c.value).where(schema.meta.c.key == KEY)
    text = connection.execute(query).scalar_one_or_none()
    if text is None:
        return None
    try:
        found = json.loads(text)["found"]
        items = [_item(item) for item in found]
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    good = [item for item in items if item is not None]
    return list({item.code: item for item in good}.values())


def _item(row: Any) -> Kept | None:
    item = Kept(**row)
    words = (item.problem, item.fix, item.rule)
    good = (
        item.code in CODES
        and all(isinstance(text, str) and len(text) <= _LONGEST for text in words)
        and isinstance(item.images, list)
        and all(type(i) is int and 0 < i <= schema.LARGEST_ID for i in item.images)
    )
    return item if good else None
