"""Pictures of stored images to look at: thumbnails, made again where they are lost, and one large.

What they are made from lies in the project; an original that is gone or altered gives none.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.errors import ProjectAltered
from curator.imaging.decoding import Rejected, decode
from curator.imaging.inspection import verify
from curator.store import images, schema
from curator.store.database import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from curator.store.workspace import Workspace

ENLARGED = 1600  # pixels of the longer side

_FILES = select(schema.images.c.id, schema.images.c.sha256, schema.images.c.file)


def thumbnails(workspace: Workspace, files: Mapping[str, str]) -> dict[str, bytes]:
    """Thumbnails by SHA-256 of stored images; ``files``: SHA-256 to path below originals/.

    One that ``thumbnails.db`` lacks is made again. Left out are those whose original is gone.
    """
    kept = dict(workspace.thumbnails.get(list(files)))
    made = {}
    for digest in files.keys() - kept.keys():
        with contextlib.suppress(OSError, Rejected, ProjectAltered):
            data = workspace.original(files[digest]).read_bytes()
            made[digest] = verify(data, min_side=1).thumbnail
    if made:
        workspace.thumbnails.put(made.items())
    return kept | made


def thumbnails_of(workspace: Workspace, image_ids: Sequence[int]) -> dict[int, bytes]:
    """Thumbnails (JPEG; WebP in older projects) by image id; without those of lost originals."""
    with workspace.database.read() as connection:
        rows = list(rows_of(connection, _FILES, schema.images.c.id, image_ids))
    pictures = thumbnails(workspace, {row.sha256: row.file for row in rows})
    return {row.id: pictures[row.sha256] for row in rows if row.sha256 in pictures}


def newest_by_class(
    workspace: Workspace, class_ids: Sequence[int], number: int
) -> dict[int, list[int]]:
    """Ids of the newest live images of each class, at most ``number``, the newest first."""
    with workspace.database.read() as connection:
        return {key: images.newest_of_class(connection, key, number) for key in class_ids}


def enlarged(workspace: Workspace, file: str) -> bytes | None:
    """An original as WebP, at most :data:`ENLARGED` pixels wide and high; None if unreadable."""
    try:
        picture = decode(workspace.original(file).read_bytes())
    except (Rejected, OSError, ProjectAltered):
        return None  # the thumbnail stays in its place
    picture.thumbnail((ENLARGED, ENLARGED))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=85, method=2)
    return buffer.getvalue()
