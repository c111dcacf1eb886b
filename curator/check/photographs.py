"""Which images are drawings, charts or screens among photographs: a hint, never a decision.

A linear head on the default network's features, which are on disk: no picture is looked at for it.
It learnt from pictures that `benchmarks/flags.py` makes and from parts of photographs that were
released for unrestricted use; figures in `docs/experiments.md`. What a collection mostly is, is no
fault of it: where more than half of the images are none, such as scanned digits, nothing is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file

from curator.check.quality import LARGEST_PREVALENCE
from curator.store import flags, images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.encode.feature_cache import FeatureCache
    from curator.store.workspace import Workspace

HEAD = Path(__file__).with_name("no_photograph.safetensors")
_ROWS = 4096  # read at once


def scores(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """How sure it is that pictures are no photographs: (N, D) features in, (N,) log-odds out.

    Over 0 is worth a look.
    """
    head = load_file(HEAD)
    weight, offset = head["weight"].astype(np.float32), head["offset"].astype(np.float32)
    found: NDArray[np.float32] = features @ weight + offset
    return found


def update_no_photographs(workspace: Workspace, cache: FeatureCache) -> None:
    """Keep which live images with features look like no photographs, the surest first."""
    with workspace.database.read() as connection:
        table = images.live(connection)
        before = flags.kept(connection)
    lacking = set(cache.missing(table["sha256"].tolist()))
    table = table[~table["sha256"].isin(lacking)]
    digests, ids = table["sha256"].tolist(), table["image_id"].to_numpy(dtype=np.int64)
    said = np.empty(len(ids), np.float32)
    for start in range(0, len(ids), _ROWS):
        said[start : start + _ROWS] = scores(cache.rows(digests[start : start + _ROWS]))
    found: list[int] = []
    if (said > 0).sum() <= LARGEST_PREVALENCE * len(ids):
        order = np.lexsort((ids, -said))
        found = ids[order][said[order] > 0].tolist()
    if found != before:
        with workspace.database.write() as connection:
            flags.keep(connection, found)
