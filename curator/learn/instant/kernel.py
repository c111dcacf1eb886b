"""A second judge of the labels: kernel ridge regression on the same features, out-of-fold.

    features, labels, folds -> likeness to 500 images -> ridge regression, one fit a fold
                            -> weighed together with the heads' probabilities

A linear head and a smooth function of likeness err on different images, so both together find more
wrong labels than either: on human mistakes in 4,000 CIFAR-10 images the average precision rises by
0.007, 0.013 and 0.015 at 9, 17 and 40 % wrong labels (``docs/experiments.md``). It only orders:
what is exported, and every figure of a model, is of the heads alone.

The kernel is Gaussian, as wide as the median distance, and read through its columns at some images
(Williams and Seeger, Using the Nystroem Method to Speed Up Kernel Machines, 2001). The two judges'
weights minimise the log-loss on held-out images (Wolpert, Stacked Generalization, 1992): a convex
problem of two numbers, so that fitting them on what they then weigh flatters by a nat in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.learn.evaluation.metrics import softmax
from curator.learn.instant.rows import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from curator.learn.instant.heads import Heads
    from curator.learn.instant.rows import Rows

LANDMARKS = 500
RIDGES = (0.3, 1.0, 3.0, 10.0)
"""Strengths that are tried."""
MOST, MOST_IMAGES = 4_000_000, 200_000
"""Probabilities (images times classes), and images, beyond which the heads judge alone."""
ENOUGH = 5000
"""Images that the two judges are weighed on: every second one, and so on, where there are more."""
_SMALLEST = 1e-9  # probability whose logarithm is taken
_JITTER = 1e-4  # on the diagonal: images that are there twice are equal columns


def judged_by_both(
    features: Rows,
    labels: NDArray[np.integer],
    fold_of: NDArray[np.integer],
    out_of_fold: NDArray[np.float32],
    heads: Heads,
) -> NDArray[np.float32]:
    """Probabilities (N, K) of the classes by both judges, neither of which saw the image.

    ``features`` (N, D); ``labels`` (N,) 0..K-1; ``fold_of`` (N,) 0..F-1; ``out_of_fold`` (N, K),
    calibrated, of the ``heads``, which standardise the features for both. Gives
    ``out_of_fold`` where all images are alike, or there are more than MOST or MOST_IMAGES.
    """
    if out_of_fold.size > MOST or len(features) > MOST_IMAGES:
        return out_of_fold
    likeness = _Likeness.of(features, heads)
    if likeness is None:
        return out_of_fold
    classes = out_of_fold.shape[1]
    shares = np.bincount(labels, minlength=classes) / len(labels)
    targets = (np.eye(classes)[labels] - shares).astype(np.float32)
    squares, products = _sums(likeness, targets, fold_of)
    scores = np.zeros((len(RIDGES), *out_of_fold.shape), np.float32)
    solved = [
        np.concatenate(
            [np.linalg.solve(others + ridge * likeness.between, wanted) for ridge in RIDGES], axis=1
        ).astype(np.float32)  # (L, ridges * K)
        for others, wanted in zip(
            squares.sum(axis=0) - squares, products.sum(axis=0) - products, strict=True
        )
    ]
    for rows, near in likeness.pieces():
        for fold, weights in enumerate(solved):
            own = fold_of[rows] == fold
            found = (near[own] @ weights).reshape(-1, len(RIDGES), classes)
            scores[:, rows[own]] = found.swapaxes(0, 1)
    said = np.log(np.maximum(out_of_fold, _SMALLEST))
    some = np.arange(0, len(labels), max(1, len(labels) // ENOUGH))
    weighed = [_weights(np.stack([said[some], one[some]]), labels[some]) for one in scores]
    best = min(range(len(RIDGES)), key=lambda place: weighed[place][0])
    (own, other), found = weighed[best][1], scores[best]
    return softmax(own * said + other * found).astype(np.float32)


@dataclass(frozen=True)
class _Likeness:
    """Of N images to L of them: exp(-squared distance / median), 0..1."""

    near: NDArray[np.float16]
    """(N, L); three digits are enough, and half the memory."""
    between: NDArray[np.float64]
    """(L, L), of the landmarks, the diagonal raised a little."""

    @classmethod
    def of(cls, features: Rows, heads: Heads) -> _Likeness | None:
        """Choose the landmarks by chance, the same ones each time; None where all are alike."""
        count = len(features)
        asked = np.zeros(count, bool)
        asked[np.random.default_rng(0).permutation(count)[:LANDMARKS]] = True
        mean, scale = heads.mean, heads.scale
        parts = [features[part][asked[part]] for part in pieces(count)]
        landmarks = (np.concatenate(parts) - mean) / scale
        apart = _squared(landmarks, landmarks)
        median = np.median(apart)
        if not median > 0:
            return None
        near = np.empty((count, len(landmarks)), np.float16)
        for part in pieces(count):
            near[part] = np.exp(-_squared((features[part] - mean) / scale, landmarks) / median)
        between = np.exp(-apart.astype(np.float64) / median) + _JITTER * np.eye(len(landmarks))
        return cls(near, between)

    def pieces(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Row numbers (M,) and likeness (M, L), piece by piece."""
        for part in pieces(len(self.near)):
            yield np.arange(part.start, part.stop), self.near[part].astype(np.float32)


def _squared(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (N, M) of rows (N, D) and (M, D)."""
    lengths = [np.einsum("nd,nd->n", one, one) for one in (first, second)]
    apart: NDArray[np.float32] = lengths[0][:, None] + lengths[1][None] - 2 * (first @ second.T)
    return np.maximum(apart, 0)


def _sums(
    likeness: _Likeness, targets: NDArray[np.float32], fold_of: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each fold's sums over its images: likeness squared (F, L, L), and times targets (F, L, K)."""
    folds, size = int(fold_of.max()) + 1, len(likeness.between)
    squares = np.zeros((folds, size, size))
    products = np.zeros((folds, size, targets.shape[1]))
    for rows, near in likeness.pieces():
        for fold in range(folds):
            own = fold_of[rows] == fold
            squares[fold] += near[own].T @ near[own]
            products[fold] += near[own].T @ targets[rows[own]]
    return squares, products


def _weights(
    parts: NDArray[np.float32], labels: NDArray[np.integer]
) -> tuple[float, NDArray[np.float64]]:
    """The least log-loss of softmax(a * parts[0] + b * parts[1]) for a, b >= 0, and both.

    ``parts`` (2, N, K): logarithms of the heads' probabilities, and the kernel's scores.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(labels))
    given = parts[:, rows, labels].mean(axis=1, dtype=np.float64)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = softmax(np.tensordot(weights, parts, 1))
        slope = np.einsum("nk,pnk->p", shares, parts) / len(labels) - given
        return float(-np.log(np.maximum(shares[rows, labels], _SMALLEST)).mean()), slope

    found = minimize(loss, (0.5, 2.0), jac=True, method="L-BFGS-B", bounds=[(0, None), (0, 100)])
    return float(found.fun), found.x
