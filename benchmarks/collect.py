"""From a list of addresses to verified files: this project against fastai and img2dataset.

    python benchmarks/collect.py [--count 3000] [--peer PYTHON] [--img2dataset PYTHON]

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
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from curator.collect.http.client import FetchSettings

ROOT = Path(__file__).resolve().parents[1]
LATENCY = 0.1  # seconds
GOAL, GOAL_BROKEN = 1.2, 3.0
DEAD, HANGING = 0.05, 0.05  # shares of the addresses
PATIENCE = 900  # seconds for one side


def ours(urls: list[str], work: Path) -> int:
    """Fetch with the job; the number of images that the project then has."""
    from curator.project import Project

    with Project.create(work / "project", ["thing"]) as project:
        project.add("thing", "\n".join(urls))
        began = time.perf_counter()
        project.fetch(FetchSettings(allow_private=True))
        say(time.perf_counter() - began)
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
    say(time.perf_counter() - began, download=downloaded)
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
    say(time.perf_counter() - began)
    return len(list((work / "out").rglob("*.jpg")))


SIDES = {side.__name__: side for side in (ours, fastai, img2dataset)}


def say(seconds: float, **parts: float) -> None:
    """Tell the parent how long it took."""
    print("\n" + json.dumps({"seconds": seconds, **parts}), flush=True)


def run(side: str, python: str, count: int, dead: float, hanging: float) -> dict[str, float]:
    """Run one side in its interpreter, with a server of its own."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.loopback import serving

    with (
        serving(count, LATENCY, dead, hanging) as urls,
        tempfile.TemporaryDirectory() as folder,
    ):
        listed = Path(folder, "urls.json")
        listed.write_text(json.dumps(urls), encoding="utf-8")
        Path(folder, "work").mkdir()
        done = subprocess.run(
            [python, __file__, "--side", side, "--work", folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = {key: value for line in lines for key, value in line.items()}
    print(
        f"{side:12} {found['seconds']:7.2f} s  {count / found['seconds']:6.0f} addresses/s  "
        f"{found['images']:.0f} images",
        flush=True,
    )
    return found


def compare(arguments: argparse.Namespace, dead: float, hanging: float) -> float:
    """Run all sides on one kind of list; how many times as fast as fastai we are."""
    peer = run("fastai", arguments.peer, arguments.count, dead, hanging)
    if arguments.img2dataset:
        run("img2dataset", arguments.img2dataset, arguments.count, dead, hanging)
    own = run("ours", sys.executable, arguments.count, dead, hanging)
    expected = arguments.count - round(arguments.count * dead) - round(arguments.count * hanging)
    if own["images"] < expected:
        sys.exit(f"ours has {own['images']} of {expected} images")
    return peer["seconds"] / own["seconds"]


def main() -> int:
    """Compare on a clean list and on one with dead and hanging addresses."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=3000, help="addresses")
    parser.add_argument("--peer", default=os.environ.get("CURATOR_PEER", sys.executable))
    parser.add_argument("--img2dataset", help="interpreter with img2dataset")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        urls = json.loads((arguments.work / "urls.json").read_text(encoding="utf-8"))
        images = SIDES[arguments.side](urls, arguments.work / "work")
        print("\n" + json.dumps({"images": images}))
        return 0
    print(f"{arguments.count} addresses, {LATENCY * 1000:.0f} ms latency")
    clean = compare(arguments, 0, 0)
    print(f"ratio {clean:.2f} (goal {GOAL}): as fast as fastai's download and verify, all good")
    print(f"\n{DEAD:.0%} dead, {HANGING:.0%} hanging")
    broken = compare(arguments, DEAD, HANGING)
    print(f"ratio {broken:.2f} (goal {GOAL_BROKEN}): the same with dead and hanging addresses")
    return 0 if clean >= GOAL and broken >= GOAL_BROKEN else 1


if __name__ == "__main__":
    sys.exit(main())
