"""A project at a glance, for lists of projects: how much of what, four pictures, what runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.collect.pictures import thumbnails_of
from curator.jobs import marks
from curator.records import Record
from curator.review.status import QUIET
from curator.store import images, jobs, schema
from curator.store.classes import class_sizes

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

PICTURES = 4
_LOOKED_AT = 200  # images, of which the pictures are taken


@dataclass(frozen=True)
class Glance(Record):
    """What a list says of one project."""

    images: int
    """Live ones."""
    classes: tuple[str, ...]
    """Their names, in the model's order."""
    working: str
    """What runs, and how far it is; empty when nothing does."""
    pictures: tuple[bytes, ...]
    """At most :data:`PICTURES` thumbnails (JPEG; WebP in older projects), of different classes
    where there are several."""


def glance(workspace: Workspace) -> Glance:
    """Look at a project; nothing in it is judged, so that a list of many is quick."""
    with workspace.database.read() as connection:
        sizes = class_sizes(connection)
        query = images.present(schema.images.c.id, schema.current.c.class_id).where(images.LIVE)
        first = list(connection.execute(query.limit(_LOOKED_AT)))
        classes = {item.id for item in sizes if item.images} - {row.class_id for row in first}
        for class_id in sorted(classes)[:PICTURES]:
            of_class = query.where(schema.current.c.class_id == class_id)
            first += connection.execute(of_class.limit(PICTURES))
    shown = _spread([(row.id, row.class_id) for row in first])
    found = thumbnails_of(workspace, shown)
    return Glance(
        images=sum(item.images for item in sizes),
        classes=tuple(item.name for item in sizes),
        working=_working(workspace),
        pictures=tuple(found[image_id] for image_id in shown if image_id in found),
    )


def _spread(images_and_classes: list[tuple[int, int]]) -> list[int]:
    """The ids of a few images: the first of each class, then the second of each, and so on."""
    seen: dict[int, int] = {}
    placed = []
    for image_id, class_id in images_and_classes:
        seen[class_id] = seen.get(class_id, 0) + 1
        placed.append((seen[class_id], class_id, image_id))
    return [image_id for _, _, image_id in sorted(placed)[:PICTURES]]


def _working(workspace: Workspace) -> str:
    job = jobs.latest(workspace.database, without=QUIET)
    if job is None or not job.is_open:
        return ""
    if job.state == jobs.QUEUED and not marks.is_ours(workspace, job, "to run"):
        return ""  # it came with the project
    return f"{job.kind}, {job.done} of {job.total}" if job.total else job.kind
