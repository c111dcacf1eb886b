"""More like this: how long a question takes, and what several examples are best made of.

    python benchmarks/similar.py --cifar10n FOLDER [--images 200000] [--peer PYTHON]

Speed: made-up features (1,280 values, as of the bundled network) are written into the cache of a
project, and the live images are put in order from one of them: the first question of a process,
which reads the index and takes the lengths, and those after it. With usearch in the peer's
interpreter also how long its index takes to build from 20,000 of the images, and its recall of the
nearest 100.

Examples: from 1, 2, 5 and 10 images of a class of CIFAR-10 (4,000 pictures, true classes) and of
the digits (1,797), all others are ranked by the cosine with the mean of the examples' features of
length 1 and with the nearest example, and by the same from the middle of all pictures. Told is the
mean average precision over the classes and 20 draws of examples.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import sides
from datasets import encoded, pictures

GOAL = 0.2  # seconds
DRAWS = 20
NEAREST = 100
BUILT = 20_000

USEARCH = """
import json, sys, time
import numpy as np
from usearch.index import Index
rows = np.load(sys.argv[1])
index = Index(ndim=rows.shape[1], metric="cos", dtype="f16")
began = time.perf_counter()
index.add(np.arange(len(rows)), rows, threads=2)
built = time.perf_counter() - began
units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
recall = []
began = time.perf_counter()
for place in range(50):
    found = set(index.search(rows[place], int(sys.argv[2])).keys.tolist())
    exact = set(np.argsort(-(units @ units[place]))[: int(sys.argv[2])].tolist())
    recall.append(len(found & exact) / len(exact))
print(json.dumps({"build": built, "recall": sum(recall) / len(recall)}))
"""


def made_up(count: int, random: np.random.Generator) -> np.ndarray:
    """Features (count, 1280) around 500 middles, not negative, as of the network."""
    middles = np.random.default_rng(7).standard_normal((500, 1280), dtype=np.float32)
    noise = random.standard_normal((count, 1280), dtype=np.float32)
    return np.maximum(middles[random.integers(0, 500, count)] + noise, 0)


def questions(images: int, _work: Path) -> sides.Figures:
    """Seconds of the first and of later questions of a process, over so many images."""
    from sqlalchemy import insert

    from curator.encode.backbones import DEFAULT, describe
    from curator.encode.project_features import feature_cache
    from curator.find.features import features_of
    from curator.hashing import sha256
    from curator.project import Project
    from curator.store import schema

    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder) / "project", ["a", "b"])
        cache = feature_cache(project, describe(DEFAULT))
        random = np.random.default_rng(1)
        for start in range(0, images, 10_000):
            count = min(10_000, images - start)
            digests = [sha256(str(start + i).encode()) for i in range(count)]
            cache.append(digests, made_up(count, random))
            scores = dict.fromkeys(
                (
                    "dark_score",
                    "light_score",
                    "low_information_score",
                    "blurry_score",
                    "odd_aspect_ratio_score",
                ),
                1.0,
            )
            rows = [
                {
                    "sha256": digest,
                    "file": f"{digest[:2]}/{digest}.png",
                    "class_id": 1 + number % 2,
                    "format": "PNG",
                    "width": 9,
                    "height": 9,
                    "bytes": 9,
                    "phash": "0" * 16,
                    "added_at": "",
                    **scores,
                }
                for number, digest in enumerate(digests)
            ]
            with project.database.write() as connection:
                connection.execute(insert(schema.images), rows)
        took = []
        for asked in range(1, 8):
            began = time.perf_counter()
            queue = project.similar([asked])
            took.append(time.perf_counter() - began)
            assert len(queue) == images - 1
        began = time.perf_counter()
        with project.database.read() as connection:
            features = features_of(project, connection)
            features.likeness(features.units(features.ids[:1]))
        search = time.perf_counter() - began
        project.close()
    return {"first": took[0], "later": float(np.median(took[1:])), "search": search}


def approximate(peer: str, _work: Path) -> sides.Figures:
    """Seconds that usearch needs to index 20,000 images, and its recall of the nearest 100."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, made_up(BUILT, np.random.default_rng(1)))
        done = subprocess.run(
            [peer, "-c", USEARCH, str(file), str(NEAREST)],
            capture_output=True,
            text=True,
            check=True,
        )
    figures: sides.Figures = json.loads(done.stdout)
    return figures


def cifar(folder: Path, most: int | None = None) -> tuple[list[Any], np.ndarray]:
    """Pictures and true classes (N,) of the folder with images.zip and labels.csv."""
    from PIL import Image

    with zipfile.ZipFile(folder / "images.zip") as archive:
        files = {Path(name).name: name for name in archive.namelist()}
        with (folder / "labels.csv").open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))[:most]
        images = [
            Image.open(io.BytesIO(archive.read(files[row["name"]]))).convert("RGB") for row in rows
        ]
    names = sorted({row["true"] for row in rows})
    return images, np.array([names.index(row["true"]) for row in rows])


def average_precision(scores: np.ndarray, right: np.ndarray) -> float:
    """Of a ranking by ``scores``, the largest first."""
    hits = right[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def by_examples(features: np.ndarray, labels: np.ndarray, count: int) -> dict[str, float]:
    """Mean average precision from ``count`` examples, by each way to compare."""
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    away = units - units.mean(axis=0)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    random = np.random.default_rng(count)
    found: dict[str, list[float]] = {}
    for label in np.unique(labels):
        for _ in range(DRAWS):
            examples = random.choice(np.flatnonzero(labels == label), count, replace=False)
            others = np.ones(len(labels), bool)
            others[examples] = False
            right = labels[others] == label
            for where, rows in (("plain", units), ("from the middle", away)):
                cosines = rows[others] @ rows[examples].T
                for how, scores in (("mean", cosines.mean(1)), ("nearest", cosines.max(1))):
                    told = average_precision(scores, right)
                    found.setdefault(f"{how}, {where}", []).append(told)
    return {name: float(np.mean(values)) for name, values in found.items()}


def main() -> int:
    """Measure, print, and say whether a question is answered in time."""
    options = sides.Options(__doc__, peer=True, repeats=3)
    options.add_argument("--cifar10n", type=Path, help="folder with images.zip and labels.csv")
    options.size("--images", 200_000, 2_000, "images to put in order")
    options.size("--pictures", 4_000, 300, "pictures of each set of examples")
    arguments = options.parse_args()
    both = [sides.Side(sides.OURS, functools.partial(questions, arguments.images, Path()))]
    if arguments.peer != sys.executable:
        both.append(sides.Side("usearch", functools.partial(approximate, arguments.peer, Path())))
    for side in both:
        rounds = [side.measure() for _ in range(arguments.repeats if side is both[0] else 1)]
        for figure in rounds[0]:
            print(f"{side.name}: {figure} {sides.Spread.of([each[figure] for each in rounds])}")
        if side is both[0]:
            seconds = float(np.median([each["search"] for each in rounds]))
    sets = {"digits": pictures("digits", None, arguments.pictures)}
    if arguments.cifar10n:
        sets["CIFAR-10"] = cifar(arguments.cifar10n, arguments.pictures)
    for name, (images, labels) in sets.items():
        features = encoded(images)
        for count in (1, 2, 5, 10):
            told = by_examples(features, labels, count)
            print(f"{name}, {count} examples: {told}")
    print(f"search {seconds:.3f} s (goal {GOAL})")
    return 0 if seconds <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
