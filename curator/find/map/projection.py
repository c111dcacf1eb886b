"""From features to points of a plane, so that what is alike lies together. Pure: arrays in and out.

t-SNE (van der Maaten and Hinton, 2008) as openTSNE computes it, with interpolation by FFT
(Linderman et al., 2019), of few images by a tree (van der Maaten, 2014), on the first :data:`AXES`
principal components of features of length 1.
Images that come later are placed among their nearest neighbours; none of the others moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

METHOD = "t-SNE (openTSNE)"
AXES = 50
MOST_FITTED = 20_000  # images that the plane is fitted to; docs/experiments.md
FEWEST = 10  # below, the first two principal components are the map
EARLY, LATE = 250, 500  # steps with the groups drawn together, and without
STEPS = EARLY + LATE
NEIGHBOURS = 10  # that an image is placed among
_PERPLEXITY = 30
_FROM_FFT = 10_000  # images: with fewer the grid costs more than the tree of Barnes and Hut
_OFTEN = 25  # steps between two reports
_AT_ONCE = 1024  # rows that are compared with all fitted ones at once
_REACH = 0.95  # of the fitted points, so that no dot is cut off at the edge
_SAME = 1e-6  # spread below which all images are the same


@dataclass(frozen=True, eq=False)
class Projection:
    """What places an image on the map.

    ``mean`` (d,) and ``axes`` (a, d): of features of length 1; ``anchors`` (f, a): the fitted
    images on those axes; ``points`` (f, 2): where they lie, -1..1. All float32.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    anchors: NDArray[np.float32]
    points: NDArray[np.float32]

    def place(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (m, 2) of images with ``features`` (m, d): amid their nearest fitted neighbours.

        Nothing else moves. Each image's place depends on its own features alone.
        """
        found = np.zeros((len(features), 2), np.float32)
        reach = min(NEIGHBOURS, len(self.anchors))
        if not reach:
            return found
        for start in range(0, len(features), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            own = np.asarray((_units(features[rows]) - self.mean) @ self.axes.T, np.float32)
            near, away = _nearest(own, self.anchors, reach)
            found[rows] = _amid(self.points[near], away)
        return found


def fit(
    features: NDArray[np.float32],
    seed: int,
    listener: Callable[[int], None] = lambda _step: None,
) -> Projection:
    """Lay out ``features`` (n, d); the same features and seed give the same points.

    ``listener`` gets the steps done so far, of :data:`STEPS`; what it raises ends the fit.
    """
    units = _units(features)
    mean = units.mean(axis=0) if len(units) else np.zeros(units.shape[1], np.float32)
    axes = _principal(units - mean)
    anchors = ((units - mean) @ axes.T).astype(np.float32)
    spread = float(anchors.std()) if anchors.size else 0.0
    if spread < _SAME:
        points = _disc(len(units))
    elif len(units) < FEWEST:
        points = _two(anchors)
    else:
        points = _neighbour_embedding(anchors, seed, listener)
    listener(STEPS)
    return Projection(mean, axes, anchors, _within(points))


def _units(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _principal(away: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal axes (a, d), the widest first, each with its largest entry positive."""
    count = min(AXES, away.shape[1])
    _, vectors = np.linalg.eigh((away.T @ away).astype(np.float64))
    axes = vectors[:, ::-1][:, :count].T
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(count), largest])
    return np.asarray(axes * signs[:, None], dtype=np.float32)


def _two(anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.zeros((len(anchors), 2), np.float32)
    padded[:, : anchors.shape[1]] = anchors[:, :2]
    return padded


def _disc(count: int) -> NDArray[np.float32]:
    """Points (count, 2) spread evenly over a small disc: Vogel's sunflower (1979)."""
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    radius = 0.1 * np.sqrt((np.arange(count) + 0.5) / max(1, count))
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).astype(np.float32)


def _neighbour_embedding(
    anchors: NDArray[np.float32], seed: int, listener: Callable[[int], None]
) -> NDArray[np.float32]:
    from openTSNE import TSNEEmbedding, affinity, nearest_neighbors
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    perplexity = min(_PERPLEXITY, (len(anchors) - 1) / 3)
    count = min(len(anchors) - 1, int(3 * perplexity))
    near, away = _nearest(anchors, anchors, count, apart=True)
    likeness = affinity.PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=nearest_neighbors.PrecomputedNeighbors(near, away.astype(np.float64)),
        random_state=seed,
    )
    start = _two(anchors).astype(np.float64)
    # Copies of one image must not begin at the very same point: they could never part.
    start += 1e-3 * start[:, 0].std() * np.random.default_rng(seed).standard_normal(start.shape)
    start *= 1e-4 / start[:, 0].std()
    plane = TSNEEmbedding(
        start,
        likeness,
        negative_gradient_method="fft" if len(anchors) >= _FROM_FFT else "bh",
        random_state=seed,
        n_jobs=1,
    )
    done = 0

    def report(*_: object) -> None:
        nonlocal done
        done += _OFTEN
        listener(min(done, STEPS))

    with threadpool_limits(1):
        for steps, settings in (
            (EARLY, {"exaggeration": 12, "momentum": 0.5}),
            (LATE, {"momentum": 0.8}),
        ):
            plane = plane.optimize(
                steps, callbacks=report, callbacks_every_iters=_OFTEN, **settings
            )
    return np.asarray(plane, dtype=np.float32)


def _within(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """``points`` moved and scaled, the same both ways, to lie within -1..1."""
    if not len(points):
        return points.reshape(0, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = float((high - low).max()) / 2
    if reach <= 0.1:  # all the same: a small disc in the middle
        return points
    return np.asarray((points - (low + high) / 2) / reach * _REACH, dtype=np.float32)


def _nearest(
    rows: NDArray[np.float32], among: NDArray[np.float32], count: int, *, apart: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places (n, count) in ``among`` of each row's nearest, the nearest first, and distances.

    ``apart``: rows and ``among`` are the same, and none is its own neighbour.
    """
    places = np.empty((len(rows), count), np.int64)
    lengths = np.empty((len(rows), count), np.float32)
    squares = np.einsum("nd,nd->n", among, among)
    for start in range(0, len(rows), _AT_ONCE):
        piece = rows[start : start + _AT_ONCE]
        square = np.einsum("nd,nd->n", piece, piece)[:, None] + squares - 2 * (piece @ among.T)
        if apart:
            square[np.arange(len(piece)), start + np.arange(len(piece))] = np.inf
        some = np.argpartition(square, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(square, some, axis=1)
        order = np.lexsort((some, values))
        places[start : start + len(piece)] = np.take_along_axis(some, order, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        lengths[start : start + len(piece)] = np.sqrt(np.maximum(values, 0))
    return places, lengths


def _amid(points: NDArray[np.float32], away: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where each row lies by its neighbours' ``points`` (n, k, 2) and distances (n, k).

    The neighbour that has the most of the others around it, so that an image between two groups
    falls into one of them and not into the gap; drawn by its nearest ones towards them.
    """
    weight = 1 / (away + 1e-3 * (away.mean(axis=1, keepdims=True) + _SAME))
    gaps = np.linalg.norm(points[:, :, None] - points[:, None], axis=3)  # (n, k, k)
    middle = np.einsum("nij,nj->ni", gaps, weight).argmin(axis=1)
    rows = np.arange(len(points))
    reach = np.median(gaps[rows, middle], axis=1, keepdims=True)
    weight = weight * (gaps[rows, middle] <= reach)
    found = np.einsum("nk,nkd->nd", weight, points) / weight.sum(axis=1, keepdims=True)
    return np.asarray(found, dtype=np.float32)
