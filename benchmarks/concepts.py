"""Concepts: how often the interval of how many images show one holds the truth.

    python benchmarks/concepts.py --cifar10n FOLDER [--pages 1 2 4 8]

A class of CIFAR-10 (true classes) or of the digits is what is looked for, as it is and with 20 of
its images alone. A simulated person picks five examples and answers page after page of 16 images in
the order of the concept; after some pages the interval is compared with the truth. The prior was
chosen on the classes 0, 3, 6 and 9; told are the others. Exit status 1 where fewer than 85 % held.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sides
from datasets import encoded, pictures
from similar import cifar

GOAL = 0.85
PAGE, PICKED, WEAK = 16, 5, 300
TUNED = {0, 3, 6, 9}


def searched(
    units: np.ndarray, truth: np.ndarray, seed: int, pages: list[int]
) -> list[tuple[int, bool]]:
    """(pages, whether the interval holds the truth) of one search."""
    from curator.find.concepts import FOLDS, estimate, fit

    random = np.random.default_rng(seed)
    picked = random.choice(np.flatnonzero(truth), PICKED, replace=False)
    marks = set(picked.tolist())
    held = []
    for done in range(max(pages) + 1):
        marked = np.array(sorted(marks))
        others = np.setdiff1d(np.arange(len(units)), marked)
        rows = np.concatenate([marked, random.permutation(others)[:WEAK]])
        weak = np.arange(len(rows)) >= len(marked)
        shows = truth[rows] & ~weak
        fold = np.full(len(rows), -1)
        answers = np.flatnonzero(~np.isin(marked, picked))
        for group in (answers[shows[answers]], answers[~shows[answers]]):
            fold[group] = np.arange(len(group)) % FOLDS
        heads = fit(units[rows], shows, weak, fold if done in pages else np.full(len(rows), -1))
        scores = units[others] @ heads.directions[0] + heads.offsets[0]
        if done in pages:
            own = fold[answers] + 1
            judged = np.einsum("nd,nd->n", units[rows[answers]], heads.directions[own])
            found, _ = estimate(scores, judged + heads.offsets[own], shows[answers])
            held.append((done, found.low <= int(truth[others].sum()) <= found.high))
        marks |= set(others[np.argsort(-scores)[:PAGE]].tolist())
    return held


def coverage(features: np.ndarray, labels: np.ndarray, pages: list[int]) -> dict[str, float]:
    """Share of the intervals that hold the truth, by the number of pages; and the number of all."""
    units = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    held: dict[str, list[bool]] = {}
    for label in sorted(set(labels.tolist()) - TUNED):
        for few in (False, True):
            truth = labels == label
            kept = np.ones(len(labels), bool)
            if few:
                kept[np.flatnonzero(truth)[20:]] = False
            for done, right in searched(units[kept], truth[kept], 100 + label, pages):
                held.setdefault(f"{done} pages, {'20' if few else 'all'}", []).append(right)
    return {name: float(np.mean(values)) for name, values in held.items()}


def main() -> int:
    """Measure, print, and say whether the intervals hold often enough."""
    options = sides.Options(__doc__)
    options.add_argument("--cifar10n", type=Path, help="folder with images.zip and labels.csv")
    options.add_argument("--pages", type=int, nargs="+", default=[1, 2, 4, 8])
    options.size("--pictures", 1500, 300, "pictures of each set")
    arguments = options.parse_args()
    sets = {"digits": pictures("digits", None, arguments.pictures)}
    if arguments.cifar10n:
        sets["CIFAR-10"] = cifar(arguments.cifar10n, arguments.pictures)
    every = []
    for name, (images, labels) in sets.items():
        told = coverage(encoded(images), labels, arguments.pages)
        print(f"{name}: {told}")
        every += list(told.values())
    print(f"ratio {np.mean(every):.3f} (goal {GOAL})")
    return 0 if np.mean(every) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
