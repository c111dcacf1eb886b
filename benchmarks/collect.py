"""From a list of addresses to verified files: this project against fastai and img2dataset.

    python benchmarks/collect.py [--count 3000] [--peer PYTHON] [--img2dataset PYTHON]
                                 [--against COMMIT]

A server on the loopback, in a process of its own, answers after 100 ms with JPEG files of 8 to
10 kB under 40 host addresses. Ours: the job `fetch` with its default settings (fetch, verify, hash,
measures, thumbnail, record). fastai: ``download_images(n_workers=128)``, then ``verify_images``.
img2dataset: 2 processes of 128 threads, without resizing, for comparison. Then the same with 5 %
dead links and 5 % of addresses on hosts that hang: silent, stalled in the middle, or a byte a
second for a minute. Each side runs in a process of its own; imports are not counted.

The peers need interpreters of their own (``--peer`` with fastai, or CURATOR_PEER; by default this
one; ``--img2dataset`` is left out when not given). Linux only, for its many loopback addresses.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
from loopback import serving

LATENCY = 0.1  # seconds
GOAL, GOAL_BROKEN = 1.2, 3.0
DEAD, HANGING = 0.05, 0.05  # shares of the addresses
PATIENCE = 900  # seconds for one side


def ours(urls: list[str], work: Path) -> int:
    """Fetch with the job; the number of images that the project then has."""
    from curator.collect.http.client import FetchSettings
    from curator.project import Project

    with Project.create(work / "project", ["thing"]) as project:
        project.add("thing", "\n".join(urls))
        began = time.perf_counter()
        project.fetch(FetchSettings(allow_private=True))
        sides.say(seconds=time.perf_counter() - began)
        return int(project.status().images)


def fastai(urls: list[str], work: Path) -> int:
    """Download and verify as fastai's course does; the number of good files."""
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()
    from fastai.vision.all import download_images, get_image_files, verify_images

    began = time.perf_counter()
    download_images(work, urls=urls, max_pics=len(urls), n_workers=128)
    downloaded = time.perf_counter() - began
    bad = verify_images(get_image_files(work))
    bad.map(Path.unlink)
    sides.say(seconds=time.perf_counter() - began, download=downloaded)
    return len(get_image_files(work))


def img2dataset(urls: list[str], work: Path) -> int:
    """Download with img2dataset, files as they are; the number of files."""
    from img2dataset import download

    (work / "list.txt").write_text("\n".join(urls), encoding="utf-8")
    began = time.perf_counter()
    download(
        url_list=str(work / "list.txt"),
        output_folder=str(work / "out"),
        output_format="files",
        resize_mode="no",
        processes_count=2,
        thread_count=128,
        number_sample_per_shard=max(1, len(urls) // 2),
        disallowed_header_directives=[],
    )
    sides.say(seconds=time.perf_counter() - began)
    return len(list((work / "out").rglob("*.jpg")))


def compare(
    options: argparse.Namespace, roots: dict[str, Path], dead: float, hanging: float
) -> sides.Comparison:
    """Run all sides on one kind of list, each with a server of its own."""

    def served(name: str, function: Callable[..., int], **where: Any) -> sides.Side:
        def measure() -> sides.Figures:
            with serving(options.count, LATENCY, dead, hanging) as urls:
                return sides.in_process(function, urls, patience=PATIENCE, **where)

        return sides.Side(name, measure)

    result = sides.compare(
        [
            *(served(name, ours, root=root) for name, root in roots.items()),
            served("fastai", fastai, python=options.peer),
            *(
                [served("img2dataset", img2dataset, python=options.img2dataset)]
                * bool(options.img2dataset)
            ),
        ],
        options.repeats,
    )
    result.tell("seconds", f"s for {options.count} addresses")
    expected = options.count - round(options.count * dead) - round(options.count * hanging)
    for name in roots:
        images = min(result.values(name, "returned"))
        if images < expected:
            sys.exit(f"{name} has {images} of {expected} images")
    return result


def main() -> int:
    """Compare on a clean list and on one with dead and hanging addresses."""
    parser = sides.Options(__doc__, peer=True, against=True)
    parser.size("--count", 3000, 200, "addresses")
    parser.add_argument("--img2dataset", help="interpreter with img2dataset")
    options = parser.parse_args()
    with sides.commits(options.against) as roots:
        print(f"{LATENCY * 1000:.0f} ms latency, all good", flush=True)
        clean = compare(options, roots, 0, 0)
        print(f"{DEAD:.0%} dead, {HANGING:.0%} hanging", flush=True)
        broken = compare(options, roots, DEAD, HANGING)
    sides.record(options, clean=clean, broken=broken)
    good = [
        sides.verdict(
            clean.ratio("fastai", "seconds"),
            GOAL,
            "as fast as fastai's download and verify, all good",
        ),
        sides.verdict(
            broken.ratio("fastai", "seconds"),
            GOAL_BROKEN,
            "the same with dead and hanging addresses",
        ),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
