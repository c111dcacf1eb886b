"""Near-duplicates: pairs that may be, and groups of pairs that are.

Two things propose a pair: perceptual hashes that differ in few bits (recompression, another size)
and features that point the same way (crops, mirror images). What they propose is decided by
:mod:`curator.check.duplicates.matching`, so both may be generous.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.check.neighbours import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from curator.encode.feature_cache import FeatureCache

HASH_BITS = 10  # of 64: pairs that differ in more are not looked at
COSINE = 0.8  # of features: pairs that are less similar are not looked at
# Of an image, so many of its most similar are looked at: in a collection of things that are all
# alike, such as scanned digits, most pairs pass COSINE.
NEIGHBOURS = 16
AT_ONCE = 1 << 23  # pairs of hashes compared at once, of 8 bytes: 64 MB, however many images


def close_hashes(
    hashes: NDArray[np.uint64], new: NDArray[np.bool_], bits: int = HASH_BITS
) -> NDArray[np.int64]:
    """Pairs of positions whose hashes differ in at most ``bits`` of 64, at least one side new.

    ``hashes``: (N,); ``new``: (N,) marks those not compared before, so that adding 100 images to
    10,000 costs 100 x 10,000 comparisons. Returns (P, 2), first < second.
    """
    fresh = np.flatnonzero(new)
    size = max(1, AT_ONCE // max(1, len(hashes)))
    found = []
    for start in range(0, len(fresh), size):
        rows = fresh[start : start + size]  # (R,)
        distance = np.bitwise_count(hashes[rows][:, None] ^ hashes[None, :])  # (R, N)
        left, right = np.nonzero(distance <= bits)
        found.append(np.stack([rows[left], right], axis=1))
    return unique(found)


def close_features(
    cache: FeatureCache,
    digests: Sequence[str],
    new: NDArray[np.bool_],
    progress: Callable[[int], None] = lambda _done: None,
) -> NDArray[np.int64]:
    """Pairs of positions whose features have a cosine above :data:`COSINE`, one side new at least.

    Of each new image its :data:`NEIGHBOURS` most similar at most. ``digests`` (N,) have features
    in ``cache``. Returns (P, 2), first < second.
    """
    fresh = np.flatnonzero(new)
    every = np.arange(len(digests))
    places, _ = nearest(
        cache,
        [digests[position] for position in fresh.tolist()],
        digests,
        (fresh, every),
        NEIGHBOURS,
        COSINE,
        progress,
    )
    pairs = np.stack([np.repeat(fresh, NEIGHBOURS), places.ravel()], axis=1)
    return unique([pairs[places.ravel() >= 0]])


def groups(ids: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of ``ids`` (N,) the smallest id of its group, (N,); alone: its own.

    ``pairs`` (P, 2) are positions in ``ids`` that show the same. A group has a centre, the image
    with most links, those linked to it, and those linked to at least two of these. So nobody is
    further than two steps from the centre, and a chain in which each image is like the next, but
    the last unlike the first, does not become one group.
    """
    links: dict[int, set[int]] = defaultdict(set)
    for first, second in pairs.tolist():
        if first != second:
            links[first].add(second)
            links[second].add(first)
    group_of = ids.copy()
    left = set(links)
    for centre in sorted(links, key=lambda position: (-len(links[position]), int(ids[position]))):
        if centre not in left:
            continue
        core = {centre} | links[centre] & left
        around = Counter(other for member in core for other in links[member] & left)
        members = core | {position for position, number in around.items() if number > 1}
        group_of[list(members)] = min(int(ids[position]) for position in members)
        left -= members
    return group_of


def unique(pairs: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Each pair once and none of an image with itself, smaller position first: (P, 2)."""
    every = np.concatenate([np.empty((0, 2), dtype=np.int64), *pairs])
    every = np.sort(every[every[:, 0] != every[:, 1]], axis=1)
    return np.unique(every, axis=0)
