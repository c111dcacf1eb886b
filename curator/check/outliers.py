"""Outliers: images far from the others of their label, in the features of the bundled backbone.

A feature's neighbours are those of its own label, so a teddy among black bears stands out also
where there is a class for teddies. Near-duplicates do not count as neighbours: a stranger that is
there twice is still one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select, update

from curator.check.neighbours import nearest
from curator.frames import pd
from curator.store import images, schema

if TYPE_CHECKING:
    from curator.encode.feature_cache import FeatureCache
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

NEIGHBOURS = 10
# Images of a label that the others are compared with: with more of them, these, drawn by content.
# So the work grows with the number of images, not with its square.
REFERENCES = 4096
SMALLEST = 5  # images: in a smaller class nothing can be said to be unusual
# Mean distance to the neighbours of 1.75 times the label's median: exp(-1.75).
THRESHOLD = 0.174


def outlier_scores(
    cache: FeatureCache,
    digests: list[str],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """How usual each image is among those of its label: (N,), 0..1, low = suspicious.

    exp(-d / m), where d is the mean cosine distance to the :data:`NEIGHBOURS` nearest images of the
    label and m the median of d in that label: the formula of cleanlab's ``OutOfDistribution``,
    exp(-t d / scaling), with t = 1 and the median as scaling. A typical image has 0.37. NaN in a
    label of fewer than :data:`SMALLEST` images.

    ``digests``, ``labels``, ``groups``: (N,); all have features in ``cache``; images of one group
    are near-duplicates.
    """
    scores = np.full(len(digests), np.nan)
    done = 0
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if len(own) >= SMALLEST:
            scores[own] = _usual(cache, [digests[place] for place in own], groups[own])
        done += len(own)
        if progress:
            progress.reach(done)
    return scores


def _usual(
    cache: FeatureCache, digests: list[str], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The scores of one label's images, (n,)."""
    chosen = np.argsort(digests)[:REFERENCES]  # digests are random, and the same everywhere
    count = min(NEIGHBOURS, len(digests) - 1)
    references = [digests[place] for place in chosen]
    places, cosines = nearest(cache, digests, references, (groups, groups[chosen]), count)
    known = places >= 0
    total = np.where(known, 1.0 - cosines, 0.0).sum(axis=1)
    # An image all of whose label is its near-duplicate has no neighbour: nothing unusual.
    distance = np.divide(
        total, known.sum(axis=1), out=np.zeros(len(total)), where=known.any(axis=1)
    )
    middle = float(np.median(distance))
    scores: NDArray[np.float64] = np.exp(-np.maximum(distance, 0.0) / max(middle, 1e-6))
    return scores


def update_outliers(workspace: Workspace, cache: FeatureCache, progress: Progress) -> None:
    """Store the outlier score of every live image that has features and a group."""
    with workspace.database.read() as connection:
        table = images.live(connection)
    lacking = set(cache.missing(table["sha256"].tolist()))
    table = table[~table["sha256"].isin(lacking) & table["group_id"].notna()]
    progress.begin("looking for outliers", len(table))
    scores = outlier_scores(
        cache,
        table["sha256"].tolist(),
        table["class_id"].to_numpy(dtype=np.int64),
        table["group_id"].to_numpy(dtype=np.int64),
        progress,
    )
    found = dict(zip(table["image_id"].tolist(), scores.tolist(), strict=True))
    found = {key: score for key, score in found.items() if not np.isnan(score)}
    with workspace.database.write() as connection:
        before = stored_scores(connection).to_dict()
        rows = [
            {"key": key, "score": found.get(key)}
            for key in before.keys() | found.keys()
            if before.get(key) != found.get(key)
        ]
        if rows:
            connection.execute(
                update(schema.images)
                .where(schema.images.c.id == bindparam("key"))
                .values(outlier_score=bindparam("score")),
                rows,
            )


def stored_scores(connection: Connection) -> pd.Series[float]:
    """Outlier scores of the last check by image id; images without one are left out."""
    query = select(schema.images.c.id, schema.images.c.outlier_score).where(
        schema.images.c.outlier_score.is_not(None)
    )
    table = images.frame(connection, query)
    return table.set_index("id")["outlier_score"].astype(float)


def outliers(connection: Connection) -> list[int]:
    """Live images below :data:`THRESHOLD` that nobody confirmed, worst first."""
    query = (
        images.present(schema.images.c.id)
        .where(
            images.LIVE,
            schema.current.c.state != schema.KEPT,
            schema.images.c.outlier_score < THRESHOLD,
        )
        .order_by(schema.images.c.outlier_score, schema.images.c.id)
    )
    return [row.id for row in connection.execute(query)]
