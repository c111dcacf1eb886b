"""The most alike of very many features without comparing all with all.

A graph of neighbours (HNSW: Y. Malkov and D. Yashunin, "Efficient and robust approximate nearest
neighbor search using hierarchical navigable small world graphs", 2018) by usearch, with 8 bits a
value. What it misses is measured by `benchmarks/neighbours.py`. It is made in memory for the check
that needs it: a file of it in the project would be read by code that trusts it, and a project may
come from anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.check.neighbours import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from curator.encode.feature_cache import FeatureCache

AT_ONCE = 4096  # rows that are put in, or looked for, at once: 20 MB
LINKS, ADDING, LOOKING = 16, 64, 64  # of a row; rows looked at when one is added, or looked for


def nearest_by_index(
    cache: FeatureCache,
    queries: Sequence[str],
    references: Sequence[str],
    count: int,
    at_least: float,
    progress: Callable[[int], None] = lambda _done: None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of each query most of its ``count`` most similar references, the nearest first.

    Arguments and answer are those of :func:`curator.check.neighbours.nearest`, and an image is no
    neighbour of itself; ``queries`` are among the ``references``. Cosines are of 8 bits a value,
    about 0.01 beside the truth. ``progress`` gets the queries done so far; putting the references
    in counts as none. Both may raise. Memory: about ``dimension`` + 200 bytes a reference.
    """
    from usearch.index import BatchMatches, Index

    index = Index(
        ndim=cache.dimension,
        metric="cos",
        dtype="i8",
        connectivity=LINKS,
        expansion_add=ADDING,
        expansion_search=LOOKING,
        enable_key_lookups=False,
    )
    for start in range(0, len(references), AT_ONCE):
        rows = unit_rows(cache, references[start : start + AT_ONCE])
        index.add(np.arange(start, start + len(rows)), rows)
        progress(0)
    place_of = {digest: place for place, digest in enumerate(references)}
    places = np.full((len(queries), count), -1, dtype=np.int64)
    cosines = np.full((len(queries), count), at_least, dtype=np.float32)
    for start in range(0, len(queries), AT_ONCE):
        some = queries[start : start + AT_ONCE]
        found = index.search(unit_rows(cache, some), count + 1)
        assert isinstance(found, BatchMatches)  # one query would be answered by another type
        near = np.asarray(found.keys, dtype=np.int64)
        there = np.arange(near.shape[1]) < np.asarray(found.counts)[:, None]
        cosine = 1 - np.where(there, found.distances, np.float32(2))
        own = np.array([place_of[digest] for digest in some])
        fit = there & (near != own[:, None]) & (cosine > at_least)
        order = np.argsort(~fit, axis=1, kind="stable")[:, :count]
        kept = np.take_along_axis(fit, order, axis=1)
        rows_here = slice(start, start + len(some))
        places[rows_here] = np.where(kept, np.take_along_axis(near, order, axis=1), -1)
        cosines[rows_here] = np.where(kept, np.take_along_axis(cosine, order, axis=1), at_least)
        progress(start + len(some))
    return places, cosines
