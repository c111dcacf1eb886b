"""Quality measures of images: this project against cleanvision, how alike and how fast.

    python benchmarks/quality.py [--peer PYTHON] [--bears FOLDER]

The same images on both sides: 480 bears as they are, and distorted versions of them (darker,
lighter, blurred, plain, grey, larger, smaller, strips), two of each bear. Each side runs in a
process of its own on one core; imports are not counted, reading and decoding are. Ours is
:func:`curator.imaging.inspection.verify`, which also hashes each file and makes its thumbnail.
Printed are, for each measure, Spearman's rank correlation of the two sides' scores, and how many
images each side flags at its own thresholds. A grey picture that is stored as a coloured one is
grey to us alone (cleanvision goes by the kind of the file); such are told apart by their pixels and
counted separately.

The peer needs an interpreter with cleanvision 0.3.7 (``--peer``, or the variable CURATOR_PEER; by
default this one).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sides
from PIL import Image, ImageChops, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL = 2.0
LOWEST_CORRELATION = 0.9
LOWEST_OVERLAP = 0.9
ISSUES = (
    "dark", "light", "low_information", "blurry", "odd_aspect_ratio", "grayscale", "odd_size"
)  # fmt: skip
EACH = 2  # distorted versions of each bear


def levels(change: Callable[[float], float]) -> Callable[[Image.Image], Image.Image]:
    """A distortion that changes every level by itself."""
    return lambda image: image.point([int(change(level)) for level in range(256)] * 3)


def blur(radius: float) -> Callable[[Image.Image], Image.Image]:
    """A distortion that blurs."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def scaled(across: float, down: float) -> Callable[[Image.Image], Image.Image]:
    """A distortion that changes the sides."""

    def resize(image: Image.Image) -> Image.Image:
        size = max(16, int(image.width * across)), max(16, int(image.height * down))
        return image.resize(size, Image.Resampling.BICUBIC)

    return resize


def large_and_noisy(image: Image.Image) -> Image.Image:
    """Enlarge as a camera would see it: with noise at every pixel."""
    large = np.asarray(scaled(5, 5)(image), dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, 12, (*large.shape[:2], 1))
    return Image.fromarray(np.clip(large + noise, 0, 255).astype(np.uint8))


DISTORTIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "dark 0.1": levels(lambda level: level * 0.1),
    "dark 0.25": levels(lambda level: level * 0.25),
    "dark 0.4": levels(lambda level: level * 0.4),
    "light 0.25": levels(lambda level: 255 - (255 - level) * 0.25),
    "light 0.1": levels(lambda level: 255 - (255 - level) * 0.1),
    "light 0.04": levels(lambda level: 255 - (255 - level) * 0.04),
    "blur 1": blur(1),
    "blur 2": blur(2),
    "blur 4": blur(4),
    "blur 8": blur(8),
    "blur 16": blur(16),
    "plain": lambda image: image.resize((1, 1)).resize(image.size),
    "faint": levels(lambda level: 120 + (level - 120) * 0.03),
    "two levels": levels(lambda level: level // 128 * 128),
    "grey": lambda image: image.convert("L"),
    "strip": lambda image: image.crop((0, 40, image.width, 70)),
    "wide": scaled(3, 1),
    "large": large_and_noisy,
    "large, blurred": lambda image: blur(20)(scaled(5, 5)(image)),
    "small": scaled(0.25, 0.25),
}


def make_images(bears: Path, folder: Path) -> int:
    """Write the images of both sides to ``folder``; give their number."""
    kinds = list(DISTORTIONS)
    for number, file in enumerate(sorted(bears.glob("*/*.jpg"))):
        with Image.open(file) as opened:
            image = opened.convert("RGB")
        (folder / f"{number:03} as it is.jpg").write_bytes(file.read_bytes())
        for step in range(EACH):
            kind = kinds[(number + step * len(kinds) // EACH) % len(kinds)]
            DISTORTIONS[kind](image).save(folder / f"{number:03} {kind}.jpg", quality=93)
    return len(list(folder.iterdir()))


def ours(folder: Path, _work: Path) -> dict[str, Any]:
    """Measure as an import does, and judge as the check does."""
    from curator.check.quality import QUALITY, odd_size_scores
    from curator.imaging.inspection import verify

    began = time.perf_counter()
    files = sorted(folder.iterdir())
    images = [verify(file.read_bytes()) for file in files]
    sides = np.array([(image.width, image.height) for image in images], dtype=np.float64)
    odd_size = odd_size_scores(sides[:, 0], sides[:, 1])
    seconds = time.perf_counter() - began
    scores = {
        issue: [image.scores[f"{issue}_score"] for image in images]
        for issue in ISSUES
        if issue != "odd_size"
    }
    scores["odd_size"] = odd_size.tolist()
    flags = {
        issue: [score < QUALITY[f"{issue}_score"][0] for score in scores[issue]] for issue in ISSUES
    }
    names = [file.name for file in files]
    return {"seconds": seconds, "names": names, "scores": scores, "flags": flags}


def cleanvision(folder: Path, _work: Path) -> dict[str, Any]:
    """Measure and judge as cleanvision does."""
    from cleanvision import Imagelab

    began = time.perf_counter()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({issue: {} for issue in ISSUES}, n_jobs=1, verbose=False)
    seconds = time.perf_counter() - began
    table = lab.issues.rename(index=lambda path: Path(path).name).sort_index()
    return {
        "seconds": seconds,
        "names": table.index.tolist(),
        "scores": {issue: table[f"{issue}_score"].tolist() for issue in ISSUES},
        "flags": {issue: table[f"is_{issue}_issue"].tolist() for issue in ISSUES},
    }


def is_grey_stored_as_coloured(file: Path) -> bool:
    """Whether the channels are equal, though the file has three."""
    with Image.open(file) as image:
        if image.mode != "RGB":
            return False
        red, green, blue = image.split()
    pairs = ((red, green), (green, blue))
    return all(ImageChops.difference(*pair).getextrema()[1] <= 1 for pair in pairs)


def compare(our: dict[str, Any], peer: dict[str, Any], folder: Path) -> bool:
    """Print how alike the sides are; whether they are alike enough."""
    from scipy.stats import spearmanr

    assert our["names"] == peer["names"]
    stored_as_coloured = np.array(
        [
            ours_says and not peer_says and is_grey_stored_as_coloured(folder / name)
            for name, ours_says, peer_says in zip(
                our["names"], our["flags"]["grayscale"], peer["flags"]["grayscale"], strict=True
            )
        ]
    )
    print(f"{'measure':18}{'rank correlation':>17}{'flagged: peer':>15}{'ours':>7}{'both':>7}")
    good = True
    for issue in ISSUES:
        used = ~stored_as_coloured if issue == "grayscale" else np.ones_like(stored_as_coloured)
        # Rounded, so that equal sizes rank equal on both sides.
        scores = [np.round(side["scores"][issue], 9)[used] for side in (our, peer)]
        a, b = (np.array(side["flags"][issue], dtype=bool)[used] for side in (our, peer))
        correlation = float(spearmanr(*scores).statistic)
        overlap = (a & b).sum() / max(1, (a | b).sum())
        print(f"{issue:18}{correlation:17.4f}{b.sum():15}{a.sum():7}{(a & b).sum():7}")
        good &= correlation >= LOWEST_CORRELATION and overlap >= LOWEST_OVERLAP
    print(f"grey pictures stored as coloured, flagged by us alone: {stored_as_coloured.sum()}")
    return bool(good)


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    options = sides.Options(__doc__, bears=True, peer=True).parse_args()
    one_core = {"OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        number = make_images(options.bears, folder)
        result = sides.compare(
            [
                sides.side(sides.OURS, ours, folder, environment=one_core),
                sides.side(
                    "cleanvision", cleanvision, folder, python=options.peer, environment=one_core
                ),
            ],
            options.repeats,
        )
        alike = compare(*(figures[0] for figures in result.rounds.values()), folder)
    result.tell("seconds", f"s for {number} images")
    sides.record(options, quality=result)
    what = f"seconds to measure the quality of {number} images on one core, cleanvision / ours"
    fast = sides.verdict(result.ratio("cleanvision", "seconds"), GOAL, what)
    return 0 if alike and fast else 1


if __name__ == "__main__":
    sys.exit(main())
