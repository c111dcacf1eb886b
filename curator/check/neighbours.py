"""Nearest neighbours by cosine similarity of features, read from disk in blocks.

Memory is bounded by two blocks of features and their product, whatever the number of images; there
is never a matrix of all with all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from curator.encode.feature_cache import FeatureCache

QUERIES, REFERENCES = 2048, 4096  # rows of a block: 10 + 20 MB of features, 32 MB of products


def nearest(
    cache: FeatureCache,
    queries: Sequence[str],
    references: Sequence[str],
    apart: tuple[NDArray[np.int64], NDArray[np.int64]],
    count: int,
    at_least: float = -2.0,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ``count`` most similar references of each query, in no order.

    ``queries`` (Q,) and ``references`` (R,) are SHA-256 of images with features in ``cache``.
    ``apart``: a number for each query and each reference; those with the same number are no
    neighbours (an image and itself, copies). Returns positions in ``references`` (Q, count), -1
    where there are fewer that are more similar than ``at_least``, and cosines (Q, count), -1..1,
    ``at_least`` there. ``progress`` gets the queries done so far and may raise.
    """
    places = np.full((len(queries), count), -1, dtype=np.int64)
    cosines = np.full((len(queries), count), at_least, dtype=np.float32)
    for start in range(0, len(queries), QUERIES):
        rows = slice(start, start + QUERIES)
        own = _unit_rows(cache, queries[rows])
        best, where = cosines[rows], places[rows]  # views: what is written there stays
        for first in range(0, len(references), REFERENCES):
            columns = slice(first, first + REFERENCES)
            block = own @ _unit_rows(cache, references[columns]).T
            block[apart[0][rows, None] == apart[1][None, columns]] = -np.inf
            # Most rows of most blocks hold nothing nearer than what is known.
            for chunk in _chunks(np.flatnonzero(block.max(axis=1) > best.min(axis=1))):
                _merge(best, where, block, chunk, first)
        progress(min(start + QUERIES, len(queries)))
    return places, cosines


def _merge(
    best: NDArray[np.float32],
    where: NDArray[np.int64],
    block: NDArray[np.float32],
    rows: NDArray[np.int64],
    first: int,
) -> None:
    """Take the nearer ones of ``block`` into the nearest of ``rows``; its first column's place."""
    count = best.shape[1]
    every = np.concatenate([best[rows], block[rows]], axis=1)
    chosen = np.argpartition(every, -count, axis=1)[:, -count:]
    old = np.take_along_axis(where[rows], np.minimum(chosen, count - 1), axis=1)
    where[rows] = np.where(chosen < count, old, first + chosen - count)
    best[rows] = np.take_along_axis(every, chosen, axis=1)


def _chunks(rows: NDArray[np.int64], size: int = 256) -> list[NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _unit_rows(cache: FeatureCache, digests: Sequence[str]) -> NDArray[Any]:
    """Features of length 1, (N, D); a feature of length 0 stays 0."""
    rows = cache.rows(digests)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, length, out=rows, where=length > 0)
    return rows
