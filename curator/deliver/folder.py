"""The job `export`: the curated data set as an ImageFolder with a manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from curator.check.job import prepare
from curator.errors import BadClassName, NotEnoughData
from curator.files import refuse_occupied, replacing_folder
from curator.jobs.report import Report
from curator.phrasing import many
from curator.spreadsheets import csv_text
from curator.store import images, schema
from curator.store.classes import validated_names
from curator.store.originals import copy_whole
from curator.trust import inside

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

MANIFEST_COLUMNS = [
    "file_name",
    "source",
    "final_address",
    "sha256",
    "label",
    "split",
    "decision",
    "given_label",
]

UNDECIDED = "undecided"


@dataclass(frozen=True)
class SplitCount:
    """Images of one label on one side of the split."""

    split: str
    label: str
    images: int


@dataclass(frozen=True, kw_only=True)
class ExportReport(Report):
    """A data set that was written."""

    folder: str
    images: int
    counts: tuple[SplitCount, ...]


def plan(workspace: Workspace) -> pd.DataFrame:
    """What an export would write: one row an image.

    Columns: :data:`MANIFEST_COLUMNS`, and the original's ``file`` and size in ``bytes``.
    ``file_name`` is relative to the export, ``decision`` the state that a person gave the image
    ("kept", "relabelled", "unsure"; empty: nobody looked at it). Images that were deleted, or are
    of no one class, are left out. An image that came since the last check has the split
    :data:`UNDECIDED` until it is exported.
    """
    with workspace.database.read() as connection:
        table = images.with_sources(connection)
    table = table[~table["state"].isin(schema.OUT)].reset_index(drop=True)
    table["split"] = table["split"].fillna(UNDECIDED)
    short = table["sha256"].str[:16]
    names = short.where(~short.duplicated(keep=False), table["sha256"])
    table["file_name"] = [
        f"{split}/{label}/{name}{Path(file).suffix}"
        for split, label, name, file in zip(
            table["split"], table["label"], names, table["file"], strict=True
        )
    ]
    relabelled = table["label"] != table["given_label"]
    state = table["state"].where(table["state"] != schema.NEW, "")
    table["decision"] = state.where(~(relabelled & (state == schema.KEPT)), "relabelled")
    return table[[*MANIFEST_COLUMNS, "file", "bytes"]]


def _check_names(planned: pd.DataFrame) -> None:
    """Raise BadClassName for a class that cannot be a folder everywhere, or that meets another.

    No new class has such a name, but one of an older project or of someone else's may.
    """
    taken: list[str] = []
    for label in sorted(set(planned["label"])):
        fix = "Rename it with `curator rename-class PROJECT CLASS NAME`, and export again."
        try:
            (name,) = validated_names([label], taken)
        except BadClassName as error:
            raise BadClassName(f"{error.problem} Nothing was exported.", fix) from error
        if name != label:
            raise BadClassName(
                f"The class {label!r} cannot be the name of a folder everywhere. "
                "Nothing was exported.",
                fix,
            )
        taken.append(name)


def counts(planned: pd.DataFrame) -> tuple[SplitCount, ...]:
    """Images of a plan for each split and label."""
    numbers = Counter(zip(planned["split"], planned["label"], strict=True))
    return tuple(
        SplitCount(split, label, number) for (split, label), number in sorted(numbers.items())
    )


def run(workspace: Workspace, progress: Progress, out: str) -> ExportReport:
    """Copy every live image to ``out``/{train,valid}/label/ and write ``out``/manifest.csv.

    What is copied is hashed in the same pass: an original that is missing, cut off or no longer
    the file that was taken in refuses the export. The folder appears whole or not at all. Raises
    TargetNotEmpty, BadClassName, NotEnoughData, OriginalMissing, OriginalAltered, FileError.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    prepare(workspace, progress)
    planned = plan(workspace)
    if planned.empty:
        raise NotEnoughData(
            "There is no image to export.", "Fetch some, or take deletions back with undo."
        )
    _check_names(planned)
    progress.begin("exporting", len(planned))
    with replacing_folder(target) as folder:
        for label in sorted(set(planned["label"])):
            for split in (schema.TRAIN, schema.VALID):
                # Both folders for every class, so that readers count the classes alike.
                inside(folder, f"{split}/{label}").mkdir(parents=True, exist_ok=True)
        for row in planned.to_dict("records"):
            original, copy = workspace.original(row["file"]), inside(folder, row["file_name"])
            copy_whole(original, copy, row["sha256"], row["bytes"])
            progress.advance()
        (folder / "manifest.csv").write_bytes(csv_text(planned[MANIFEST_COLUMNS]).encode())
    return ExportReport(
        folder=str(target),
        images=len(planned),
        counts=counts(planned),
        sentence=f"{many(len(planned), 'image')} and manifest.csv are in {target}.",
    )
