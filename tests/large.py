"""A project of any size in seconds: rows as a fetch, a check and a training would leave them.

The pictures are drawn (some hundred different ones, each stored under many names), so only
thumbnails are there; what reads originals finds none. Labels are wrong for about 4 % of the images,
and the scores are such as a good model gives: low for those, high for most others.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import insert, select

from curator.learn.evaluation.report import class_figures
from curator.project import Project
from curator.store import runs, schema
from curator.store.classes import all_classes
from curator.store.database import now
from curator.store.predictions import Predictions, add_predictions

PICTURES = 400
WRONG = 0.04
AT_ONCE = 10_000


Stored: TypeAlias = "tuple[str, str, int]"  # SHA-256 of an original, its file and bytes


def large_project(
    folder: Path,
    count: int,
    classes: int = 10,
    seed: int = 1,
    side: int = 256,
    store: Callable[[Project, range], Sequence[Stored]] | None = None,
) -> Project:
    """Make a project of ``count`` images with one run, and give it open.

    ``side``: of the thumbnails, in pixels. ``store``: keeps the originals of those numbers, which
    are not there otherwise.
    """
    names = [f"class {number:02d}" for number in range(classes)]
    project = Project.create(folder, names, name=folder.name)
    random = np.random.default_rng(seed)
    drawn = [_picture(random, place, side) for place in range(PICTURES)]
    with project.database.write() as connection:
        ids = [item.id for item in all_classes(connection)]
        truth = random.integers(0, classes, count)
        wrong = random.random(count) < WRONG
        label = np.where(wrong, (truth + 1) % classes, truth)
        class_of = np.array(ids)[label]
        for start in range(0, count, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, count))
            stored = (
                [_nowhere(seed, n) for n in numbers] if store is None else store(project, numbers)
            )
            connection.execute(
                insert(schema.images),
                [_image(n, o, int(class_of[n])) for n, o in zip(numbers, stored, strict=True)],
            )
            connection.execute(
                insert(schema.sources),
                [_source(number, int(class_of[number])) for number in numbers],
            )
            project.thumbnails.put(
                (original[0], drawn[number % PICTURES])
                for number, original in zip(numbers, stored, strict=True)
            )
        _run(connection, random, ids, truth, class_of)
    return project


def _nowhere(seed: int, number: int) -> Stored:
    digest = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
    return digest, f"{digest[:2]}/{digest}.jpg", 60_000


def large_projects(folder: Path, *counts: int) -> dict[str, Path]:
    """Make projects of so many images; their paths by what a benchmark calls them."""
    paths = {}
    for count in counts:
        with large_project(folder / f"{count} images", count) as project:
            paths[f"{count:,} images"] = project.path
    return paths


def _image(number: int, original: Stored, class_id: int) -> dict[str, object]:
    digest, file, size = original
    return {
        "sha256": digest,
        "file": file,
        "class_id": class_id,
        "format": "JPEG",
        "width": 640,
        "height": 480,
        "bytes": size,
        "phash": digest[:16],
        "dark_score": 0.8,
        "light_score": 0.8,
        "low_information_score": 0.8,
        "blurry_score": 0.8,
        "odd_aspect_ratio_score": 0.75,
        "grayscale_score": 1.0,
        "sharpness": 900.0,
        "measures_version": 1,
        "outlier_score": 0.4,
        "group_id": number + 1,
        "split": schema.VALID if number % 5 == 0 else schema.TRAIN,
        "added_at": now(),
    }


def _source(number: int, class_id: int) -> dict[str, object]:
    return {
        "kind": "address",
        "origin": f"https://host{number % 40}.example.org/pictures/{number:07d}.jpg",
        "class_id": class_id,
        "listed_in": "pasted",
        "state": schema.FETCHED,
        "image_id": number + 1,
    }


def _run(connection, random, ids, truth, class_of) -> None:  # type: ignore[no-untyped-def]
    count, classes = len(truth), len(ids)
    sure = random.beta(8, 1, count).astype(np.float32)
    probabilities = np.repeat(((1 - sure) / max(1, classes - 1))[:, None], classes, axis=1)
    probabilities[np.arange(count), truth] = sure
    figures = {"images": count, "error": WRONG, "low": WRONG / 2, "high": 2 * WRONG, "wrong": 1}
    column = {class_id: place for place, class_id in enumerate(ids)}
    own = np.array([column[i] for i in class_of.tolist()])
    names = [item.name for item in all_classes(connection)]
    run_id = runs.add(
        connection,
        recipe="instant",
        backbone="drawn",
        ledger_position=0,
        out_of_fold=1,
        settings={"classes": ids, "images": count, "choice": "drawn scores"},
        metrics={
            "judged_on": "out-of-fold",
            "out_of_fold": figures,
            "valid": figures,
            "baselines": {"majority": 1 - 1 / classes, "nearest_mean_image": None},
            "per_class": class_figures(names, own, probabilities),
            "seconds": 0.0,
        },
        history=[],
    )
    rows = np.arange(count)
    said = Predictions(
        image_ids=rows + 1,
        labels=class_of,
        is_label_issue=probabilities[rows, own] < 0.2,
        probabilities=probabilities,
        fixed=np.full_like(probabilities, np.nan),
        in_sample=np.zeros(count, dtype=bool),
    )
    add_predictions(connection, run_id, ids, said)
    assert connection.execute(select(schema.runs.c.id)).scalar_one() == run_id


def _picture(random: np.random.Generator, place: int, side: int) -> bytes:
    """A smooth ground with a few shapes and its number, 256 px, about 3 kB as WebP."""
    ground = random.integers(60, 220, (3, 3, 3)).astype(np.uint8)
    picture = Image.fromarray(ground).resize((256, 192), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y, side = (int(v) for v in random.integers(10, 150, 3))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        pen.ellipse((x, y, x + side, y + side), fill=colour)
    pen.text((8, 8), str(place), fill=(255, 255, 255))
    buffer = io.BytesIO()
    picture.resize((side, side * 3 // 4)).save(buffer, "WEBP", quality=60)
    return buffer.getvalue()
