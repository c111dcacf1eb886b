"""From files to verified, measured images with thumbnails: this project against fastai and Pillow.

    python benchmarks/verify.py [--photos 96] [--peer PYTHON] [--bears FOLDER]

Two sets: photographs of 12 megapixels (bears enlarged, with grain, as JPEG files of 3 to 5 MB) and
the 480 bears as they are, each five times with a comment that makes the bytes differ, so that the
start of the processes does not decide. Ours: the verifying processes (full decode, hash, perceptual
hash, measures, thumbnail, and a stored copy). The peer: fastai's ``verify_images`` on all cores,
then a thumbnail of 256 pixels each by Pillow on all cores through fastai's ``parallel``. Each side
runs in a process of its own after one unmeasured read of all files; imports are not counted.

The peer needs an interpreter with fastai 2.8 (``--peer``, or CURATOR_PEER; by default this one).
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 1.5
ROOT = Path(__file__).resolve().parents[1]
SIZE = (4000, 3000)  # pixels
GRAIN = 8  # levels, standard deviation
THUMBNAIL = 256  # pixels
COPIES = 5  # of each bear


def ours(files: list[Path], work: Path) -> float:
    """Verify all in the product's processes; seconds, process starts included."""
    from curator.collect.verification.pool import Verifiers

    began = time.perf_counter()
    with Verifiers(work) as verifiers:
        answers = [verifiers.submit(file) for file in files]
        reasons = [answer.result().reason for answer in answers]
    took = time.perf_counter() - began
    assert not any(reasons), reasons
    return took


def thumbnail(task: tuple[Path, Path]) -> None:
    """Write a thumbnail of the first path to the second, as one does with Pillow."""
    from PIL import Image

    with Image.open(task[0]) as image:
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        image.convert("RGB").save(task[1], "JPEG")


def fastai(files: list[Path], work: Path) -> float:
    """Verify with fastai, then make thumbnails; seconds."""
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()
    from fastai.vision.all import defaults, parallel, verify_images

    began = time.perf_counter()
    bad = verify_images(files)
    tasks = [(file, work / f"{number}.jpg") for number, file in enumerate(files)]
    parallel(thumbnail, tasks, n_workers=defaults.cpus)
    took = time.perf_counter() - began
    assert not bad, bad
    return took


SIDES = {side.__name__: side for side in (ours, fastai)}


def photographs(bears: list[Path], count: int, folder: Path) -> list[Path]:
    """Make large photographs of small ones."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        with Image.open(bears[number % len(bears)]) as image:
            large = image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        grain = rng.normal(0, GRAIN, (SIZE[1], SIZE[0], 1)).astype(np.int16)
        pixels = np.clip(np.asarray(large).astype(np.int16) + grain, 0, 255).astype(np.uint8)
        made.append(folder / f"{number}.jpg")
        Image.fromarray(pixels).save(made[-1], "JPEG", quality=88)
    return made


def copies(bears: list[Path], folder: Path) -> list[Path]:
    """Write each file several times, with a comment of its own behind the JPEG's first mark."""
    made = []
    for number in range(COPIES * len(bears)):
        content = bears[number % len(bears)].read_bytes()
        comment = f"copy {number}".encode()
        segment = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
        made.append(folder / f"bear{number}.jpg")
        made[-1].write_bytes(content[:2] + segment + content[2:])
    return made


def run(side: str, python: str, files: list[Path]) -> float:
    """Run one side in its interpreter; images a second."""
    for file in files:
        file.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "files.json")
        listed.write_text(json.dumps([str(file) for file in files]), encoding="utf-8")
        Path(folder, "work").mkdir()
        done = subprocess.run(
            [python, __file__, "--side", side, "--work", folder],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    seconds = float(done.stdout.split()[-1])
    print(f"  {side:8} {seconds:6.2f} s  {len(files) / seconds:6.1f} images/s", flush=True)
    return len(files) / seconds


def main() -> int:
    """Compare on both sets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    beside = ROOT.parent / "shared" / "data" / "bears"
    parser.add_argument("--photos", type=int, default=96, help="large photographs")
    parser.add_argument("--peer", default=os.environ.get("CURATOR_PEER", sys.executable))
    parser.add_argument("--bears", type=Path, default=os.environ.get("CURATOR_BEARS", beside))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        listed = json.loads((arguments.work / "files.json").read_text(encoding="utf-8"))
        print(SIDES[arguments.side]([Path(file) for file in listed], arguments.work / "work"))
        return 0
    bears = sorted(Path(arguments.bears).rglob("*.jpg"))
    if not bears:
        sys.exit(f"no bears in {arguments.bears}: set CURATOR_BEARS or --bears to their folder")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        large = photographs(bears, arguments.photos, Path(folder))
        small = copies(bears, Path(folder))
        for name, files in (("photographs of 12 megapixels", large), ("bears", small)):
            size = sum(file.stat().st_size for file in files) / len(files) / 1e6
            print(f"{len(files)} {name}, {size:.3f} MB each")
            ratios.append(run("ours", sys.executable, files) / run("fastai", arguments.peer, files))
            print(f"  {ratios[-1]:.2f} times as fast")
    print(
        f"ratio {min(ratios):.2f} (goal {GOAL}): as fast as verify_images and thumbnails, worse set"
    )
    return 0 if min(ratios) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
