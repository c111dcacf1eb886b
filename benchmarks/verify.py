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

import sys
import tempfile
import time
from pathlib import Path

import sides
from datasets import distinct

GOAL = 1.5
SIZE = (4000, 3000)  # pixels
GRAIN = 8  # levels, standard deviation
THUMBNAIL = 256  # pixels
COPIES = 5  # of each bear


def ours(files: list[Path], work: Path) -> sides.Figures:
    """Verify all in the product's processes, whose start is counted."""
    from curator.collect.verification.pool import Verifiers

    began = time.perf_counter()
    with Verifiers(work) as verifiers:
        answers = [verifiers.submit(file) for file in files]
        reasons = [answer.result().reason for answer in answers]
    took = time.perf_counter() - began
    assert not any(reasons), reasons
    return {"images_per_second": len(files) / took}


def thumbnail(task: tuple[Path, Path]) -> None:
    """Write a thumbnail of the first path to the second, as one does with Pillow."""
    from PIL import Image

    with Image.open(task[0]) as image:
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        image.convert("RGB").save(task[1], "JPEG")


def fastai(files: list[Path], work: Path) -> sides.Figures:
    """Verify with fastai, then make thumbnails."""
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()
    from fastai.vision.all import defaults, parallel, verify_images

    began = time.perf_counter()
    bad = verify_images(files)
    tasks = [(file, work / f"{number}.jpg") for number, file in enumerate(files)]
    parallel(thumbnail, tasks, n_workers=defaults.cpus)
    took = time.perf_counter() - began
    assert not bad, bad
    return {"images_per_second": len(files) / took}


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
        made.append(folder / f"bear{number}.jpg")
        made[-1].write_bytes(distinct(bears[number % len(bears)].read_bytes(), f"copy {number}"))
    return made


def main() -> int:
    """Compare on both sets."""
    parser = sides.Options(__doc__, bears=True, peer=True)
    parser.size("--photos", 96, 4, "large photographs")
    options = parser.parse_args()
    bears = sorted(options.bears.rglob("*.jpg"))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        large = photographs(bears, options.photos, Path(folder))
        small = copies(bears, Path(folder))
        for name, files in (("photographs", large), ("bears", small)):
            size = sum(len(file.read_bytes()) for file in files) / len(files) / 1e6  # all read once
            print(f"{len(files)} {name}, {size:.3f} MB each", flush=True)
            results[name] = sides.compare(
                [
                    sides.side(sides.OURS, ours, files),
                    sides.side("fastai", fastai, files, python=options.peer),
                ],
                options.repeats,
            )
            results[name].tell("images_per_second", "images/s", more_is_better=True)
    sides.record(options, **results)
    ratios = [r.ratio("fastai", "images_per_second", more_is_better=True) for r in results.values()]
    worst = min(ratios, key=lambda ratio: ratio.median)
    good = sides.verdict(worst, GOAL, "as fast as verify_images and thumbnails, worse set")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
