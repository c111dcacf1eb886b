"""More like this: how long a question takes, and what several examples are best made of.

    python benchmarks/similar.py --cifar10n FOLDER [--images 200000] [--peer PYTHON]

Speed: made-up features (1,280 values, as of the bundled network) are written into the cache of a
project, and the live images are put in order from one of them: the first question of a process,
which reads the index and takes the lengths, and those after it.

Beyond: one product with as many features as --beyond says, in float32 as they are kept and in
float16, and with usearch in the peer's interpreter how long its index takes to build from 20,000 of
them, and its recall of the nearest 100. They are real ones (of CIFAR-10's pictures, where there are
any, else of the digits) that are shifted in a direction drawn by chance, each as far as the nearest
other real one is.

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
AT_ONCE = 10_000  # rows that are made at once
PIECE = 2_048  # rows of 16 bits that are converted at once

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


def shifted(real: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Rows (count, D) of ``real`` (N, D), each shifted as far as its nearest other is."""
    squares = np.einsum("nd,nd->n", real, real)
    apart = squares[:, None] + squares - 2 * real @ real.T
    np.fill_diagonal(apart, np.inf)
    far = np.sqrt(np.maximum(apart.min(axis=1), 0))
    chosen = random.integers(0, len(real), count)
    noise = random.standard_normal((count, real.shape[1]), dtype=np.float32)
    noise *= (far[chosen] / np.linalg.norm(noise, axis=1))[:, None]
    return np.asarray(real[chosen] + noise, np.float32)


def beyond(real: np.ndarray, images: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of one product with so many rows on disk, by how they are kept there."""
    direction = real[0] / np.linalg.norm(real[0])
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: Path(folder) / kind for kind in ("float32", "float16")}
        for start in range(0, images, AT_ONCE):
            rows = shifted(real, min(AT_ONCE, images - start), np.random.default_rng(start))
            for kind, file in files.items():
                with file.open("ab") as stream:
                    rows.astype(kind).tofile(stream)
        for kind, file in files.items():
            rows = np.memmap(file, kind, mode="r", shape=(images, real.shape[1]))
            for _ in range(repeats):
                began = time.perf_counter()
                if kind == "float32":
                    scores = rows @ direction
                else:
                    pieces = range(0, images, PIECE)
                    scores = np.concatenate(
                        [rows[at : at + PIECE].astype(np.float32) @ direction for at in pieces]
                    )
                found.setdefault(kind, []).append(time.perf_counter() - began)
                began = time.perf_counter()
                np.argsort(-scores, kind="stable")
                found.setdefault(f"order of {kind}", []).append(time.perf_counter() - began)
    return found


def approximate(peer: str, real: np.ndarray) -> sides.Figures:
    """Seconds that usearch needs to index 20,000 images, and its recall of the nearest 100."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, shifted(real, BUILT, np.random.default_rng(1)))
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
    options.size("--beyond", 1_000_000, 2_000, "rows of one product")
    arguments = options.parse_args()
    side = sides.Side(sides.OURS, functools.partial(questions, arguments.images, Path()))
    rounds = [side.measure() for _ in range(arguments.repeats)]
    for figure in rounds[0]:
        print(f"{side.name}: {figure} {sides.Spread.of([each[figure] for each in rounds])}")
    seconds = float(np.median([each["search"] for each in rounds]))
    sets = {"digits": pictures("digits", None, arguments.pictures)}
    if arguments.cifar10n:
        sets["CIFAR-10"] = cifar(arguments.cifar10n, arguments.pictures)
    for name, (images, labels) in sets.items():
        features = encoded(images)
        if name == list(sets)[-1]:
            print(f"beyond, of {len(features)} real features of {name}:")
            for kind, took in beyond(features, arguments.beyond, arguments.repeats).items():
                print(f"{arguments.beyond} rows, {kind}: {sides.Spread.of(took)} s")
            if arguments.peer != sys.executable:
                print(f"usearch: {approximate(arguments.peer, features)}")
        for count in (1, 2, 5, 10):
            told = by_examples(features, labels, count)
            print(f"{name}, {count} examples: {told}")
    print(f"search {seconds:.3f} s (goal {GOAL})")
    return 0 if seconds <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
