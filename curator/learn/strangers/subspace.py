"""What the gate learns from features: the directions that own images fill, and a response a class.

A row is made even first: the square root of each value, its sign kept, at length 1. So a few large
activations do not drown the many small ones (the Hellinger map, where values are not negative).
With R the even rows (N, D), S their Gram matrix R'R, and r = REGULARISATION * N / D, which is that
share of its mean eigenvalue:

    novelty(x)  = x' (S / r + I)^-1 x        0: in a direction that own images fill; 1: in none
    response(x) = x' (S + r I)^-1 R' Y       least squares, one class against the rest

These are the variance and the mean of one Gaussian process with a linear kernel (Rasmussen and
Williams, Gaussian Processes for Machine Learning, 2006, chapter 2). The eigenvectors with the
largest eigenvalues are kept, so that neither depends on how many images there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REGULARISATION = 1.0
"""In mean eigenvalues; see docs/experiments.md."""
RANK = 256
"""Directions that are kept, at most."""


@dataclass(frozen=True)
class Subspace:
    """R directions in D features, and K classes' responses in them."""

    directions: NDArray[np.float32]
    """(R, D), orthonormal rows."""
    filled: NDArray[np.float32]
    """(R,), 0..1: how much of each direction own images fill."""
    heads: NDArray[np.float32]
    """(K, R), of the responses."""

    def coordinates(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Where even ``rows`` (N, D) lie in the directions: (N, R)."""
        found: NDArray[np.float64] = (rows @ self.directions.T).astype(np.float64)
        return found

    def measure(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Familiarity, 0..1, and the largest response of a class, about 0..1: (N, 2).

        ``place``: coordinates (N, R). Higher means more like the own images in both.
        """
        familiar = np.square(place) @ self.filled.astype(np.float64)
        return np.column_stack([familiar, (place @ self.heads.T).max(axis=1)])


def even(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Signed square roots of each row (N, D), at length 1; a row of zeros stays."""
    rows = features.astype(np.float32)
    rows = np.sign(rows) * np.sqrt(np.abs(rows))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    result: NDArray[np.float32] = rows / np.maximum(length, np.float32(1e-12))
    return result


def fit_subspace(
    rows: NDArray[np.float32], labels: NDArray[np.integer], classes: int, rank: int = RANK
) -> Subspace:
    """Of even ``rows`` (N, D) with ``labels`` (N,) 0..K-1; a class without rows responds 0."""
    values, directions = _directions(rows, rank)
    ridge = REGULARISATION * len(rows) / rows.shape[1]
    place = (rows @ directions.T).astype(np.float64)
    sums = np.stack([place[labels == label].sum(axis=0) for label in range(classes)])
    return Subspace(
        directions=directions,
        filled=(values / (values + ridge)).astype(np.float32),
        heads=(sums / (values + ridge)).astype(np.float32),
    )


def _directions(
    rows: NDArray[np.float32], rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The largest eigenvalues (R,) of the Gram matrix, and their eigenvectors (R, D)."""
    few = len(rows) < rows.shape[1]
    gram = (rows @ rows.T if few else rows.T @ rows).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:rank], vectors[:, ::-1][:, :rank]
    there = values > 1e-7 * values[0]  # of float32, below which nothing is left but rounding
    values, vectors = values[there], vectors[:, there]
    if few:
        vectors = (rows.T.astype(np.float64) @ vectors) / np.sqrt(values)
    return values, np.ascontiguousarray(vectors.T, dtype=np.float32)
