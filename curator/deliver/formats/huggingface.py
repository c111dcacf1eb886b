"""Hugging Face's imagefolder: each split's folder with a metadata.jsonl.

A metadata file switches labels from folder names off, so it has a column ``label``. It is JSON and
not CSV because no mark against formulas may stand before a name of a file; and one a split, since
some readers give every row of a file at the root to each split.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from curator.deliver.dataset import Part
from curator.phrasing import many

if TYPE_CHECKING:
    from pathlib import Path

    from curator.deliver.dataset import DataSet
    from curator.jobs.progress import Progress

FILE = "metadata.jsonl"
COLUMNS = ("label", "source", "license", "creator", "source_page", "sha256", "decision")


def write(folder: Path, data: DataSet, progress: Progress) -> None:
    """Write metadata.jsonl into each split's folder that has images."""
    for split in data.splits:
        progress.check()
        if text := _metadata(data, split):
            (folder / split / FILE).write_bytes(text)


def parts(data: DataSet) -> list[Part]:
    """See :class:`curator.deliver.formats.Format`."""
    texts = {split: _metadata(data, split) for split in data.splits}
    return [
        Part(f"{split}/{FILE}", many(text.count(b"\n"), "row"), 1, len(text))
        for split, text in texts.items()
        if text
    ]


def _metadata(data: DataSet, split: str) -> bytes:
    lines = [
        json.dumps(
            {"file_name": row.file_name.removeprefix(f"{split}/")}
            | {name: getattr(row, name) for name in COLUMNS},
            ensure_ascii=False,
        )
        for row in data.rows(split)
    ]
    return "".join(f"{line}\n" for line in lines).encode()
