"""Small grey pictures of images, made from their thumbnails and kept beside the features.

Only images that may be near-duplicates need one. Memory does not grow with their number: the
pictures are made in pieces and read from the file.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from curator.check.duplicates.matching import SIDE
from curator.collect import pictures
from curator.encode.feature_cache import FeatureCache
from curator.imaging.decoding import Rejected, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

KEY = f"grey-{SIDE}x{SIDE}-v1"
PIECE = 256


def small_picture(thumbnail: bytes) -> NDArray[np.uint8]:
    """A thumbnail squeezed to 64 x 64 grey values: (4096,), 0..255. Raises Rejected."""
    grey = decode(thumbnail).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.uint8).ravel()


def ensure_pictures(
    workspace: Workspace,
    files: Mapping[str, str],
    progress: Callable[[int], None] = lambda _done: None,
) -> FeatureCache:
    """The cache of small pictures, with those of ``files`` (SHA-256 to path below originals/).

    Images whose thumbnail is no picture, or gone with the original, are left out. ``progress`` gets
    the number of pictures made so far and may raise; those made before stay.
    """
    cache = FeatureCache(workspace.features, KEY, SIDE * SIDE, dtype="uint8")
    missing = cache.missing(list(files))
    for start in range(0, len(missing), PIECE):
        piece = missing[start : start + PIECE]
        thumbnails = pictures.thumbnails(workspace, {digest: files[digest] for digest in piece})
        made: dict[str, NDArray[np.uint8]] = {}
        for digest, thumbnail in thumbnails.items():
            with contextlib.suppress(Rejected):
                made[digest] = small_picture(thumbnail)
        if made:
            cache.append(list(made), np.stack(list(made.values())))
        progress(start + len(piece))
    return cache
