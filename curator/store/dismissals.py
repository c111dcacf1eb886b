"""Findings that a person says are no problem: the ledger's third part, with undo and redo.

A dismissal is of a finding's code and of an image, of a class, or of neither, where the finding is
of the data as a whole. Rows are never changed or removed; the last one of each says how it stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, text

from curator.phrasing import many
from curator.store import schema
from curator.store.database import Database, now
from curator.store.undo import Decided, last_batch, reviewer

DISMISS, BRING_BACK = "dismiss", "bring back"
_VERBS = {DISMISS: "dismissed", BRING_BACK: "brought back"}


@dataclass(frozen=True)
class Subject:
    """What a finding is about: an image, a class, or neither."""

    image_id: int | None = None
    class_id: int | None = None


@dataclass(frozen=True)
class Dismissed:
    """What is dismissed now, by the finding's code."""

    images: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    classes: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    whole: set[str] = field(default_factory=set)


def in_force(connection: Connection) -> Dismissed:
    """Read what is dismissed now."""
    table = schema.dismissals.c
    newest = select(func.max(table.id)).group_by(table.finding, table.image_id, table.class_id)
    query = select(table.finding, table.image_id, table.class_id).where(
        table.id.in_(newest), table.after == 1
    )
    found = Dismissed()
    for row in connection.execute(query):
        if row.image_id is not None:
            found.images[row.finding].add(row.image_id)
        elif row.class_id is not None:
            found.classes[row.finding].add(row.class_id)
        else:
            found.whole.add(row.finding)
    return found


def images_of(finding: str) -> Select[tuple[int]]:
    """A query for the ids of the images of which a finding is dismissed now."""
    table = schema.dismissals.c
    newest = (
        select(func.max(table.id))
        .where(table.finding == finding, table.image_id.is_not(None))
        .group_by(table.image_id)
    )
    return select(table.image_id).where(table.id.in_(newest), table.after == 1)


def record(
    database: Database,
    subjects: Mapping[str, Sequence[Subject]],
    action: str = DISMISS,
    by: str | None = None,
) -> Decided:
    """Dismiss ``subjects``, by the finding's code, or bring them back, as one step of undo.

    ``action``: :data:`DISMISS` or :data:`BRING_BACK`. What is so already gets no row. The images
    must be there.
    """
    with database.write() as connection:
        known = in_force(connection)
        after = action == DISMISS
        changed = [
            (finding, item)
            for finding, items in subjects.items()
            for item in items
            if _is_dismissed(known, finding, item) != after
        ]
        if not changed:
            return Decided(0, ())
        batch = last_batch(connection) + 1
        signed = {"batch": batch, "at": now(), "by": by or reviewer(), "action": action}
        connection.execute(
            insert(schema.dismissals),
            [
                {
                    **signed,
                    "finding": finding,
                    "image_id": item.image_id,
                    "class_id": item.class_id,
                    "before": int(not after),
                    "after": int(after),
                }
                for finding, item in changed
            ],
        )
    first = changed[0][0]
    of_images = sum(item.image_id is not None for code, item in changed if code == first)
    return Decided(batch, (), what=_in_words(action, first, of_images))


def invert(connection: Connection, batch: int, number: int, action: str, by: str | None) -> str:
    """Undo or redo (``action``) the dismissals in ``batch`` as batch ``number``; in a few words.

    "" when the batch holds none.
    """
    signed = {"number": number, "at": now(), "by": by or reviewer(), "action": action}
    connection.execute(_INVERSE, {**signed, "batch": batch})
    first: Any = connection.execute(_ACT, {"batch": batch}).first()
    return "" if first is None else _in_words(first.action, first.finding, first.images)


_INVERSE = text("""
INSERT INTO dismissals (batch, at, "by", action, finding, image_id, class_id, before, after, undoes)
SELECT CAST(:number AS BIGINT), :at, :by, :action, finding, image_id, class_id, after, before, id
FROM dismissals WHERE batch = :batch ORDER BY id
""")
# The act itself, however often it was undone and redone.
_ACT = text("""
WITH RECURSIVE act(id, action, finding, undoes) AS (
    SELECT id, action, finding, undoes FROM dismissals
    WHERE id = (SELECT MIN(id) FROM dismissals WHERE batch = :batch)
    UNION ALL
    SELECT row.id, row.action, row.finding, row.undoes
    FROM dismissals AS row JOIN act ON row.id = act.undoes
)
SELECT action, finding, (
    SELECT COUNT(image_id) FROM dismissals AS row
    WHERE batch = :batch AND row.finding = act.finding
) AS images
FROM act WHERE undoes IS NULL
""")


def _is_dismissed(known: Dismissed, finding: str, item: Subject) -> bool:
    if item.image_id is not None:
        return item.image_id in known.images[finding]
    if item.class_id is not None:
        return item.class_id in known.classes[finding]
    return finding in known.whole


def _in_words(action: str, finding: str, number: int) -> str:
    name = finding.removeprefix("is_").removesuffix("_issue").replace("_", " ")
    of = f" of {many(number, 'image')}" if number else ""
    return f"{_VERBS[action]} the finding {name}{of}"
