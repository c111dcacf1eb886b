"""Near-duplicates: pairs by perceptual hash, confirmed on small pictures, joined to groups.

The hash proposes, the picture decides: drawings and digits on an empty ground have hashes close
to each other without being the same, and their small pictures tell them apart.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_BITS = 10  # of 64: pairs that differ in more are not looked at
CORRELATION = 0.99  # of 32 x 32 grey pictures: what counts as the same
SMALL = 32
ROWS = 1024  # hashes compared at once: 1024 x N x 8 bytes


def close_pairs(
    hashes: NDArray[np.uint64], new: NDArray[np.bool_], bits: int = HASH_BITS
) -> NDArray[np.int64]:
    """Pairs of positions whose hashes differ in at most ``bits`` of 64, at least one side new.

    ``hashes``: (N,); ``new``: (N,) marks those not compared before, so that adding 100 images to
    10,000 costs 100 x 10,000 comparisons. Returns (P, 2), first < second.
    """
    fresh = np.flatnonzero(new)
    found = []
    for start in range(0, len(fresh), ROWS):
        rows = fresh[start : start + ROWS]  # (R,)
        distance = np.bitwise_count(hashes[rows][:, None] ^ hashes[None, :])  # (R, N)
        left, right = np.nonzero(distance <= bits)
        pairs = np.stack([rows[left], right], axis=1)
        # A pair of two new images is seen from both sides; one with an old image from one.
        keep = (pairs[:, 0] < pairs[:, 1]) | ~new[pairs[:, 1]]
        found.append(np.sort(pairs[keep], axis=1))
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    return np.concatenate(found).astype(np.int64)


def small_picture(webp: bytes) -> NDArray[np.float32]:
    """A thumbnail as 32 x 32 grey values with mean 0 and length 1, (1024,); flat ones are 0."""
    with Image.open(io.BytesIO(webp)) as image:
        grey = image.convert("L").resize((SMALL, SMALL), Image.Resampling.BOX)
    values = np.asarray(grey, dtype=np.float32).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    result: NDArray[np.float32] = values / length if length > 0 else values
    return result


def confirm(
    pairs: NDArray[np.int64], pictures: Mapping[int, NDArray[np.float32]]
) -> NDArray[np.int64]:
    """The pairs (P, 2) whose small pictures correlate by at least :data:`CORRELATION`."""
    same = [float(pictures[a] @ pictures[b]) >= CORRELATION for a, b in pairs.tolist()]
    confirmed: NDArray[np.int64] = pairs[np.array(same, dtype=bool)]
    return confirmed


def groups(ids: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components: for each of ``ids`` (N,) the smallest id of its group, (N,).

    ``pairs`` (P, 2) are positions in ``ids``.
    """
    parent = np.arange(len(ids))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = int(parent[position])
        return position

    for a, b in pairs.tolist():
        first, second = root(a), root(b)
        if first != second:
            low, high = sorted((first, second), key=lambda p: int(ids[p]))
            parent[high] = low
    return ids[np.array([root(position) for position in range(len(ids))], dtype=np.int64)]
