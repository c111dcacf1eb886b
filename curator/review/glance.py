"""A project at a glance, for lists of projects: how much of what, four pictures, what runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from curator.collect.pictures import thumbnails_of
from curator.records import Record
from curator.review.status import newest_job
from curator.store import images
from curator.store.classes import class_sizes

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

PICTURES = 4


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
        some = [item.id for item in sizes if item.images][:PICTURES]
        newest = [images.newest_of_class(connection, key, PICTURES) for key in some]
    # One of each class, then a second of each, and so on.
    turns = zip_longest(*newest)
    shown = [key for turn in turns for key in turn if key is not None][:PICTURES]
    found = thumbnails_of(workspace, shown)
    return Glance(
        images=sum(item.images for item in sizes),
        classes=tuple(item.name for item in sizes),
        working=_working(workspace),
        pictures=tuple(found[image_id] for image_id in shown if image_id in found),
    )


def _working(workspace: Workspace) -> str:
    job = newest_job(workspace)
    if job is None or not job.is_open:
        return ""
    return f"{job.kind}, {job.done} of {job.total}" if job.total else job.kind
