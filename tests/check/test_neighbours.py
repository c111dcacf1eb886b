"""Nearest neighbours in blocks are those of the whole matrix."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.check import neighbours
from curator.check.neighbours import nearest
from curator.encode.feature_cache import FeatureCache
from curator.errors import JobCancelled

NUMBER, DIMENSION = 60, 16
DIGESTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(NUMBER)]


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Give random features, one of them of length 0."""
    made = np.random.default_rng(0).normal(size=(NUMBER, DIMENSION)).astype(np.float32)
    made[7] = 0
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, rows: np.ndarray) -> FeatureCache:
    """Give the cache that holds them."""
    made = FeatureCache(tmp_path_factory.mktemp("features"), "key", DIMENSION)
    made.append(DIGESTS, rows)
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queries=st.lists(st.integers(0, NUMBER - 1), max_size=20),
    references=st.lists(st.integers(0, NUMBER - 1), unique=True, max_size=50),
    count=st.integers(1, 6),
    at_least=st.sampled_from([-2.0, 0.1, 0.4]),
    block=st.integers(1, 25),
)
def test_blocks_find_what_the_whole_matrix_holds(
    cache: FeatureCache,
    rows: np.ndarray,
    queries: list[int],
    references: list[int],
    count: int,
    at_least: float,
    block: int,
) -> None:
    """For every size of block, number of neighbours and bar: the same cosines, at those places."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    apart = np.arange(NUMBER) // 2  # images 2n and 2n + 1 are no neighbours
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "QUERIES", block)
        patch.setattr(neighbours, "REFERENCES", block)
        places, cosines = nearest(
            cache,
            [DIGESTS[q] for q in queries],
            [DIGESTS[r] for r in references],
            (apart[queries].astype(np.int64), apart[references].astype(np.int64)),
            count,
            at_least,
        )
    for query, own, found in zip(queries, places, cosines, strict=True):
        allowed = [r for r in references if apart[r] != apart[query]]
        expected = sorted((float(unit[query] @ unit[r]) for r in allowed), reverse=True)
        expected = [value for value in expected if value > at_least][:count]
        known = own >= 0
        assert sorted(found[known], reverse=True) == pytest.approx(expected, abs=1e-5)
        at = [float(unit[query] @ unit[references[place]]) for place in own[known]]
        assert at == pytest.approx(found[known].tolist(), abs=1e-5)
        assert (found[~known] == np.float32(at_least)).all()


def test_it_can_be_stopped(cache: FeatureCache) -> None:
    """Progress is told of every block and may end the work."""

    def stop(done: int) -> None:
        assert done == NUMBER
        raise JobCancelled("stopped")

    every = np.arange(NUMBER)
    with pytest.raises(JobCancelled):
        nearest(cache, DIGESTS, DIGESTS, (every, every), 3, progress=stop)
