"""The gate of a run: fitted on the stored features of the images that its model learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.encode.backbones import describe
from curator.encode.project_features import feature_cache
from curator.frames import pd
from curator.hashing import number_of
from curator.learn.folds import assign_folds
from curator.learn.instant.heads import threads_for
from curator.learn.recipes import recipe_named
from curator.learn.strangers.gate import FEWEST, Gate
from curator.store import images, runs, schema
from curator.store.predictions import predictions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.encode.feature_cache import FeatureCache
    from curator.store.workspace import Workspace

FOLDS = 5


def fit_gate(workspace: Workspace, run: runs.Run) -> Gate | None:
    """The gate for the model of ``run``, or None where there can be none.

    Learnt from: the run's training images that are live and have features still, under the labels
    that the run was given; validation images stay fresh. Images that the reviewer marked as of none
    of the classes are learnt from where there are enough.

    None for a model whose backbone was fine-tuned, as its features of the images are not stored and
    those of training images would be in-sample; and for fewer than
    :data:`~curator.learn.strangers.gate.FEWEST` images. Raises FileError, DataError.
    """
    if not recipe_named(run.recipe).keeps_head:
        return None
    with workspace.database.read() as connection:
        predictions = predictions_of(connection, run)
        live = images.live(connection)
        table = schema.images.c
        query = images.present(table.sha256).where(schema.current.c.state == schema.NONE)
        marked = list(connection.execute(query).scalars())
    learnt = np.isnan(predictions.fixed).any(axis=1)
    given = pd.Series(predictions.labels[learnt], predictions.image_ids[learnt], name="given")
    own = live.join(given, on="image_id", how="inner").sort_values("sha256")
    caches = _caches(workspace, run)
    own = own[~own["sha256"].isin(_missing(caches, own["sha256"].tolist()))]
    if len(own) < FEWEST:
        return None
    digests = own["sha256"].tolist()
    labels = np.searchsorted(np.sort(run.class_ids), own["given"].to_numpy(dtype=np.int64))
    labels = np.argsort(run.class_ids)[labels]
    groups = np.asarray(pd.factorize(own["group_id"])[0], dtype=np.int64)
    keys = np.array([number_of(digest) for digest in digests], dtype=np.int64)
    folds = assign_folds(labels, groups, FOLDS, workspace.seed, keys)
    gone = _missing(caches, marked)
    with threads_for(len(own)):
        return Gate.fit(
            _features(caches, digests),
            labels,
            folds,
            _features(caches, [digest for digest in marked if digest not in gone]),
            classes=len(run.class_ids),
        )


def _caches(workspace: Workspace, run: runs.Run) -> list[FeatureCache]:
    """The features that the run's head takes the mean of: plain, and mirrored where it does."""
    backbone = describe(run.backbone)
    views = [False, True] if run.settings.get("mirror") else [False]
    return [feature_cache(workspace, backbone, flip=flip) for flip in views]


def _missing(caches: list[FeatureCache], digests: list[str]) -> set[str]:
    return {digest for cache in caches for digest in cache.missing(digests)}


def _features(caches: list[FeatureCache], digests: list[str]) -> NDArray[np.float32]:
    """The mean (N, D) over the views."""
    views = [cache.rows(digests) for cache in caches]
    return views[0] if len(views) == 1 else (views[0] + views[1]) / np.float32(2)
