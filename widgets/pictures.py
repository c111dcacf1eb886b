"""Pictures for the gallery, as bytes: thumbnails of a page, and one image enlarged."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from curator.collect.ingest import thumbnails
from curator.errors import ProjectAltered
from curator.imaging.decoding import Rejected, decode
from curator.store import schema

if TYPE_CHECKING:
    from curator.project import Project

ENLARGED = 1600  # pixels of the longer side


def thumbnails_of(project: Project, image_ids: Sequence[int]) -> dict[int, bytes]:
    """Thumbnails (JPEG; WebP in older projects) by image id; without those of lost originals."""
    table = schema.images
    query = select(table.c.id, table.c.sha256, table.c.file).where(
        table.c.id.in_(bindparam("ids", expanding=True))
    )
    with project.database.read() as connection:
        rows = connection.execute(query, {"ids": list(image_ids)}).all()
    found = thumbnails(project, {row.sha256: row.file for row in rows})
    return {row.id: found[row.sha256] for row in rows if row.sha256 in found}


def enlarged(project: Project, file: str) -> bytes | None:
    """The image as WebP, at most :data:`ENLARGED` pixels wide and high; None if unreadable."""
    try:
        picture = decode(project.original(file))
    except (Rejected, OSError, ProjectAltered):
        return None  # the thumbnail stays in its place
    picture.thumbnail((ENLARGED, ENLARGED))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85, method=2)
    return buffer.getvalue()


class Sent:
    """Which thumbnails a browser holds: those of the page and the next, never sent twice."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    def forget(self) -> None:
        """Another browser page is looking, and it holds nothing."""
        self._held = set()

    def fresh(self, wanted: Iterable[int]) -> list[int]:
        """Those of ``wanted`` that have to be sent; the rest of what was held is dropped."""
        asked = list(wanted)
        found = [image_id for image_id in asked if image_id not in self._held]
        self._held = set(asked)
        return found
