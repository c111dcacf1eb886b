"""Entering verified images into the store: the one place where an image row begins.

And keeping up what the originals allow to be made again: their thumbnails.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from curator.collect.decoding import Rejected
from curator.collect.verify import VerifiedImage, verify
from curator.store import schema
from curator.store.database import now

if TYPE_CHECKING:
    from curator.project import Project


@dataclass(frozen=True)
class Ended:
    """How a source ended: an image and its file, or a reason."""

    source_id: int
    image: VerifiedImage | None
    file: str | None  # relative to originals/
    reason: str | None = None
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)  # further columns of `sources`


def keep(project: Project, ended: Sequence[Ended]) -> int:
    """Record a batch in one transaction; return how many images are new by content.

    The thumbnails go first: an image row never lacks its thumbnail.
    """
    project.thumbnails.put((e.image.sha256, e.image.thumbnail) for e in ended if e.image)
    new = 0
    with project.database.write() as connection:
        for item in ended:
            image_id = None
            if item.image is not None:
                image_id = connection.execute(
                    select(schema.images.c.id).where(schema.images.c.sha256 == item.image.sha256)
                ).scalar()
                if image_id is None:
                    source = connection.execute(
                        select(schema.sources.c.class_id, schema.sources.c.split).where(
                            schema.sources.c.id == item.source_id
                        )
                    ).one()
                    values = _image_row(item.image, item.file or "", source.class_id, source.split)
                    key = connection.execute(
                        insert(schema.images).values(**values)
                    ).inserted_primary_key
                    assert key is not None
                    image_id, new = key[0], new + 1
            connection.execute(
                update(schema.sources)
                .where(schema.sources.c.id == item.source_id)
                .values(
                    state=schema.FAILED if item.image is None else schema.FETCHED,
                    reason=item.reason,
                    detail=item.detail,
                    image_id=image_id,
                    ended_at=now(),
                    **item.facts,
                )
            )
    return new


def thumbnails(project: Project, files: Mapping[str, str]) -> dict[str, bytes]:
    """Thumbnails by SHA-256 of stored images; ``files``: SHA-256 to path below originals/.

    One that ``thumbnails.db`` lacks is made again. Left out are those whose original is gone.
    """
    found = dict(project.thumbnails.get(list(files)))
    made = {}
    for digest in files.keys() - found.keys():
        with contextlib.suppress(OSError, Rejected):
            data = (project.originals / files[digest]).read_bytes()
            made[digest] = verify(data, min_side=1).thumbnail
    if made:
        project.thumbnails.put(made.items())
    return found | made


def _image_row(image: VerifiedImage, file: str, class_id: int, split: str | None) -> dict[str, Any]:
    return {
        "sha256": image.sha256,
        "file": file,
        "class_id": class_id,
        "format": image.format,
        "width": image.width,
        "height": image.height,
        "bytes": image.bytes,
        "phash": image.phash,
        **image.scores,
        "split": split,
        "added_at": now(),
    }
