"""Refusing pictures of no class: the gate against the largest probability and the energy.

    python benchmarks/strangers.py --cifar FOLDER [--bears FOLDER] [--repeats 5]

Three pairs of own images and strangers, on features of the bundled network:

- bears (480 pictures of an image search) against vehicles (of cifar10n) and against digits;
- half of cifar10n's ten classes, drawn anew each round, against the other half;
- three of the ten digits, drawn anew each round, against the other seven.

cifar10n: 4,000 pictures of 32 x 32 pixels, ``images.zip`` and ``labels.csv`` with the columns name
and true, in ``--cifar`` or ``CURATOR_CIFAR10N``; what needs it is left out where it is missing.

Three tenths of the own images, drawn anew each round, are fresh: neither heads, gate nor threshold
saw them. Everything is fitted on the others, and every side's threshold keeps 95 % of them,
out-of-fold. All sides share features, folds and heads (the instant recipe's defaults). Told: AUROC
of fresh own images against strangers, the strangers refused by the threshold, and the share
of fresh own images that it really kept. Energy: Liu and others (2020), on calibrated logits.

The method and its regularisation were chosen on the first half of the digits and of cifar10n, in
other pairs, and on black and grizzly bears against teddys; shown is the second half of each. The
480 bears are the same in both.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import sides
from datasets import encoded, pictures

FRESH = 0.3
VEHICLES = ("airplane", "automobile", "ship", "truck")
SIDES = (sides.OURS, "max softmax", "energy")


def cifar(folder: Path, most: int | None) -> tuple[list[Any], np.ndarray]:
    """Pictures of the second half, and the names of their true classes (N,)."""
    from PIL import Image

    with (folder / "labels.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    rows = rows[len(rows) // 2 :][:most]
    with zipfile.ZipFile(folder / "images.zip") as packed:
        images = [Image.open(io.BytesIO(packed.read(row["name"]))).convert("RGB") for row in rows]
    return images, np.array([row["true"] for row in rows])


def write_features(bears: Path, folder: Path, most: int | None, cases: Path, _work: Path) -> None:
    """Save features and labels of each set that is there, below ``cases``."""
    images, labels = pictures("digits")
    second = slice(len(labels) // 2, None if most is None else len(labels) // 2 + most)
    np.savez(cases / "digits.npz", features=encoded(images[second]), labels=labels[second])
    if bears.is_dir():
        images, labels = pictures("bears", bears)
        np.savez(cases / "bears.npz", features=encoded(images), labels=labels)
    if folder.is_dir():
        images, names = cifar(folder, most)
        np.savez(cases / "cifar.npz", features=encoded(images), labels=names)


def pairs(cases: Path, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Own features, their labels and strangers' features of each pair, as drawn by ``seed``."""
    random = np.random.default_rng(seed)
    sets = {file.stem: dict(np.load(file)) for file in cases.glob("*.npz")}
    result = {}
    for name, set_name, count in (("cifar halves", "cifar", 5), ("3 of 10 digits", "digits", 3)):
        if set_name in sets:
            features, labels = sets[set_name]["features"], sets[set_name]["labels"]
            own = np.isin(labels, random.permutation(np.unique(labels))[:count])
            result[name] = features[own], labels[own], features[~own]
    if "bears" in sets:
        bears = sets["bears"]["features"], sets["bears"]["labels"]
        result["bears, digits"] = *bears, sets["digits"]["features"]
        if "cifar" in sets:
            vehicles = np.isin(sets["cifar"]["labels"], VEHICLES)
            result["bears, vehicles"] = *bears, sets["cifar"]["features"][vehicles]
    return result


def judged(cases: Path, seed: int, _work: Path) -> dict[str, dict[str, list[float]]]:
    """AUROC, refused and kept of each pair and side."""
    from curator.learn.folds import assign_folds
    from curator.learn.instant.fit import fit
    from curator.learn.instant.regularisation import held_out_logits
    from curator.learn.instant.settings import FitSettings
    from curator.learn.strangers.gate import KEPT, Gate

    result: dict[str, dict[str, list[float]]] = {}
    for name, (features, labels, strangers) in pairs(cases, seed).items():
        order = np.random.default_rng(seed).permutation(len(labels))
        fresh, learnt = np.split(order, [int(FRESH * len(order))])
        given = np.unique(labels, return_inverse=True)[1][learnt]
        own, classes = features[learnt], int(given.max()) + 1
        folds = assign_folds(given, np.arange(len(given)))
        heads = fit(own, given, folds, np.ones(len(given), bool), classes, FitSettings())
        weights, bias = heads.exported()
        out_of_fold = held_out_logits(heads.heads, own, folds) / heads.temperature
        logits = [out_of_fold, *(x @ weights.T + bias for x in (features[fresh], strangers))]
        gate = Gate.fit(own, given, folds)
        scores = {
            sides.OURS: (gate.threshold, gate.score(features[fresh]), gate.score(strangers)),
            "max softmax": _with_threshold([z.max(1) - _log_sum(z) for z in logits], KEPT),
            "energy": _with_threshold([_log_sum(z) for z in logits], KEPT),
        }
        result[name] = {
            side: [
                auroc(mine, theirs),
                float((theirs < threshold).mean()),
                float((mine >= threshold).mean()),
            ]
            for side, (threshold, mine, theirs) in scores.items()
        }
    return result


def _with_threshold(scores: list[np.ndarray], kept: float) -> tuple[float, np.ndarray, np.ndarray]:
    return float(np.quantile(scores[0], 1 - kept)), scores[1], scores[2]


def _log_sum(logits: np.ndarray) -> np.ndarray:
    largest = logits.max(axis=1)
    total: np.ndarray = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    return total


def auroc(own: np.ndarray, strangers: np.ndarray) -> float:
    """The share of pairs in which the own image scores higher; ties count half."""
    low, high = (
        np.searchsorted(np.sort(strangers), own, side=side).mean() for side in ("left", "right")
    )
    return float((low + high) / 2 / len(strangers))


def report(rounds: list[dict[str, dict[str, list[float]]]]) -> bool:
    """Print the table; whether the goals are met."""
    leads, good = [], True
    for name in rounds[0]:
        print(name)
        middle = {}
        for side in SIDES:
            found = [
                sides.Spread.of([one[name][side][number] for one in rounds]) for number in range(3)
            ]
            middle[side] = found[0].median
            shown = [f"{what} {spread}" for what, spread in zip(FIGURES, found, strict=True)]
            print(f"  {side:12} " + "; ".join(shown))
        lead = middle[sides.OURS] - max(middle[side] for side in SIDES[1:])
        leads.append(lead)
        good = good and lead >= 0
    mean = float(np.mean(leads))
    reached = sides.verdict(1 + min(leads), 1, "1 + AUROC over the better baseline, worst pair")
    return sides.verdict(1 + mean, 1, "the same, mean of the pairs") and reached and mean > 0


FIGURES = ("AUROC", "refused", "kept")


def main() -> int:
    """Run all sides, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears="if there", repeats=5)
    beside = sides.ROOT.parent / "shared" / "data" / "cifar10n"
    parser.add_argument(
        "--cifar", type=Path, default=Path(os.environ.get("CURATOR_CIFAR10N", beside))
    )
    options = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder)
        most = 300 if options.small else None
        sides.in_process(write_features, options.bears, options.cifar, most, cases)
        for seed in range(options.repeats):
            found = sides.in_process(judged, cases, seed)
            found.pop("wall_seconds")
            rounds.append(found)
    flat = {
        side: [
            {
                f"{name}, {figure}": value
                for name, one in found.items()
                for figure, value in zip(FIGURES, one[side], strict=True)
            }
            for found in rounds
        ]
        for side in SIDES
    }
    sides.record(options, strangers=sides.Comparison(flat))
    return 0 if report(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
