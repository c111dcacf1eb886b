"""The job `rebuild`: the data set of a recipe, from its addresses or a folder of pictures.

What is there already is not asked for; what was interrupted goes on. A picture counts as the same
by its SHA-256 alone: an address that leads to another picture by now brings that one, undecided,
and the decision on the old one is not replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, insert, select

from curator.collect import fetch as fetching
from curator.collect.http.client import FetchSettings
from curator.collect.imports.job import BATCH, batches, verified
from curator.collect.imports.labels import image_files
from curator.collect.imports.uploads import LARGEST
from curator.collect.ingest import Ended, keep, known
from curator.deliver.recipe.form import ImageLine, Recipe, read
from curator.deliver.recipe.replay import replay
from curator.deliver.recipe.sources import Entered, Sources, key_of
from curator.encode.arriving import Arriving
from curator.errors import BadFolder
from curator.hashing import sha256_of
from curator.jobs.report import Report
from curator.phrasing import many
from curator.records import Record
from curator.store import schema
from curator.store.database import now, rows_of
from curator.store.undo import reviewer

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

AT_ONCE = 500  # images between two transactions
SHOWN = 100

Problem = Literal["gone", "changed", "not fetched", "no address"]


@dataclass(frozen=True)
class AbsentImage(Record):
    """An image of a recipe that the project does not have."""

    sha256: str
    label: str
    decided: bool
    """Somebody decided on it; that is not replayed."""
    problem: Problem
    """"changed": its address leads to another picture now; "no address": its file is needed."""
    source: str
    reason: str
    """Of an address that failed; codes of curator.imaging.reasons."""


@dataclass(frozen=True, kw_only=True)
class RebuildReport(Report):
    """How a rebuilding ended. Images are counted once for each recipe that has them."""

    images: int
    same: int
    """Here, byte for byte."""
    from_folder: int
    """Of those, taken from the folder of pictures this time."""
    gone: int
    changed: int
    not_fetched: int
    no_address: int
    absent: tuple[AbsentImage, ...]
    """The first 100 of what is not here."""
    other_split: int
    """Images that have another split here, which stays."""
    replayed: int
    agreed: int
    disputed: int
    own: int
    """Decisions that this project's newer ones outdate."""
    not_replayed: int
    """Decisions on images that are not here."""


def run(
    workspace: Workspace,
    progress: Progress,
    files: list[str],
    pictures: str | None = None,
    fetch: bool = True,
    settings: dict[str, object] | None = None,
) -> RebuildReport:
    """Take in the recipes ``files``, in their order.

    ``pictures``: a folder whose images are taken in where their SHA-256 is that of a missing one;
    ``fetch``: ask for the rest, with ``settings``, fields of FetchSettings to override.

    Raises BadRecipe, BadFolder, InputError, BadClassName; then nothing is taken in.
    """
    FetchSettings.of(settings or {})
    folder = None if pictures is None else _folder(pictures)
    progress.begin("reading the recipe")
    recipes = [read(file) for file in files]
    keys = [_enrol(workspace, recipe) for recipe in recipes]
    every = [Sources.of(workspace, recipe) for recipe in recipes]
    from_folder = 0 if folder is None else _take(workspace, progress, every, folder)
    asked, absent = _enter(workspace, progress, every)
    rest = "passing"
    while fetch and absent and (asked or rest == "passing"):
        fetching.run(workspace, progress, rest, settings)
        rest = "none"
        asked, absent = _enter(workspace, progress, every)
    progress.begin("replaying decisions")
    counts: Counter[str] = Counter()
    for key, sources in zip(keys, every, strict=True):
        counts += replay(workspace, key, sources)
    return _report(workspace, progress, every, from_folder, counts)


def was_begun(workspace: Workspace, recipe: Recipe) -> bool:
    """Whether a project was rebuilt from that recipe before, or holds nothing yet."""
    with workspace.database.read() as connection:
        if _key_of(connection, recipe) is not None:
            return True
        query = select(func.count()).select_from(schema.sources)
        return not connection.execute(query).scalar_one()


def _enrol(workspace: Workspace, recipe: Recipe) -> int:
    """The id of the recipe in this project."""
    with workspace.database.write() as connection:
        key = _key_of(connection, recipe)
        if key is None:
            row = {"sha256": recipe.sha256, "name": recipe.header.name}
            signed = {"at": now(), "by": reviewer()}
            connection.execute(insert(schema.recipes), row | signed)
            key = _key_of(connection, recipe)
    assert key is not None
    return key


def _key_of(connection: Any, recipe: Recipe) -> int | None:
    table = schema.recipes.c
    key = connection.execute(select(table.id).where(table.sha256 == recipe.sha256)).scalar()
    return None if key is None else int(key)


def _enter(workspace: Workspace, progress: Progress, every: Sequence[Sources]) -> tuple[int, int]:
    """Enter the sources to be asked next; give how many, and how many images are absent."""
    progress.begin("looking what is there", sum(item.recipe.header.images for item in every))
    asked = absent = 0
    for sources, lines in _lines(every):
        with workspace.database.write() as connection:
            more = sources.enter(connection, lines)
        asked, absent = asked + more[0], absent + more[1]
        progress.advance(len(lines))
    return asked, absent


def _lines(every: Sequence[Sources]) -> Iterator[tuple[Sources, list[ImageLine]]]:
    for sources in every:
        for lines in batches(sources.recipe.images(), AT_ONCE):
            yield sources, lines


def _folder(pictures: str) -> Path:
    folder = Path(pictures).expanduser().absolute()
    if not folder.is_dir():
        raise BadFolder(f"{folder} is no folder.", "Name the folder that holds the pictures.")
    return folder


def _take(workspace: Workspace, progress: Progress, every: Sequence[Sources], folder: Path) -> int:
    """Take in the pictures of a folder that the recipes name; give how many."""
    names, _ = image_files(folder)
    progress.begin(f"looking through {folder.name}", len(names))
    paths: dict[str, Path] = {}
    for name in names:
        path = folder / name
        try:
            if path.stat().st_size <= LARGEST:
                paths[sha256_of(path)] = path
        except OSError:  # not to be read: then it is fetched, or reported as absent
            pass
        progress.advance()
    taken = 0
    for sources, lines in _lines(every):
        wanted = _wanted(workspace, sources, [line for line in lines if line.sha256 in paths])
        digests = dict(wanted)
        given = [(source_id, paths[digest]) for source_id, digest in wanted]
        progress.begin("taking in pictures", len(given))
        with Arriving(workspace) as arriving:
            for piece in batches(verified(workspace, given, progress, arriving), BATCH):
                good = [item for item in piece if _is(item, digests[item.source_id])]
                taken += keep(workspace, good)
                progress.advance(len(piece))
                arriving.offer((item.image for item in good), check=progress.check)
    return taken


def _is(item: Ended, digest: str) -> bool:
    """Whether it is the picture, and not one that was written to the folder just now."""
    return item.image is not None and item.image.sha256 == digest


def _wanted(
    workspace: Workspace, sources: Sources, lines: list[ImageLine]
) -> list[tuple[int, str]]:
    """(source id, SHA-256) of these images where they are missing; their sources are entered."""
    with workspace.database.write() as connection:
        there = known(connection, [line.sha256 for line in lines])
        missing = [line for line in lines if line.sha256 not in there]
        entered = sources.entered(connection, missing)
        first = {line.sha256: sources.rows(line)[0] for line in missing}
        sources.add(connection, [row for row in first.values() if key_of(row) not in entered])
        entered = sources.entered(connection, missing)
        return [(entered[key_of(row)].id, digest) for digest, row in first.items()]


def _report(
    workspace: Workspace,
    progress: Progress,
    every: Sequence[Sources],
    from_folder: int,
    counts: Counter[str],
) -> RebuildReport:
    numbers: Counter[str] = Counter()
    absent: list[AbsentImage] = []
    other_split = 0
    for sources, lines in _lines(every):
        with workspace.database.read() as connection:
            table = schema.images
            query = select(table.c.sha256, table.c.split)
            digests = [line.sha256 for line in lines]
            there = {
                row.sha256: row.split for row in rows_of(connection, query, table.c.sha256, digests)
            }
            missing = [line for line in lines if line.sha256 not in there]
            entered = sources.entered(connection, missing)
        for line in lines:
            if line.sha256 in there:
                split = there[line.sha256]
                other_split += bool(line.split and split and line.split != split)
                continue
            item = _absent(sources, line, entered)
            numbers[item.problem] += 1
            if len(absent) < SHOWN:
                absent.append(item)
        progress.check()
    images = sum(item.recipe.header.images for item in every)
    report = RebuildReport(
        images=images,
        same=images - numbers.total(),
        from_folder=from_folder,
        gone=numbers["gone"],
        changed=numbers["changed"],
        not_fetched=numbers["not fetched"],
        no_address=numbers["no address"],
        absent=tuple(absent),
        other_split=other_split,
        replayed=counts["replayed"],
        agreed=counts["agreed"],
        disputed=counts["disputed"],
        own=counts["own"],
        not_replayed=counts["absent"],
        sentence="",
    )
    return RebuildReport(**{**vars(report), "sentence": _sentence(report)})


def _absent(sources: Sources, line: ImageLine, entered: Mapping[Any, Entered]) -> AbsentImage:
    tried = [
        (row["origin"], entered.get(key_of(row)))
        for row in sources.rows(line)
        if row["kind"] == "address"
    ]
    problem: Problem = "gone"
    origin, last = (line.sources[0].origin, None) if not tried else tried[0]
    if not tried:
        problem = "no address"
    elif any(item is None or item.state == schema.PENDING for _, item in tried):
        problem = "not fetched"
    else:
        for origin_tried, item in tried:
            if item is not None and item.image_id is not None:
                problem, origin, last = "changed", origin_tried, item
    reason = (last.reason if last is not None else None) or ""
    return AbsentImage(line.sha256, line.label, line.state != schema.NEW, problem, origin, reason)


def _sentence(report: RebuildReport) -> str:
    said = f"Here as they were: {report.same} of {many(report.images, 'image')}"
    for number, words in (
        (report.gone, "gone"),
        (report.changed, "changed, what is there now came in as new and undecided"),
        (report.not_fetched, "not fetched yet"),
        (report.no_address, "without an address: their files are needed"),
    ):
        said += f"; {number} {words}" if number else ""
    said += f". {many(report.replayed, 'decision')} replayed"
    said += f", {report.agreed} agreed with" if report.agreed else ""
    said += f", {report.own} older than what was decided here" if report.own else ""
    said += f", {report.not_replayed} not replayed, their image is not here" * bool(
        report.not_replayed
    )
    said += "."
    if report.other_split:
        said += f" {many(report.other_split, 'image has', 'images have')} another split here, "
        said += "which stays."
    if report.disputed:
        queue = "Two reviewers disagree"
        said += f" Reviewers disagree on {many(report.disputed, 'image')}: queue {queue!r}."
    return f"{said} Next: {'review them' if report.disputed else 'check the data'}."
