"""Which images of a project show the same: comparing new ones with all, and the groups that follow.

An image is compared once. Of what was found before only the groups that new images touch are
looked at again, so the groups are those that all the images would have got at once.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.check.duplicates import candidates, matching
from curator.check.duplicates.thumbnails import ensure_pictures

if TYPE_CHECKING:
    import pandas as pd

    from curator.encode.feature_cache import FeatureCache
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

PAIRS = 4096  # decided at once: at most 8,192 pictures, some 200 MB for a moment


def grouped(
    workspace: Workspace,
    table: pd.DataFrame,
    new: NDArray[np.bool_],
    cache: FeatureCache,
    featured: NDArray[np.bool_],
    progress: Progress,
) -> NDArray[np.int64]:
    """The group of each image of ``table`` (N,): the smallest id of the images that show the same.

    ``table`` has id, sha256, file, phash, group_id (missing where ``new``); ``new`` (N,) are to be
    compared with all; ``featured`` (N,) have features in ``cache``. Raises JobCancelled; then
    nothing was stored but pictures.
    """
    ids = table["id"].to_numpy(dtype=np.int64)
    before = table["group_id"].where(~new, table["id"]).to_numpy(dtype=np.int64)
    hashes = np.array([int(text, 16) for text in table["phash"]], dtype=np.uint64)
    proposed = [candidates.close_hashes(hashes, new)]
    if featured.any():
        progress.begin("comparing features", int((new & featured).sum()))
        places = np.flatnonzero(featured)
        digests = table["sha256"].to_numpy()[places].tolist()
        pairs = candidates.close_features(cache, digests, new[places], progress.reach)
        proposed.append(places[pairs])
    links = _confirmed(workspace, table, candidates.unique(proposed), progress)
    touched = _touched(before, links)
    links = np.concatenate([links, _confirmed(workspace, table, touched, progress)])
    mixed = np.isin(before, before[links.ravel()])
    after = candidates.groups(ids, links)
    return np.where(mixed, after, before)


def _touched(before: NDArray[np.int64], links: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (P, 2) of positions that share an older group, of those groups that ``links`` reach."""
    members = defaultdict(list)
    for position in np.flatnonzero(np.isin(before, before[links.ravel()])).tolist():
        members[int(before[position])].append(position)
    pairs = [pair for own in members.values() for pair in itertools.combinations(own, 2)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _confirmed(
    workspace: Workspace, table: pd.DataFrame, pairs: NDArray[np.int64], progress: Progress
) -> NDArray[np.int64]:
    """Those of ``pairs`` (P, 2), positions in ``table``, that show the same."""
    positions = np.unique(pairs).tolist()
    digests = table["sha256"].tolist()
    files = table["file"].tolist()
    progress.begin("making small pictures", len(positions))
    pictures = ensure_pictures(
        workspace,
        {digests[position]: files[position] for position in positions},
        progress.reach,
    )
    gone = set(pictures.missing([digests[position] for position in positions]))
    there = np.array([digest not in gone for digest in digests], dtype=bool)
    pairs = pairs[there[pairs].all(axis=1)]
    progress.begin("comparing pictures", len(pairs))
    kept = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(pairs), PAIRS):
        some = pairs[start : start + PAIRS]
        used, inner = np.unique(some, return_inverse=True)
        rows = pictures.rows([digests[position] for position in used])
        rows = rows.reshape(-1, matching.SIDE, matching.SIDE)
        kept.append(some[matching.same(rows, inner.reshape(-1, 2))])
        progress.reach(start + len(some))
    return np.concatenate(kept)
