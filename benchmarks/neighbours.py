"""Neighbours of very many new images: the index of a check against comparing all with all.

    python benchmarks/neighbours.py [--images 200000] [--asked 10000] [--repeats 1]

Made-up features of 1,280 values as a network's are, of low rank and never negative; a tenth are
changed copies of others. Both look for the 16 nearest of as many images as ``--asked``, above the
cosine that a check asks for. Seconds of the exact side are for those alone and grow with their
number; most of the index's are spent on putting all images in. "recall": of the exact neighbours,
the share that the index found.
"""

from __future__ import annotations

import functools
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import sides

sys.path.append(str(sides.ROOT))

import numpy as np

from curator.check.duplicates.candidates import COSINE, NEIGHBOURS
from curator.check.neighbour_index import nearest_by_index
from curator.check.neighbours import nearest
from curator.encode.feature_cache import FeatureCache
from curator.hashing import sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSION, RANK, AT_ONCE = 1280, 64, 5000
GOAL = 0.98  # of the neighbours


def made(folder: Path, images: int) -> tuple[FeatureCache, list[str]]:
    """Features of so many images, and their names."""
    random = np.random.default_rng(1)
    cache = FeatureCache(folder, "made", DIMENSION)
    names = [sha256(str(number).encode()) for number in range(images)]
    mixed = random.normal(size=(RANK, DIMENSION)).astype(np.float32) * np.float32(RANK**-0.5)

    def noise(count: int, width: int = DIMENSION) -> NDArray[np.float32]:
        return random.normal(size=(count, width)).astype(np.float32)

    for start in range(0, images, AT_ONCE):
        count = min(AT_ONCE, images - start)
        rows = np.maximum(noise(count, RANK) @ mixed + np.float32(0.3) * noise(count), 0)
        tenth = count // 10
        rows[:tenth] = np.maximum(rows[tenth : 2 * tenth] + np.float32(0.15) * noise(tenth), 0)
        cache.append(names[start : start + count], rows)
    return cache, names


def main() -> int:
    """Print seconds of both and the recall; 1 where too little was found."""
    parser = sides.Options(__doc__, repeats=1)
    parser.size("--images", 200_000, 2000, "images in all")
    parser.size("--asked", 10_000, 500, "images whose neighbours are looked for")
    asked = parser.parse_args()
    found: dict[str, NDArray[np.int64]] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache, names = made(Path(folder), asked.images)
        new = names[: asked.asked]

        def timed(side: str) -> sides.Figures:
            began = time.perf_counter()
            if side == "index":
                found[side], _ = nearest_by_index(cache, new, names, NEIGHBOURS, COSINE)
            else:
                apart = np.arange(len(new)), np.arange(len(names))
                found[side], _ = nearest(cache, new, names, apart, NEIGHBOURS, COSINE)
            return {"seconds": time.perf_counter() - began}

        result = sides.compare(
            [sides.Side(side, functools.partial(timed, side)) for side in ("index", "exact")],
            asked.repeats,
        )
    result.tell("seconds", "s")
    pairs = zip(found["index"], found["exact"], strict=True)
    hits = sum(len({*a.tolist()} & {*b.tolist()} - {-1}) for a, b in pairs)
    recall = hits / max(1, int((found["exact"] >= 0).sum()))
    sides.record(asked, neighbours=result)
    return 0 if sides.verdict(recall / GOAL, 1.0, f"recall {recall:.4f} / {GOAL}") else 1


if __name__ == "__main__":
    sys.exit(main())
