"""Writing a project's data set as a recipe."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from curator.deliver.recipe.form import (
    FORBIDDEN,
    FORMAT_VERSION,
    KIND,
    MOST_DECISIONS,
    MOST_SOURCES,
    Decision,
    Header,
    ImageLine,
    Source,
    written,
)
from curator.deliver.recipe.history import Taken, in_force
from curator.errors import FileError, NotEnoughData, TargetNotEmpty
from curator.jobs.report import Report
from curator.phrasing import many, utf8
from curator.platform import sync_files, sync_folder
from curator.store import images, schema
from curator.store.classes import all_classes, no_label_id, present_names
from curator.store.database import pieces, rows_of

if TYPE_CHECKING:
    from typing import BinaryIO

    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

_FORBIDDEN = re.compile(f"[{FORBIDDEN}]+")
_SPLITS = (schema.TRAIN, schema.VALID, schema.TEST)


@dataclass(frozen=True, kw_only=True)
class RecipeReport(Report):
    """A recipe that was written."""

    file: str
    images: int
    without_address: int
    """Images that can be had from their owner only: their bytes were given, not an address."""
    decided: int


def write(workspace: Workspace, file: str | Path) -> RecipeReport:
    """Write the data set, what was left out too, to the new file ``file``.

    The same data set gives the same bytes. No picture is in it, and no path of this machine.
    Raises TargetNotEmpty, NotEnoughData, FileError.
    """
    target = Path(file).expanduser().absolute()
    if target.exists() or target.is_symlink():
        raise TargetNotEmpty(f"{target} is there already.", "Name a new file.")
    numbers = {"images": 0, "without_address": 0, "decided": 0}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as folder,
            workspace.database.read() as connection,
        ):
            unfinished = Path(folder, "recipe")
            with unfinished.open("xb") as stream:
                _write(connection, workspace, stream, numbers)
            sync_files([unfinished])
            unfinished.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise FileError(
            f"{target} could not be written: {error.strerror or error}.",
            "Free some space, or name another file.",
        ) from error
    said = f"{many(numbers['images'], 'image')}, {many(numbers['decided'], 'decided one')}, are in "
    said += f"{target}, without the pictures."
    if numbers["without_address"]:
        said += (
            f" {many(numbers['without_address'], 'image has', 'images have')} no address: whoever "
            "rebuilds the data set needs their files."
        )
    return RecipeReport(file=str(target), sentence=said, **numbers)


def _write(
    connection: Connection, workspace: Workspace, stream: BinaryIO, numbers: dict[str, int]
) -> None:
    table = schema.images.c
    query = (
        images.present(
            table.id, table.sha256, table.bytes, table.split, schema.current.c.state,
            schema.current.c.class_id,
        )
        .where(
            schema.current.c.state != schema.WITHDRAWN,
            # What has no label is no part of the data set yet.
            schema.current.c.class_id.is_distinct_from(no_label_id(connection)),
        )
    )  # fmt: skip
    keys = [row.id for row in connection.execute(query.order_by(table.sha256))]
    if not keys:
        raise NotEnoughData("There is no image to write a recipe of.", "Fetch or import some.")
    header = Header(
        recipe=KIND,
        format_version=FORMAT_VERSION,
        name=cleaned(workspace.name, 1_000),
        seed=workspace.seed,
        test_share=workspace.test_share,
        classes=[item.name for item in all_classes(connection)],
        images=len(keys),
    )
    stream.write(written(header))
    names, labels = present_names(connection), set(header.classes)
    for piece in pieces(keys):
        rows = {row.id: row for row in rows_of(connection, query, table.id, piece)}
        sources = _sources(connection, rows, names, labels)
        decisions = in_force(connection, piece)
        for key in piece:
            line = _line(rows[key], sources[key], decisions.get(key, []), names, labels)
            numbers["images"] += 1
            numbers["without_address"] += not line.addresses
            numbers["decided"] += line.state != schema.NEW
            stream.write(written(line))


def _line(
    row: Any, sources: list[Source], taken: list[Taken], names: dict[int, str], labels: set[str]
) -> ImageLine:
    # An image whose import was undone and done again is new, whatever was decided before.
    while taken and (taken[-1].state != row.state or names[taken[-1].class_id] not in labels):
        taken = taken[:-1]
    decisions = [
        Decision.model_validate(
            {
                "at": item.at,
                "by": cleaned(item.by, 200),
                "state": item.state,
                "label": names[item.class_id],
            }
        )
        for item in taken[-MOST_DECISIONS:]
        if names[item.class_id] in labels
    ]
    return ImageLine(
        sha256=row.sha256,
        bytes=row.bytes,
        label=names[row.class_id],
        state=decisions[-1].state if decisions else "new",
        split=row.split if row.split in _SPLITS else None,
        sources=tuple(sources[:MOST_SOURCES]),
        decisions=tuple(decisions),
    )


def _sources(
    connection: Connection, rows: dict[int, Any], names: dict[int, str], labels: set[str]
) -> dict[int, list[Source]]:
    """Of each image, first the source that gave it its class."""
    table = schema.sources
    query = select(table).order_by(table.c.id)
    found: dict[int, list[Source]] = defaultdict(list)
    for row in rows_of(connection, query, table.c.image_id, rows):
        label = names[row.class_id]
        found[row.image_id].append(
            Source(
                kind=row.kind,
                origin=row.origin if row.kind == "address" else cleaned(row.origin, 10_000),
                # A class that was taken back may have left its name at a source.
                label=label if label in labels else names[rows[row.image_id].class_id],
                license=row.license,
                creator=row.creator,
                source_page=row.source_page,
            )
        )
    return found


def cleaned(text: str, most: int) -> str:
    """A text as a recipe may hold it: in one line, nothing that steers a reader."""
    return utf8(_FORBIDDEN.sub(" ", text))[:most]
