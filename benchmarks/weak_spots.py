"""Weak spots in simulation: how often nothing is taken for something, and what is found.

    python benchmarks/weak_spots.py [--repeats 200] [--images 600]

Images are rows of made-up features around the middles of eight scenes, of three classes. The
instant recipe's heads judge them out-of-fold, as in a training. One label in ten is wrong.

- well mixed: scenes and classes differ in directions of their own, so that all scenes are as hard.
- overlapping: scenes lie in the directions of the classes, too, so that some of them truly are
  harder; nothing more is planted.
- shuffled: the same, the errors then given to images by chance, so that none is harder.
- planted: well mixed, but the classes of scene 0 hardly differ.

Hosts are drawn without regard to the class, or tell one class nine times in ten. Prints the share
of repeats with any card, with 95 % intervals.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from curator.learn.evaluation.metrics import wilson_interval
from curator.learn.folds import assign_folds
from curator.learn.instant.fit import fit
from curator.learn.instant.settings import FitSettings
from curator.learn.weak.clusters import clustered, number_of_clusters, weak_clusters
from curator.learn.weak.shortcuts import Measures, shortcuts

SCENES, CLASSES, WIDTH = 8, 3, 48
KINDS = ("well mixed", "overlapping", "shuffled", "planted")


def images(
    rng: np.random.Generator, number: int, planted: bool, overlapping: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Features (N, D), labels (N,) of which a tenth is wrong, and scenes (N,); scene 0 is weak."""
    scene = rng.integers(0, SCENES, number)
    label = rng.integers(0, CLASSES, number)
    looks, scenes = np.zeros((CLASSES, WIDTH)), np.zeros((SCENES, WIDTH))
    looks[:, :CLASSES] = 3 * np.eye(CLASSES)
    first = 0 if overlapping else CLASSES
    scenes[:, first:] = rng.normal(size=(SCENES, WIDTH - first)) * 1.5
    clear = np.where(planted & (scene == 0), 0.35, 1.0)
    noise = rng.normal(size=(number, WIDTH)) * 0.7
    features = scenes[scene] + looks[label] * clear[:, None] + noise
    wrong = rng.random(number) < 0.1
    given = np.where(wrong, (label + rng.integers(1, CLASSES, number)) % CLASSES, label)
    return features.astype(np.float32), given, scene


def judged(rng: np.random.Generator, number: int, kind: str) -> tuple[bool, float, float, float]:
    """Whether a card is shown, its share of scene 0, errors in that scene and outside."""
    overlapping = kind in {"overlapping", "shuffled"}
    features, labels, scene = images(rng, number, kind == "planted", overlapping)
    fold = assign_folds(labels, np.arange(number), 5, 0)
    fitted = fit(features, labels, fold, np.ones(number, bool), CLASSES, FitSettings(l2=0.1))
    wrong = fitted.out_of_fold.argmax(axis=1) != labels
    if kind == "shuffled":
        wrong = rng.permutation(wrong)
    cluster = clustered(features, number_of_clusters(number), int(rng.integers(1 << 30)))
    weak, _ = weak_clusters(cluster, wrong, np.arange(number))
    named = np.isin(cluster, [item.cluster for item in weak])
    inside = float((scene[named] == 0).mean()) if named.any() else np.nan
    return bool(weak), inside, float(wrong[scene == 0].mean()), float(wrong[scene != 0].mean())


def told(rng: np.random.Generator, number: int, planted: bool) -> bool:
    """Whether a shortcut is named: hosts, sizes and borders, of which the host may tell a class."""
    labels = rng.integers(0, CLASSES, number)
    host = rng.integers(0, 6, number)
    if planted:
        host = np.where((labels == 0) & (rng.random(number) < 0.9), 6, host)
    measures: dict[str, Measures] = {
        "host": {"host": host.astype(float)},
        "size": {name: rng.lognormal(6, 1, number) for name in ("longer", "shorter")},
        "border": {name: rng.normal(size=number) for name in ("light", "uneven")},
    }
    found, _ = shortcuts(measures, labels, np.arange(number), 0)
    return any(item.name == "host" for item in found) if planted else bool(found)


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--images", type=int, default=600)
    asked = parser.parse_args()
    seeds = range(asked.repeats)
    for kind in KINDS:
        began = time.perf_counter()
        found = [judged(np.random.default_rng(seed), asked.images, kind) for seed in seeds]
        say("weak cluster", kind, [one[0] for one in found])
        means = np.nanmean(np.array([one[1:] for one in found]), axis=0)
        print(f"    error in scene 0 {means[1]:.3f}, elsewhere {means[2]:.3f}", end="")
        print(f"; of the images named {means[0]:.3f} are of it", end="")
        print(f"; {(time.perf_counter() - began) / asked.repeats:.2f} s each")
    for kind in ("well mixed", "planted"):
        hits = [told(np.random.default_rng(n), asked.images, kind == "planted") for n in seeds]
        say("shortcut", kind, hits)


def say(what: str, kind: str, hits: list[bool]) -> None:
    """One line."""
    low, high = wilson_interval(sum(hits), len(hits))
    print(f"{what}, {kind}: named in {sum(hits)} of {len(hits)} ({low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
