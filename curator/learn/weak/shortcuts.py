"""Shortcuts: what tells the class though it should not matter, such as the host alone.

A small classifier (naive Bayes on each measure in bins, no class likelier than another) is judged
by cross-validation. What it gets right beyond guessing a network can get right by the same means,
without looking at what the picture shows. Pure functions of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from curator.learn.folds import assign_folds
from curator.learn.weak.clusters import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FEWEST = 20  # images of a class that counts
MARGIN = 0.3
"""How much of the way from guessing to certainty the low end of the interval must be: below, the
class can be told a little, as it nearly always can, and it matters little."""
_BINS = 8
_FOLDS = 5

Measures = dict[str, "NDArray[np.float64]"]
"""Values (N,) by name; NaN where there is none."""


@dataclass(frozen=True)
class GivenAway:
    """What gives the class away."""

    name: str
    accuracy: float
    """The mean over the classes of the share told right, 0..1: guessing gives 1 / classes."""
    low: float
    """Ends of its interval: with a chance of 95 % those of all that was tried hold at once."""
    high: float
    guessing: float
    rows: NDArray[np.intp]
    """Of the images whose class it gives away: told right, and surely; the surest first."""


def shortcuts(
    groups_of_measures: Mapping[str, Measures],
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    seed: int,
) -> tuple[list[GivenAway], int]:
    """What gives the class away, the most telling first, and how much of that was tried.

    ``labels`` (N,); ``groups`` (N,): near-duplicates share one, share a fold, and count as one
    image. Classes of fewer than :data:`FEWEST` images are left out. What is the same for all images
    is not tried.
    """
    _, first = np.unique(groups, return_index=True)
    values, sizes = np.unique(labels[first], return_counts=True)
    rows = first[np.isin(labels[first], values[sizes >= FEWEST])]
    tried = {
        name: binned
        for name, measures in groups_of_measures.items()
        if (binned := _binned({key: column[rows] for key, column in measures.items()}))
    }
    if not tried or (sizes >= FEWEST).sum() < 2:
        return [], 0
    known, own = np.unique(labels[rows], return_inverse=True)
    fold = assign_folds(own, np.arange(len(rows)), _FOLDS, seed)
    guessing, counts = 1 / len(known), np.bincount(own)
    z = NormalDist().inv_cdf(1 - LEVEL / (2 * len(tried)))
    found = []
    for name, columns in tried.items():
        shares = _judged(columns, own, fold, len(known))
        right = shares.argmax(axis=1) == own
        hits = np.bincount(own, weights=right, minlength=len(known))
        accuracy = float((hits / counts).mean())
        # Two more of each (Agresti and Coull, 1998): none right must not look like certainty.
        smooth = (hits + 2) / (counts + 4)
        spread = float(np.sqrt((smooth * (1 - smooth) / counts).sum())) / len(known)
        low, high = max(0.0, accuracy - z * spread), min(1.0, accuracy + z * spread)
        if low > guessing + MARGIN * (1 - guessing):
            sure = shares.max(axis=1)
            telling = right & (sure >= (1 + guessing) / 2)
            chosen = np.flatnonzero(telling if telling.any() else right)
            chosen = chosen[np.argsort(-sure[chosen], kind="stable")]
            found.append(GivenAway(name, accuracy, low, high, guessing, rows[chosen]))
    return sorted(found, key=lambda one: -one.accuracy), len(tried)


def _binned(measures: Measures) -> list[NDArray[np.intp]]:
    """Each measure that differs between images, in bins of about equal size, counted from 0."""
    found = []
    for column in measures.values():
        there = ~np.isnan(column)
        values = np.unique(column[there])
        if len(values) + (not there.all()) < 2:
            continue
        if len(values) <= _BINS:
            edges = values[1:]
        else:
            edges = np.unique(np.quantile(column[there], np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, column, side="right")
        bins[~there] = len(edges) + 1
        found.append(bins)
    return found


def _judged(
    columns: list[NDArray[np.intp]], own: NDArray[np.intp], fold: NDArray[np.intp], classes: int
) -> NDArray[np.float64]:
    """Probabilities (N, K) by naive Bayes that did not learn from the row's fold."""
    scores = np.zeros((len(own), classes))
    for bins in columns:
        for number in np.unique(fold):
            learnt, asked = fold != number, fold == number
            counts = np.ones((classes, int(bins.max()) + 1))
            np.add.at(counts, (own[learnt], bins[learnt]), 1)
            likely = np.log(counts / counts.sum(axis=1, keepdims=True))
            scores[asked] += likely[:, bins[asked]].T
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    found: NDArray[np.float64] = shares
    return found
