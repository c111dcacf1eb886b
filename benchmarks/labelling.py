"""Pictures without labels: labels that a person gives until 95 % of all are right.

    python benchmarks/labelling.py --cifar10n FOLDER [--repeats 3]

2,000 pictures without a label, three of each class labelled at random to begin with. A simulated
person labels 20 at a time in the order of a side; after each, heads are fitted as the program does,
and every picture that was not labelled has the class of the model. Told: labels until 95 % of all
2,000 are right; where the model alone does not get there, the labels that replaced its answers
count as right, too. Sides: the program's order (`curator.find.unlabelled.useful`), by chance,
uncertainty alone (the smallest lead of the likeliest class), and as they came (a classifier on few
examples without any order, which is what other tools offer).

The order was thought out, not tuned; the digits and CIFAR-10 (true classes, ten of each) are told
apart. Exit status 1 unless a third fewer labels than by chance are needed, in the median.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import sides
from datasets import encoded, pictures
from similar import cifar

GOAL = 1.5  # times as many labels by chance
BATCH, FIRST, WANTED = 20, 3, 0.95
ORDERS = (sides.OURS, "chance", "uncertainty", "as they came")


def probabilities(features: np.ndarray, labels: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What heads that are fitted on the labelled say of all, (N, K)."""
    from curator.learn.evaluation.metrics import softmax
    from curator.learn.folds import assign_folds
    from curator.learn.instant import fit as instant
    from curator.learn.instant.settings import FitSettings

    rows = np.flatnonzero(given)
    own = labels[rows]
    folds = assign_folds(own, np.arange(len(rows)), 3, 42, rows)
    mask = np.ones(len(rows), bool)
    fitted = instant.fit(
        features[rows], own, folds, mask, int(labels.max()) + 1, FitSettings(folds=3)
    )
    weight, bias = fitted.exported()
    return softmax(features @ weight.T + bias)


def needed(features: np.ndarray, labels: np.ndarray, order: str, seed: int) -> dict[str, float]:
    """Labels until WANTED of all are right, by that order."""
    from curator.find.unlabelled import useful

    random = np.random.default_rng(seed)
    units = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    given = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        given[random.choice(np.flatnonzero(labels == label), FIRST, replace=False)] = True
    while True:
        shares = probabilities(features, labels, given)
        right = given | (shares.argmax(axis=1) == labels)
        if right.mean() >= WANTED or given.all():
            return {"labels": float(given.sum()), "right": float(right.mean())}
        left = np.flatnonzero(~given)
        two = np.sort(shares[left], axis=1)[:, -2:]
        doubt = (1 - (two[:, 1] - two[:, 0])).astype(np.float32)
        if order == sides.OURS:
            score = useful(units[left], doubt, units[given])
        elif order == "uncertainty":
            score = doubt
        else:
            score = random.random(len(left)) if order == "chance" else -left.astype(float)
        given[left[np.argsort(-score, kind="stable")[:BATCH]]] = True


def measured(features: np.ndarray, labels: np.ndarray, repeats: int) -> sides.Comparison:
    """All orders on the same pictures and the same first labels, round by round."""

    def side(order: str) -> sides.Side:
        seeds = itertools.count(1)  # the same for all sides in a round
        return sides.Side(order, lambda: needed(features, labels, order, next(seeds)))

    return sides.compare([side(order) for order in ORDERS], repeats)


def main() -> int:
    """Measure, print, and say whether a third is spared."""
    options = sides.Options(__doc__, repeats=3)
    options.add_argument("--cifar10n", type=Path, help="folder with images.zip and labels.csv")
    options.size("--images", 2000, 150, "pictures without a label")
    chosen = options.parse_args()
    print(__doc__)
    found = {}
    sets = {"digits": pictures("digits", most=chosen.images)}
    if chosen.cifar10n:
        sets["CIFAR-10"] = cifar(chosen.cifar10n, chosen.images)
    for name, (images, labels) in sets.items():
        found[name] = measured(encoded(images), labels, chosen.repeats)
    good = True
    for name, comparison in found.items():
        print(name)
        comparison.tell("labels", "")
        good &= sides.verdict(
            comparison.ratio("chance", "labels"), GOAL, f"{name}: labels by chance over ours"
        )
    sides.record(chosen, **found)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
