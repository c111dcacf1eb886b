"""How time and memory grow with the images of a project: 10,000, 100,000, 1,000,000.

    python benchmarks/growth.py [--sizes 10000 100000 1000000]

A project is made up at each size: rows as a fetch and a check leave them, thumbnails, predictions,
the default network's features and small versions, and originals in shards (small ones, all
different). Features are ten clouds with noise, 4 % of the labels are wrong; a thousand images are
new to the check. Each step runs in a process of its own. Counted are its seconds, without those of
opening (but for that step), the processor's seconds from the start of the step's process, and the
most memory it had for itself at a time: resident, without what it maps from files, which the system
takes back when it needs it. Behind each step its growth: the exponent between the last two sizes
(0 constant, 1 linear), and whether that is within n log n. Linux only.

At a million images it takes 13 GB in the temporary folder, removed afterwards.
"""

from __future__ import annotations

import hashlib
import math
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import sides

sys.path.append(str(sides.ROOT))  # for tests/large.py

if TYPE_CHECKING:
    from curator.project import Project

SIZES, SMALL_SIZES = (10_000, 100_000, 1_000_000), (1000, 4000)
CLASSES, WRONG = 10, 0.04
AT_ONCE = 10_000  # images, as of tests/large.py, and of a shard
NEW = 1000  # images that the check has to compare with all
PAGES, TILES, DECISIONS = 20, 60, 50
GOAL = 2048  # MB, of training
STEPS = ("open", "queue", "page", "decision", "export", "check", "train")
CONSTANT = ("page", "decision")
NOISE = 0.25  # of an exponent: a busy machine
NOTHING = 0.05  # seconds that no growth is read from


def made(folder: Path, count: int) -> None:
    """Make the project up."""
    import numpy as np
    from datasets import distinct
    from sqlalchemy import select, update

    from curator.encode.backbones import DEFAULT, describe
    from curator.encode.preprocess import TINY_DIMENSION
    from curator.encode.project_features import feature_cache, tiny_cache
    from curator.imaging.measures import MEASURES_VERSION
    from curator.store import schema
    from tests.large import large_project
    from tests.pictures import encoded, picture

    small = [encoded(picture(number, 24), "JPEG") for number in range(50)]

    def store(project: Project, numbers: range) -> list[tuple[str, str, int]]:
        contents = [distinct(small[number % 50], f"number {number}") for number in numbers]
        shard = b"".join(contents)
        name = hashlib.sha256(shard).hexdigest()
        place = project.originals / name[:2] / f"{name}.tar"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(shard)
        ends = np.cumsum([len(content) for content in contents]).tolist()
        return [
            (
                hashlib.sha256(content).hexdigest(),
                f"{name[:2]}/{name}.tar/{end - len(content)}-{len(content)}.jpg",
                len(content),
            )
            for content, end in zip(contents, ends, strict=True)
        ]

    backbone, random = describe(DEFAULT), np.random.default_rng(5)
    clouds = random.standard_normal((CLASSES, backbone.dimension), np.float32) / 3
    with large_project(folder, count, CLASSES, side=64, store=store) as project:
        table = schema.images.c
        with project.database.write() as connection:
            every = update(schema.images)
            values = {"checked_with": backbone.key, "measures_version": MEASURES_VERSION}
            connection.execute(every.values(values))
            fresh = every.where(table.id > count - NEW)
            connection.execute(fresh.values(group_id=None, split=None, checked_with=None))
            query = select(table.sha256, table.class_id).order_by(table.id)
            rows = connection.execute(query).all()
        features, tiny = feature_cache(project, backbone), tiny_cache(project)
        for start in range(0, count, AT_ONCE):
            some = rows[start : start + AT_ONCE]
            labels = np.array([row.class_id for row in some])
            truth = np.where(random.random(len(some)) < WRONG, labels + 1, labels) % CLASSES
            noise = random.standard_normal((len(some), backbone.dimension), np.float32)
            digests = [row.sha256 for row in some]
            features.append(digests, clouds[truth] + noise)
            tiny.append(digests, random.integers(0, 256, (len(some), TINY_DIMENSION), np.uint8))


def step(name: str, folder: Path, work: Path) -> sides.Figures:
    """Do one of STEPS; give its seconds, the processor's, and the most memory in MB."""
    from curator.project import Project

    work.rmdir()  # each step leaves its marks in the project itself
    with _Peak() as peak:
        began = time.perf_counter()
        with Project.open(folder) as project:
            if name == "open":
                project.status()
                seconds = time.perf_counter() - began
            else:
                seconds = _STEPS[name](project)
    return {"seconds": seconds, "core": time.process_time(), "memory": peak.most}


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _page(project: Project) -> float:
    """The median of pages from all over the queue, with their thumbnails."""
    from curator.collect.pictures import thumbnails_of
    from curator.review.queue.tiles import rows

    ids = project.queue("suspicious").ids.tolist()
    starts = range(0, len(ids) - TILES, (len(ids) - TILES) // PAGES)

    def turn(start: int) -> None:
        shown = ids[start : start + TILES]
        rows(project, "suspicious", shown)
        thumbnails_of(project, shown)

    return statistics.median(_timed(lambda start=start: turn(start)) for start in starts)


def _decision(project: Project) -> float:
    """The median of decisions, each a transaction of its own."""
    ids = project.queue("suspicious").ids[:DECISIONS].tolist()
    return statistics.median(_timed(lambda key=key: project.decide([key], "keep")) for key in ids)


_STEPS: dict[str, Callable[[Project], float]] = {
    "queue": lambda project: _timed(lambda: project.queue("suspicious")),
    "page": _page,
    "decision": _decision,
    "export": lambda project: _timed(lambda: project.preview_export(["imagefolder"])),
    "check": lambda project: _timed(project.check),
    "train": lambda project: _timed(project.train),
}


def _own_memory() -> float:
    """What this process has for itself, in MB: resident, and mapped from no file."""
    return int(_OWN.findall(Path("/proc/self/status").read_text("utf-8"))[0]) / 1024


_OWN = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)


class _Peak:
    """``most``: the most memory of its own that this process had within the block, in MB."""

    def __enter__(self) -> _Peak:
        self.most = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.most = max(self.most, _own_memory())


def main() -> int:
    """Measure all steps at all sizes, print the table, return the exit status."""
    parser = sides.Options(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help=f"images ({SIZES})")
    options = parser.parse_args()
    sizes = options.sizes or (SMALL_SIZES if options.small else SIZES)
    if len(sizes) < 2:
        parser.error("growth needs two sizes or more")
    found: dict[int, dict[str, sides.Figures]] = {}
    for count in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "project")
            began = time.perf_counter()
            made(folder, count)
            print(f"{count:,} images made in {time.perf_counter() - began:.0f} s", flush=True)
            found[count] = {}
            for name in STEPS:
                figures = found[count][name] = sides.in_process(step, name, folder)
                said = f"{figures['seconds']:.3g} s ({figures['core']:.3g} of processor), "
                said += f"{figures['memory']:.0f} MB"
                print(f"  {count:,} {name}: {said}", flush=True)
    tellable = _tell(found)
    sides.record(
        options,
        **{
            name: sides.Comparison({f"{count} images": [found[count][name]] for count in sizes})
            for name in STEPS
        },
    )
    most = found[sizes[-1]]["train"]["memory"]
    what = f"MB that training has for itself with {sizes[-1]:,} images"
    return 0 if sides.verdict(most, GOAL, what, at_most=True) and tellable else 1


def _tell(found: dict[int, dict[str, sides.Figures]]) -> bool:
    """Print the table; whether every step grows as it may."""
    sizes = list(found)
    print("| | " + " | ".join(f"{count:,}" for count in sizes) + " | growth |")
    print("|---" * (len(sizes) + 2) + "|")
    good = True
    for name in STEPS:
        cells = [found[count][name] for count in sizes]
        shown = [f"{cell['seconds']:.3g} s, {cell['memory']:.0f} MB" for cell in cells]
        before, after = (cell["seconds"] for cell in cells[-2:])
        power = math.log(after / before, sizes[-1] / sizes[-2])
        word = "nothing" if after < NOTHING else _named(power)
        allowed = ("nothing", "constant") if name in CONSTANT else _ALLOWED
        good &= word in allowed
        print(f"| {name} | " + " | ".join(shown) + f" | {word} ({power:.2f}) |")
    return good


_ALLOWED = ("nothing", "constant", "less than linear", "linear or n log n")


def _named(power: float) -> str:
    """The growth of n to that power; n log n has 1.08 between 10,000 and 1,000,000."""
    if power < NOISE:
        return "constant"
    if power < 1 - NOISE:
        return "less than linear"
    return "linear or n log n" if power < 1.08 + NOISE else "worse than n log n"


if __name__ == "__main__":
    sys.exit(main())
