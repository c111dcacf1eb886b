"""Clusters of images by their features, and those of them that are judged worse than the rest.

The clusters know nothing of labels and errors, so a test of each is a fair one; for having looked
at many of them the chances are corrected by Holm's method (1979), which holds whatever depends on
what. Pure functions of arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol

import numpy as np

from curator.learn.evaluation.metrics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL = 0.05
"""Chance of naming any cluster where errors fall on all of them alike."""
FEWEST = 20  # images of a cluster that is judged: below, an interval says nothing
MOST = 40  # clusters
LEARNT_FROM = 2000  # rows that the centres are found from: 50 and more a cluster
_ROUNDS = 30
_AT_ONCE = 4096
_SAME = 1e-5  # squared distance under which rows of length 1 are the same


@dataclass(frozen=True)
class Weak:
    """A cluster with more errors than the rest."""

    cluster: int
    images: int
    """Of which near-duplicates count as one; as ``wrong``."""
    wrong: int
    low: float
    """Ends of the interval of its error, 0..1: with a chance of 95 % those of all clusters that
    were looked at hold at once (Bonferroni)."""
    high: float
    elsewhere: float
    """Error of all other images, 0..1."""
    p_value: float
    """Corrected by Holm's method: at most :data:`LEVEL`."""

    @property
    def error(self) -> float:
        """Share of its images that were judged wrong, 0..1."""
        return self.wrong / self.images


def number_of_clusters(rows: int) -> int:
    """How many clusters ``rows`` images are divided into: the root of half of them, 2 to 40."""
    return int(np.clip(math.sqrt(rows / 2), 2, MOST))


class Features(Protocol):
    """Rows (N, D) that may lie on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> NDArray[np.float32]: ...


def clustered(features: Features, count: int, seed: int) -> NDArray[np.intp]:
    """The cluster, 0..count-1, of each row of ``features`` (N, D): (N,).

    k-means on features of length 1, begun by k-means++ (Arthur and Vassilvitskii, 2007); from more
    than :data:`LEARNT_FROM` rows the centres are found on as many that are drawn from ``seed``.
    Equal input gives equal output. N must be at least ``count``.
    """
    rng = np.random.default_rng(seed)
    chosen = np.arange(len(features))
    if len(features) > LEARNT_FROM:
        chosen = np.sort(rng.choice(len(features), LEARNT_FROM, replace=False))
    known = _units(features[chosen])
    centres = _begin(known, count, rng)
    before = np.full(len(known), -1)
    for _ in range(_ROUNDS):
        nearest = _nearest(known, centres)
        if (nearest == before).all():
            break
        before = nearest
        sums = (nearest == np.arange(count)[:, None]).astype(np.float32) @ known
        sizes = np.bincount(nearest, minlength=count)[:, None]
        means = sums / np.maximum(sizes, 1).astype(np.float32)
        centres = np.where(sizes > 0, means, centres).astype(np.float32)
    return np.concatenate(
        [
            _nearest(_units(features[start : start + _AT_ONCE]), centres)
            for start in range(0, len(features), _AT_ONCE)
        ]
    )


def weak_clusters(
    cluster: NDArray[np.intp], wrong: NDArray[np.bool_], groups: NDArray[np.integer]
) -> tuple[list[Weak], int]:
    """Clusters with more errors than the rest, the worst first, and how many were looked at.

    ``cluster`` (N,), ``wrong`` (N,), ``groups`` (N,): near-duplicates share one, and count as one
    image, since they are right or wrong together. Of each cluster of :data:`FEWEST` images or more
    the chance is that of as many errors among as many images drawn from all (the hypergeometric
    distribution, as in Fisher's exact test, one-sided).
    """
    _, first = np.unique(groups, return_index=True)
    cluster, wrong = cluster[first], wrong[first]
    numbers, sizes = np.unique(cluster, return_counts=True)
    looked = [
        (int(number), int(size))
        for number, size in zip(numbers, sizes, strict=True)
        if FEWEST <= size < len(cluster)
    ]
    if not looked:
        return [], 0
    z = NormalDist().inv_cdf(1 - LEVEL / (2 * len(looked)))
    total, all_wrong = len(cluster), int(wrong.sum())
    counts = [int(wrong[cluster == number].sum()) for number, _ in looked]
    chances = holm(
        [
            at_least(hits, size, all_wrong, total)
            for (_, size), hits in zip(looked, counts, strict=True)
        ]
    )
    found = []
    for (number, size), hits, chance in zip(looked, counts, chances, strict=True):
        if chance <= LEVEL:
            low, high = wilson_interval(hits, size, z)
            elsewhere = (all_wrong - hits) / (total - size)
            found.append(Weak(number, size, hits, low, high, elsewhere, chance))
    return sorted(found, key=lambda one: (-one.error, one.cluster)), len(looked)


def at_least(hits: int, drawn: int, marked: int, total: int) -> float:
    """Chance of ``hits`` or more marked among ``drawn`` of ``total``, ``marked`` of them marked."""

    def ways(whole: int, part: int) -> float:
        return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)

    most = min(drawn, marked)
    least = max(hits, drawn + marked - total, 0)
    every = ways(total, drawn)
    return min(
        1.0,
        sum(
            math.exp(ways(marked, k) + ways(total - marked, drawn - k) - every)
            for k in range(least, most + 1)
        ),
    )


def holm(chances: Sequence[float]) -> list[float]:
    """Chances corrected for being several (Holm, 1979), in the order in which they come."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected, largest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = largest
    return corrected


def _units(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _begin(known: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The first centres (count, D), far from each other."""
    places = [int(rng.integers(len(known)))]
    away, squares = np.full(len(known), np.inf), (known**2).sum(axis=1)
    for _ in range(count - 1):
        last = known[places[-1]]
        distance = squares - 2 * known @ last + last @ last
        # Rounding must not make a chance of what is there already, or a negative one.
        away = np.minimum(away, np.where(distance > _SAME, distance, 0))
        total = away.sum()
        shares = away / total if total > 0 else np.full(len(known), 1 / len(known))
        places.append(int(rng.choice(len(known), p=shares)))
    return known[places]


def _nearest(known: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.intp]:
    found: NDArray[np.intp] = np.argmin((centres**2).sum(axis=1) - 2 * known @ centres.T, axis=1)
    return found
