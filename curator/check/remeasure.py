"""Measuring stored images again after the formulas changed, from their originals.

Every image row names the version of the formulas that its measures and its perceptual hash come
from. Groups of near-duplicates that were found by an older hash stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, func, select, update

from curator.errors import ProjectAltered
from curator.imaging.decoding import Rejected
from curator.imaging.inspection import verify
from curator.imaging.measures import MEASURES_VERSION
from curator.platform import cpu_count
from curator.store import schema

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

BATCH = 256  # images measured and written at once


def bring_up_to_date(workspace: Workspace, progress: Progress | None = None) -> int:
    """Measure anew what older formulas measured; return how many images that were.

    Each batch is kept as soon as it is measured, so that a call that is cancelled or killed leaves
    only the rest to do. An image whose original is gone, unreadable or altered keeps its measures,
    and the next call looks at it again. Raises JobCancelled. Without anything to do it reads the
    images once.
    """
    outdated = schema.images.c.measures_version != MEASURES_VERSION
    with workspace.database.read() as connection:
        total = connection.execute(select(func.count()).where(outdated)).scalar_one()
    if not total:
        return 0
    if progress:
        progress.begin("measuring the images anew", total)
    measured = 0
    with ThreadPoolExecutor(cpu_count()) as pool:
        for rows in _batches(workspace):
            answers = pool.map(lambda row: _measured(workspace, row), rows)
            found = [values for values in answers if values is not None]
            if found:
                _write(workspace, found)
            measured += len(found)
            if progress:
                progress.advance(len(rows), measured=len(found), unreadable=len(rows) - len(found))
    return measured


def _batches(workspace: Workspace) -> Iterator[Sequence[Row[int, str, str]]]:
    """Outdated images by id, each once: (id, sha256, file)."""
    table = schema.images
    last = 0
    while True:
        query = (
            select(table.c.id, table.c.sha256, table.c.file)
            .where(table.c.id > last, table.c.measures_version != MEASURES_VERSION)
            .order_by(table.c.id)
            .limit(BATCH)
        )
        with workspace.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _measured(workspace: Workspace, row: Row[int, str, str]) -> dict[str, Any] | None:
    """The new measures of one image, or None where its original does not give them."""
    try:
        # The way by which it came in, so that the measures are those of a new image.
        image = verify(workspace.original(row.file).read_bytes(), min_side=1)
    except (OSError, Rejected, ProjectAltered):
        return None
    if image.sha256 != row.sha256:
        return None
    return {"key": row.id, "phash": image.phash, **image.scores}


def _write(workspace: Workspace, found: list[dict[str, Any]]) -> None:
    names = [name for name in found[0] if name != "key"]
    with workspace.database.write() as connection:
        connection.execute(
            update(schema.images)
            .where(schema.images.c.id == bindparam("key"))
            .values(measures_version=MEASURES_VERSION, **{name: bindparam(name) for name in names}),
            found,
        )
