"""What an export would write: files, their size and the card, before anything is written."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.deliver.concept_table import CONCEPTS
from curator.deliver.data_card import card
from curator.deliver.dataset import UNDECIDED, Part, SplitCount, counts, gathered
from curator.deliver.formats import FORMATS, chosen, folders
from curator.phrasing import many, of_bytes
from curator.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.store.workspace import Workspace


@dataclass(frozen=True)
class FormatPreview(Record):
    """One form of :data:`curator.deliver.formats.FORMATS`, whether it was chosen or not."""

    name: str
    holds: str
    use: str
    chosen: bool
    has_folders: bool
    """Whether it reads the folders of pictures, which several forms share."""
    parts: tuple[Part, ...]
    """What belongs to it alone."""


@dataclass(frozen=True, kw_only=True)
class ExportPreview(Record):
    """What an export with the chosen forms would write."""

    sentence: str
    images: int
    files: int
    bytes: int
    """About, with the folders of pictures once; with links it is less."""
    free: int | None
    """Bytes that the disk has left where it would be written; None where no folder was named."""
    counts: tuple[SplitCount, ...]
    undecided: int
    """Images without a split: the export checks the data first."""
    folders: tuple[Part, ...]
    formats: tuple[FormatPreview, ...]
    version: str | None
    card: str
    """Markdown: its README.md."""


def preview(
    workspace: Workspace,
    formats: Sequence[str] = ("imagefolder",),
    version: str | None = None,
    out: Path | None = None,
    selection: str = "",
) -> ExportPreview:
    """See :meth:`curator.Project.preview_export`."""
    forms = chosen(formats)
    data = gathered(workspace, version, selection)
    shared = folders(data)
    every = tuple(
        FormatPreview(
            item.name,
            item.holds,
            item.use,
            item in forms,
            item.has_folders,
            tuple(item.parts(data)),
        )
        for item in FORMATS.values()
    )
    text = card(data, forms)
    written = [Part("manifest.csv", "", 1, len(data.manifest)), Part("README.md", "", 1, len(text))]
    if data.concepts:
        written.append(Part(CONCEPTS, "", 1, len(data.concepts)))
    written += [part for item in every if item.chosen for part in item.parts]
    written += shared if any(form.has_folders for form in forms) else []
    size, files = sum(part.bytes for part in written), sum(part.files for part in written)
    free = None if out is None else _free(out)
    undecided = int((data.images["split"] == UNDECIDED).sum())
    return ExportPreview(
        sentence=_sentence(len(data.images), files, size, free, undecided),
        images=len(data.images),
        files=files,
        bytes=size,
        free=free,
        counts=counts(data.images),
        undecided=undecided,
        folders=tuple(shared),
        formats=every,
        version=None if data.version is None else data.version.name,
        card=text,
    )


def _free(out: Path) -> int | None:
    """Bytes left on the disk of the nearest folder above ``out`` that is there."""
    for folder in (out, *out.parents):
        if folder.is_dir():
            try:
                return shutil.disk_usage(folder).free
            except OSError:
                return None
    return None


def _sentence(images: int, files: int, size: int, free: int | None, undecided: int) -> str:
    said = f"{many(images, 'image')} in {many(files, 'file')}, about {of_bytes(size)}."
    if free is not None and free < size:
        said += f" The disk has {of_bytes(free)} left: free some space or choose another folder."
    if undecided:
        said += f" {many(undecided, 'image')} without a split: the data are checked first."
    return said
