"""The project class by class: what there is of each, what asks to be looked at, some pictures.

Numbers of a queue are counted by its own query, so each says what opening the queue will show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from curator.check.counts import class_counts
from curator.check.findings import TINY_CLASS
from curator.check.outliers import THRESHOLD
from curator.phrasing import many
from curator.records import Record
from curator.review.counts import flagged_by_class
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import QUEUES
from curator.review.queue.scope import Scope
from curator.store import images, schema
from curator.store.classes import all_classes

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

STRIP = 26  # pictures of a class at most
PICTURES = 360  # of all classes together
COLLECT = "collect"


@dataclass(frozen=True)
class Sign(Record):
    """Something of a class that asks to be looked at."""

    count: int
    words: str
    """With the number, such as "6 suspicious"."""
    queue: str
    """The review queue that shows them, narrowed to the class; "" where a station does."""
    station: str
    """Where it is looked at."""


@dataclass(frozen=True)
class ClassRow(Record):
    """One class."""

    id: int
    label: str
    images: int
    """Live ones, as ``train``, ``valid`` and ``test``; more where some have no split yet."""
    train: int
    valid: int
    test: int
    signs: tuple[Sign, ...]
    newest: tuple[int, ...]
    """Ids of the images that came last, the last first, for a strip of pictures."""


def overview(workspace: Workspace) -> tuple[ClassRow, ...]:
    """The classes in the model's order."""
    with workspace.database.read() as connection:
        sizes = class_counts(connection)
        classes = all_classes(connection)
        found = _counted(Scope(connection))
        pictures = max(2, min(STRIP, PICTURES // max(1, len(classes))))
        return tuple(
            ClassRow(
                id=item.id,
                label=size.label,
                images=size.images,
                train=size.train,
                valid=size.valid,
                test=size.test,
                signs=_signs(found, item.id, size.images),
                newest=tuple(images.newest_of_class(connection, item.id, pictures)),
            )
            for item, size in zip(classes, sizes, strict=True)
        )


_WORDS = {
    "suspicious": ("suspicious", "suspicious"),
    "two classes": ("in two classes", "in two classes"),
    "duplicates": ("near-duplicate", "near-duplicates"),
    "outliers": ("outlier", "outliers"),
    "problems": ("of poor quality", "of poor quality"),
    schema.FAILED: ("failed", "failed"),
    schema.PENDING: ("to fetch", "to fetch"),
}


def _signs(found: dict[str, dict[int, int]], class_id: int, images: int) -> tuple[Sign, ...]:
    signs = []
    for kind, words in _WORDS.items():
        number = found[kind].get(class_id, 0)
        if number:
            queue = kind if kind in QUEUES else ""
            station = "review" if queue else COLLECT
            signs.append(Sign(number, many(number, *words), queue, station))
    if images < TINY_CLASS:
        few = f"{many(images, 'image')} only" if images else "no image"
        signs.append(Sign(images, few, "", COLLECT))
    return tuple(signs)


def _counted(scope: Scope) -> dict[str, dict[int, int]]:
    """Of each thing of :data:`_WORDS` how many there are, by class."""
    connection, now, sources = scope.connection, schema.current.c, schema.sources.c
    run = scope.found_run
    found = {"suspicious": flagged_by_class(connection, None if run is None else run.id)}
    for kind in ("duplicates", "two classes", "outliers", "problems"):
        query = QUEUES[kind].order(scope, Filters()).order_by(None)
        if kind == "outliers":  # the queue goes on to those that are usual
            query = query.where(schema.images.c.outlier_score < THRESHOLD)
        ids = query.subquery()
        by_class = (
            select(now.class_id, func.count().label("number"))
            .join(ids, ids.c.image_id == now.image_id)
            .group_by(now.class_id)
        )
        found[kind] = {row.class_id: row.number for row in connection.execute(by_class)}
    for state in (schema.FAILED, schema.PENDING):
        addresses = (
            select(sources.class_id, func.count())
            .where(sources.state == state)
            .group_by(sources.class_id)
        )
        counted: dict[int, int] = {}
        for key, number in connection.execute(addresses):
            present = scope.merged.get(key, key)
            counted[present] = counted.get(present, 0) + number
        found[state] = counted
    return found
