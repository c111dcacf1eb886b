"""Entering verified images into the store: the one place where an image row begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select, update

from curator.collect.verification.process import Verdict
from curator.errors import FileError
from curator.imaging.inspection import VerifiedImage
from curator.imaging.measures import MEASURES_VERSION
from curator.platform import sync_files
from curator.store import class_changes, schema
from curator.store.arrivals import Arrivals, unlabelled, withdrawn
from curator.store.classes import no_label_id
from curator.store.database import now, rows_of

if TYPE_CHECKING:
    from curator.store.workspace import Workspace


@dataclass(frozen=True)
class Ended:
    """How a source ended: an image and its file, or a reason."""

    source_id: int
    image: VerifiedImage | None
    file: str | None  # relative to originals/
    reason: str | None = None
    detail: str = ""
    facts: dict[str, Any] = field(default_factory=dict)  # further columns of `sources`


def ended(source_id: int, verdict: Verdict) -> Ended:
    """How a source ended whose bytes were at hand."""
    reason = None if verdict.reason is None else verdict.reason.value
    facts = {"bytes": verdict.bytes}
    return Ended(source_id, verdict.image, verdict.file, reason, verdict.detail, facts)


def keep(workspace: Workspace, batch: Sequence[Ended], arrivals: Arrivals | None = None) -> int:
    """Record a batch in one transaction; return how many images are new by content.

    ``arrivals``: the act that they are part of, of an import. An image that is there, but whose
    import was undone, counts as new and comes back.

    Files and thumbnails go first: an image row never lacks either, whatever fails when. Raises
    FileError when the disk refuses.
    """
    if not batch:
        return 0
    _make_durable([*{workspace.original(item.file).path for item in batch if item.file}])
    workspace.thumbnails.put((e.image.sha256, e.image.thumbnail) for e in batch if e.image)
    with workspace.database.write() as connection:
        there = known(connection, {e.image.sha256 for e in batch if e.image})
        # The first source of a content gives it its class.
        fresh = {
            item.image.sha256: item
            for item in reversed(batch)
            if item.image and item.image.sha256 not in there
        }
        new: dict[str, int] = {}
        if fresh:
            given = _given(connection, [item.source_id for item in fresh.values()])
            rows = [
                _image_row(item.image, item.file or "", *given[item.source_id])
                for item in reversed(fresh.values())
                if item.image
            ]
            connection.execute(insert(schema.images), rows)
            new = known(connection, fresh.keys())
            there |= new
        again = _again(connection, batch, there, fresh)
        if arrivals is not None:
            arrivals.came(connection, list(new.values()), again)
        else:
            class_changes.follow(connection, list(new.values()))
            Arrivals().came(connection, [], again)
        by_columns: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
        for item in batch:
            row = _source_row(item, there.get(item.image.sha256) if item.image else None)
            by_columns[frozenset(row)].append(row)
        for rows in by_columns.values():
            connection.execute(
                update(schema.sources).where(schema.sources.c.id == bindparam("key")), rows
            )
    return len(fresh) + len(again)


def _again(
    connection: Connection,
    batch: Sequence[Ended],
    there: Mapping[str, int],
    fresh: Collection[str],
) -> dict[int, int]:
    """The class of the first source of each image that comes back, or gets a label, by its id."""
    first = {
        there[e.image.sha256]: e.source_id
        for e in reversed(batch)
        if e.image and e.image.sha256 not in fresh
    }
    missing, waiting = withdrawn(connection, first), unlabelled(connection, first)
    back = {key: source_id for key, source_id in first.items() if key in missing or key in waiting}
    given = _given(connection, list(back.values())) if back else {}
    no_label = no_label_id(connection)
    found = {image_id: given[source_id][0] for image_id, source_id in back.items()}
    return {key: label for key, label in found.items() if key in missing or label != no_label}


def _make_durable(files: Sequence[Path]) -> None:
    try:
        sync_files(files)
    except OSError as error:
        raise FileError(
            f"The images in {files[0].parents[1]} could not be written: {error.strerror or error}.",
            "Free some space and run it again: what was recorded so far is safe.",
        ) from error


def known(connection: Connection, digests: Collection[str]) -> dict[str, int]:
    """Ids of the images among these contents, by SHA-256."""
    table = schema.images
    query = select(table.c.sha256, table.c.id)
    return {row.sha256: row.id for row in rows_of(connection, query, table.c.sha256, digests)}


def _given(connection: Connection, source_ids: Sequence[int]) -> dict[int, tuple[int, str | None]]:
    """Class and imported split of these sources."""
    table = schema.sources
    query = select(table.c.id, table.c.class_id, table.c.split)
    return {
        row.id: (row.class_id, row.split)
        for row in rows_of(connection, query, table.c.id, source_ids)
    }


def _source_row(item: Ended, image_id: int | None) -> dict[str, Any]:
    return {
        "key": item.source_id,
        "state": schema.FAILED if item.image is None else schema.FETCHED,
        "reason": item.reason,
        "detail": item.detail,
        "image_id": image_id,
        "ended_at": now(),
        **item.facts,
    }


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
        "measures_version": MEASURES_VERSION,
        "split": split,
        "added_at": now(),
    }
