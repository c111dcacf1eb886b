"""The job `export`: the data set as a folder, in one or several forms, with manifest and card."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.check.job import prepare
from curator.deliver.concept_table import CONCEPTS
from curator.deliver.data_card import card
from curator.deliver.dataset import (
    MANIFEST_COLUMNS,
    UNDECIDED,
    DataSet,
    SplitCount,
    check_names,
    counts,
    gathered,
    plan,
)
from curator.deliver.formats import chosen
from curator.errors import NotEnoughData
from curator.files import refuse_occupied, replacing_folder
from curator.jobs.report import Report
from curator.phrasing import many
from curator.platform import cpu_count
from curator.store.database import pieces
from curator.store.images import number_without_split
from curator.store.originals import copy_whole
from curator.trust import inside

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

__all__ = ["MANIFEST_COLUMNS", "UNDECIDED", "ExportReport", "SplitCount", "counts", "plan", "run"]

_AT_ONCE = 64  # files between two looks at the cancel flag


@dataclass(frozen=True, kw_only=True)
class ExportReport(Report):
    """A data set that was written."""

    folder: str
    images: int
    counts: tuple[SplitCount, ...]
    formats: tuple[str, ...]
    version: str | None
    """The tagged version that it is; None: the data set as it was then."""
    linked: int
    """Files that are the project's own originals under a second name."""


def run(
    workspace: Workspace,
    progress: Progress,
    out: str,
    formats: list[str] | None = None,
    link: bool = False,
    version: str | None = None,
    selection: str = "",
) -> ExportReport:
    """Write the data set to the new folder ``out``: pictures, manifest.csv, README.md.

    Where something is looked for by name, concepts.csv, too, but not beside a tagged version.

    ``formats``: names of :data:`curator.deliver.formats.FORMATS`; an ImageFolder when left out.
    Each original is hashed as it is copied: one that is missing, cut off or no longer the file that
    was taken in refuses the export. Where the disk can share blocks, copies take no room. ``link``:
    where it cannot, files are hard links, read-only: a second name of the project's own original.
    ``version``: one that was tagged, instead of the data set as it is; ``selection``: the name of
    images, as :func:`curator.find.selections.keep` gives it, instead of all.

    The folder appears whole or not at all. Raises TargetNotEmpty, InputError, UnknownVersion,
    BadClassName, NotEnoughData, OriginalMissing, OriginalAltered, FileError, ProjectAltered.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    forms = chosen(["imagefolder"] if formats is None else formats)
    if version is None and _lacks_splits(workspace):
        prepare(workspace, progress)
    data = gathered(workspace, version, selection)
    if data.images.empty:
        raise NotEnoughData(
            "There is no image to export.", "Fetch some, or take deletions back with undo."
        )
    check_names(data.classes)
    linked = 0
    with replacing_folder(target) as folder:
        if any(form.has_folders for form in forms):
            linked = _write_pictures(folder, data, progress, link)
        for form in forms:
            form.write(folder, data, progress)
        (folder / "manifest.csv").write_bytes(data.manifest)
        if data.concepts:
            (folder / CONCEPTS).write_bytes(data.concepts)
        (folder / "README.md").write_bytes(card(data, forms).encode())
    return ExportReport(
        folder=str(target),
        images=len(data.images),
        counts=counts(data.images),
        formats=tuple(form.name for form in forms),
        version=None if data.version is None else data.version.name,
        linked=linked,
        sentence=_sentence(target, data, linked),
    )


def _lacks_splits(workspace: Workspace) -> bool:
    """Whether an image has no side of the split: only for those are features wanted here."""
    with workspace.database.read() as connection:
        return number_without_split(connection) > 0


def _write_pictures(folder: Path, data: DataSet, progress: Progress, link: bool) -> int:
    """Copy the originals to their split's folder and label; give how many are hard links."""
    for label in data.classes:
        for split in data.splits:
            # All folders for every class, so that readers count the classes alike.
            inside(folder, f"{split}/{label}").mkdir(parents=True, exist_ok=True)

    def write(row: Any) -> bool:
        original, copy = data.workspace.original(row.file), inside(folder, row.file_name)
        return copy_whole(original, copy, row.sha256, row.bytes, link)

    linked = 0
    progress.begin("exporting", len(data.images))
    # Hashing lets go of the interpreter's lock, so threads use all cores.
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="export") as pool:
        for piece in pieces(data.rows(), _AT_ONCE):
            linked += sum(pool.map(write, piece))
            progress.advance(len(piece))
    return linked


def _sentence(target: Path, data: DataSet, linked: int) -> str:
    what = "" if data.version is None else f" of version {data.version.name}"
    said = f"{many(len(data.images), 'image')}{what} and manifest.csv are in {target}."
    if linked:
        said += (
            f" {many(linked, 'file')} are hard links to the project's originals, read-only: "
            "make a copy before you edit one."
        )
    return said
