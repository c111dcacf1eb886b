"""WebDataset: tar files of at most 1,000 images or 256 MB, each image as three members.

``key.png`` (the original), ``key.cls`` (the class's number, by the sorted names) and ``key.json``.
The key is the beginning of the SHA-256: a reader takes all before the first dot for the key.
Members carry no time and no owner, so the same data set gives the same bytes.
"""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from curator.deliver.dataset import Part
from curator.phrasing import many
from curator.store.originals import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from curator.deliver.dataset import DataSet
    from curator.jobs.progress import Progress

MOST_IMAGES, MOST_BYTES = 1000, 256 << 20  # of a shard
_BESIDE = 3500  # bytes that an image takes beside itself: three headers, class, JSON, all padded
FIELDS = (
    *("label", "split", "sha256", "source", "license", "creator", "source_page", "decision"),
    *("width", "height"),
)


def write(folder: Path, data: DataSet, progress: Progress) -> None:
    """Write shards/train-000000.tar and so on, and shards/classes.txt."""
    place = folder / "shards"
    place.mkdir()
    number_of = {label: number for number, label in enumerate(data.classes)}
    (place / "classes.txt").write_bytes("".join(f"{name}\n" for name in number_of).encode())
    progress.begin("writing shards", len(data.images))
    for split in data.splits:
        for number, rows in _numbered(data.rows(split)):
            path = place / f"{split}-{number:06d}.tar"
            with tarfile.open(path, "x", format=tarfile.PAX_FORMAT) as tar:
                for row in rows:
                    key, suffix = PurePosixPath(row.file_name).stem, PurePosixPath(row.file).suffix
                    original = data.workspace.original(row.file)
                    facts = {name: getattr(row, name) for name in FIELDS}
                    _add(tar, key + suffix, read_whole(original, row.sha256, row.bytes))
                    _add(tar, f"{key}.cls", str(number_of[row.label]).encode())
                    _add(tar, f"{key}.json", json.dumps(facts, ensure_ascii=False).encode())
                    progress.advance()


def parts(data: DataSet) -> list[Part]:
    """See :class:`curator.deliver.formats.Format`."""
    found = []
    for split in data.splits:
        for number, rows in _numbered(data.rows(split)):
            sizes = [row.bytes + _BESIDE for row in rows]
            path = f"shards/{split}-{number:06d}.tar"
            found.append(Part(path, many(len(sizes), "image"), 1, sum(sizes)))
    classes = many(len(data.classes), "class", "classes")
    return [*found, Part("shards/classes.txt", classes, 1, 16 * len(data.classes))]


def _numbered(rows: Iterator[Any]) -> Iterator[tuple[int, Iterator[Any]]]:
    """The shards of a split: number and images."""
    shard = images = size = 0

    def shard_of(row: Any) -> int:
        nonlocal shard, images, size
        if images and (images == MOST_IMAGES or size + row.bytes > MOST_BYTES):
            shard, images, size = shard + 1, 0, 0
        images, size = images + 1, size + row.bytes
        return shard

    return itertools.groupby(rows, shard_of)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
