"""The forms in which a data set leaves the project: a module each, one table of all of them.

Forms that read pictures from folders share one tree, ``train/label/file`` and ``valid/label/file``,
and add their own tables to it; so several at once take no more room than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from curator.deliver.dataset import Part
from curator.deliver.formats import cleaned, croissant, huggingface, shards
from curator.errors import InputError
from curator.phrasing import many

if TYPE_CHECKING:
    from curator.deliver.dataset import DataSet
    from curator.jobs.progress import Progress

FormatName = Literal["imagefolder", "hf", "webdataset", "csv", "croissant"]


def _nothing_more(folder: Path, data: DataSet, progress: Progress) -> None:
    """The folders are all that an ImageFolder is."""


def _no_part(_data: DataSet) -> list[Part]:
    """As above."""
    return []


@dataclass(frozen=True)
class Format:
    """One form. ``write`` adds its files to an export's folder."""

    name: str
    holds: str
    """For the card: what of the export belongs to it."""
    use: str
    """For the card: how it is read, a line of Python."""
    write: Callable[[Path, DataSet, Progress], None] = _nothing_more
    parts: Callable[[DataSet], list[Part]] = _no_part
    """What ``write`` would add, without writing it."""
    has_folders: bool = True
    """Whether it reads the pictures from train/ and valid/."""


FORMATS = {
    item.name: item
    for item in (
        Format(
            "imagefolder",
            "`train/` and `valid/` with a folder for each class",
            'torchvision.datasets.ImageFolder("train")',
        ),
        Format(
            "hf",
            "the same folders with `metadata.jsonl`",
            'datasets.load_dataset("imagefolder", data_dir=".")',
            huggingface.write,
            huggingface.parts,
        ),
        Format(
            "webdataset",
            "`shards/`, tar files with picture, class number and JSON of each image",
            'webdataset.WebDataset("shards/train-000000.tar").decode("pil")',
            shards.write,
            shards.parts,
            has_folders=False,
        ),
        Format(
            "csv",
            "`cleaned.csv` (name, label, is_valid), `test.csv` (name, label) where there are test "
            "images, and `issues.csv` (cleanlab's columns)",
            'ImageDataLoaders.from_csv(".", "cleaned.csv", valid_col="is_valid")',
            cleaned.write,
            cleaned.parts,
        ),
        Format(
            "croissant",
            "`croissant.json`, a description for machines",
            'mlcroissant.Dataset("croissant.json").records("images")',
            croissant.write,
            croissant.parts,
        ),
    )
}


def chosen(names: Sequence[str]) -> list[Format]:
    """The forms of these names, each once, in their usual order. Raises InputError."""
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise InputError(
            f"{unknown[0]!r} is no form of an export." if unknown else "No form was named.",
            f"Use one or several of {', '.join(get_args(FormatName))}.",
        )
    return [item for name, item in FORMATS.items() if name in names]


def folders(data: DataSet) -> list[Part]:
    """The folders of pictures that some forms share, each class on both sides of the split."""
    table = data.images
    found = {
        key: (len(rows), int(rows["bytes"].sum()))
        for key, rows in table.groupby(["split", "label"], sort=True)
    }
    return [
        Part(f"{split}/{label}/", many(number, "image"), number, size)
        for (split, label), (number, size) in found.items()
    ]
