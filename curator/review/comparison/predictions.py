"""The likeliest class of validation images by a run's exported model.

What the run said when it was trained is kept. An image that it did not judge then, because it was
deleted by that time, can still be judged by an instant head: the head is kept, and so are the
features of every image. Nothing is encoded here; what would need the network is left unjudged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, select

from curator.encode.backbones import EFFICIENTNET_LITE0
from curator.encode.feature_cache import FeatureCache
from curator.learn.recipes import recipe_named
from curator.learn.recording import HEAD_FILE, kept_tensors
from curator.store import runs, schema
from curator.store.database import rows_of
from curator.store.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from curator.store.workspace import Workspace


def guesses(
    workspace: Workspace,
    connection: Connection,
    run: runs.Run,
    said: Predictions,
    wanted: Iterable[int],
) -> dict[int, int]:
    """Class id by image id, of the ``wanted`` images that the run's model can be asked about.

    ``said``: all that the run said. Images that its model learnt from are left out.
    """
    classes = np.array(run.class_ids, dtype=np.int64)
    judged = ~np.isnan(said.fixed).any(axis=1)
    best = classes[said.fixed[judged].argmax(axis=1)] if judged.any() else classes[:0]
    found = dict(zip(said.image_ids[judged].tolist(), best.tolist(), strict=True))
    late = sorted(set(wanted) - set(said.image_ids.tolist()))
    found = {image_id: found[image_id] for image_id in wanted if image_id in found}
    return found | _by_head(workspace, connection, run, late)


def _by_head(
    workspace: Workspace, connection: Connection, run: runs.Run, image_ids: list[int]
) -> dict[int, int]:
    key = _features_key(run)
    if not image_ids or key is None:
        return {}
    head = kept_tensors(workspace.runs_folder / str(run.id), HEAD_FILE, {"weight": 2, "bias": 1})
    if head is None:
        return {}
    weight, bias = head["weight"], head["bias"]  # (K, D), (K,)
    if not len(weight) == len(bias) == len(run.class_ids):
        return {}
    cache = FeatureCache(workspace.features, key, weight.shape[1])
    digest_of = _digests(connection, image_ids)
    lacking = set(cache.missing(list(digest_of.values())))
    known = [i for i in image_ids if digest_of[i] not in lacking]
    logits = cache.rows([digest_of[i] for i in known]) @ weight.T + bias  # (n, K)
    best = np.array(run.class_ids)[logits.argmax(axis=1)] if known else []
    return dict(zip(known, map(int, best), strict=True))


def _features_key(run: runs.Run) -> str | None:
    """The cache of the features that the run's head takes; None where they are not kept."""
    # A fine-tuned network has features of its own, and a mirrored run averages over two images.
    if not recipe_named(run.recipe).keeps_head or run.settings.get("mirror"):
        return None
    known = EFFICIENTNET_LITE0.key if run.backbone == EFFICIENTNET_LITE0.name else None
    key: str | None = run.settings.get("features", known)
    return key


def _digests(connection: Connection, image_ids: list[int]) -> dict[int, str]:
    table = schema.images.c
    query = select(table.id, table.sha256)
    return {row.id: row.sha256 for row in rows_of(connection, query, table.id, image_ids)}
