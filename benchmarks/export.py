"""An export of many images: seconds over those of a plain copy, memory, and fastai as its reader.

    python benchmarks/export.py [--few 10000] [--many 50000] [--repeats 3] [--peer PYTHON]

A drawn project whose originals are bears, each with a comment of its own, so that all differ. Each
round exports all of it by the command, which hashes every file that it copies, and copies the same
files by ``shutil.copytree``. Then both sizes are exported once more for the peak memory of the
command (the ratio is many / few: 1.0 would be flat). Where the peer has fastai, it loads the
smaller export by ``ImageDataLoaders.from_csv``, and must find its classes, splits and pictures.
Linux only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import sides
from datasets import bear_files, distinct
from memory import TICK, group_peak
from sqlalchemy import bindparam, update

sys.path.append(str(sides.ROOT))

from curator.store import schema
from tests.large import large_project

if TYPE_CHECKING:
    from collections.abc import Iterator

GOAL = 2.0  # times the seconds of a copy that looks at nothing, at most
FLAT = 1.25
CLASSES = 10


def filled(folder: Path, count: int, bears: Path) -> Path:
    """Make a project of ``count`` images, originals included."""
    pictures = [file.read_bytes() for file in bear_files(bears)]
    images = schema.images.c
    with large_project(folder, count, CLASSES) as project:
        rows = []
        for number, jpeg in enumerate(islice(cycle(pictures), count)):
            content = distinct(jpeg, str(number))
            digest = hashlib.sha256(content).hexdigest()
            file = f"{digest[:2]}/{digest}.jpg"
            original = project.originals / file
            original.parent.mkdir(parents=True, exist_ok=True)
            original.write_bytes(content)
            rows.append({"row": number + 1, "sha256": digest, "file": file, "bytes": len(content)})
        with project.database.write() as connection:
            connection.execute(
                update(schema.images)
                .where(images.id == bindparam("row"))
                .values({name: bindparam(name) for name in ("sha256", "file", "bytes")}),
                rows,
            )
    return folder


@contextlib.contextmanager
def exported(project: Path, link: bool = False) -> Iterator[tuple[Path, sides.Figures]]:
    """Export by the command; the folder, the seconds, and the peak in MiB of all its processes."""
    with tempfile.TemporaryDirectory(dir=project.parent) as place:
        out = Path(place, "out")
        command = [sys.executable, "-m", "curator", "export", str(project), str(out)]
        began, peak = time.monotonic(), 0
        with subprocess.Popen(
            [*command, "--as", "csv", *(["--link"] if link else [])],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None:
                peak = max(peak, group_peak(process.pid))
                time.sleep(TICK)
        if process.returncode:
            sys.exit(f"curator export ended with status {process.returncode}.")
        yield out, {"seconds": time.monotonic() - began, "peak": peak / 2**20}


def ours(project: Path, link: bool = False) -> sides.Figures:
    """Figures of an export."""
    with exported(project, link) as (_, figures):
        return figures


def copied(project: Path) -> sides.Figures:
    """Seconds of copying the originals, looking at none."""
    with tempfile.TemporaryDirectory(dir=project.parent) as place:
        began = time.monotonic()
        shutil.copytree(project / "originals", Path(place, "out"))
        return {"seconds": time.monotonic() - began}


def fastai(folder: Path, _work: Path) -> sides.Figures:
    """What fastai finds in an exported folder."""
    import fastai_peer

    fastai_peer.make_torchvision_importable()
    from fastai.vision.all import ImageDataLoaders, Resize

    loaders = ImageDataLoaders.from_csv(
        folder,
        csv_fname="cleaned.csv",
        valid_col="is_valid",
        item_tfms=Resize(64),
        bs=32,
        num_workers=0,
    )
    pictures, _ = loaders.train.one_batch()
    return {
        "train": len(loaders.train_ds),
        "valid": len(loaders.valid_ds),
        "classes": len(loaders.vocab),
        "batch": list(pictures.shape),
    }


def main() -> int:
    """Measure, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears=True, peer=True, repeats=3)
    parser.size("--few", 10_000, 60, "images of the smaller project")
    parser.size("--many", 50_000, 200, "images of the larger project")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        few, many = (
            filled(Path(place, str(count)), count, options.bears)
            for count in (options.few, options.many)
        )
        times = sides.compare(
            [
                sides.Side("copytree", functools.partial(copied, many)),
                sides.Side("ours", functools.partial(ours, many)),
                sides.Side("ours, linked", functools.partial(ours, many, True)),
            ],
            options.repeats,
        )
        times.tell("seconds", "s")
        memory = sides.compare(
            [
                sides.Side(f"{options.few:,} images", functools.partial(ours, few)),
                sides.Side(f"{options.many:,} images", functools.partial(ours, many)),
            ],
            options.repeats,
        )
        memory.tell("peak", "MiB")
        read = _read_by_fastai(few, options)
    sides.record(options, export=times, memory=memory)
    what = f"seconds for {options.many:,} images / those of a copy that looks at nothing"
    goals = [
        sides.verdict(times.ratio("ours", "seconds"), GOAL, what, at_most=True),
        sides.verdict(
            memory.ratio(f"{options.many:,} images", "peak"),
            FLAT,
            f"peak memory of {options.many:,} images / of {options.few:,}",
            at_most=True,
        ),
        read,
    ]
    return 0 if all(goals) else 1


def _read_by_fastai(project: Path, options: sides.argparse.Namespace) -> bool:
    """Whether fastai finds in an export what the project says; True where the peer lacks fastai."""
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('fastai') is None)"
    if subprocess.run([options.peer, "-c", probe], check=False).returncode:
        print(f"  {options.peer} has no fastai: its reader was not tried")
        return True
    with exported(project) as (folder, _):
        found = sides.in_process(fastai, folder, python=options.peer)
    valid = len(range(0, options.few, 5))  # as the project was drawn
    wanted = {"train": options.few - valid, "valid": valid, "classes": CLASSES}
    is_right = all(found[name] == value for name, value in wanted.items())
    print(f"  fastai reads {found['train']:,} + {found['valid']:,} images of {found['classes']}")
    return is_right and found["batch"][1:] == [3, 64, 64]


if __name__ == "__main__":
    sys.exit(main())
