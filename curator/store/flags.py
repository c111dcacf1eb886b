"""Images that the last check took for no photographs, kept between two checks.

They may come from anyone who had the project: what is of another form counts as nothing found.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from curator.store import images, schema
from curator.store.database import these

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

NO_PHOTOGRAPH = "no_photograph"  # code of the finding, and key in the table `meta`


def keep(connection: Connection, image_ids: Sequence[int]) -> None:
    """Replace what was kept; ``image_ids``: the surest first."""
    connection.execute(delete(schema.meta).where(schema.meta.c.key == NO_PHOTOGRAPH))
    row = {"key": NO_PHOTOGRAPH, "value": json.dumps(list(image_ids))}
    connection.execute(insert(schema.meta), row)


def kept(connection: Connection) -> list[int] | None:
    """Those of what was kept last that are live; None where nothing was looked for yet."""
    query = select(schema.meta.c.value).where(schema.meta.c.key == NO_PHOTOGRAPH)
    text = connection.execute(query).scalar_one_or_none()
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    if not all(type(key) is int and 0 < key <= schema.LARGEST_ID for key in found):
        return None
    table = schema.images.c
    live = images.present(table.id).where(images.LIVE, table.id.in_(these(found)))
    here = set(connection.execute(live).scalars())
    return [key for key in found if key in here]
