"""The index of features: nearly what comparing all with all finds, and duplicates by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.check.duplicates import candidates
from curator.check.neighbour_index import nearest_by_index
from curator.check.neighbours import nearest
from curator.encode.feature_cache import FeatureCache
from curator.hashing import sha256

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGES, DIMENSION, COUNT, AT_LEAST = 3000, 64, 5, 0.8


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    """Keep features of which a third is like another one."""
    random = np.random.default_rng(1)
    rows = random.normal(size=(IMAGES, DIMENSION)).astype(np.float32)
    rows[:1000] = rows[1000:2000] + 0.3 * noise(random, rows[:1000])
    rows[7] = 0
    kept = FeatureCache(tmp_path, "any", DIMENSION)
    kept.append(names(), rows)
    return kept


def noise(random: np.random.Generator, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give noise of the shape of ``rows``."""
    return random.normal(size=rows.shape).astype(np.float32)


def names() -> list[str]:
    """Give the SHA-256 of each image."""
    return [sha256(str(number).encode()) for number in range(IMAGES)]


def test_it_finds_nearly_all(cache: FeatureCache) -> None:
    """Of a thousand new ones, the nearest first; none is its own neighbour, none too far."""
    digests = names()
    apart = np.arange(1000), np.arange(IMAGES)
    expected, truth = nearest(cache, digests[:1000], digests, apart, COUNT, AT_LEAST)
    done: list[int] = []
    places, cosines = nearest_by_index(cache, digests[:1000], digests, COUNT, AT_LEAST, done.append)
    there = expected >= 0
    assert there.sum() > 900
    found = [set(a) & set(b) - {-1} for a, b in zip(places, expected, strict=True)]
    assert sum(map(len, found)) >= 0.98 * there.sum()
    assert (places != np.arange(1000)[:, None]).all()
    assert (cosines[places >= 0] > AT_LEAST).all()
    assert (np.diff(cosines, axis=1) <= 0).all()
    best = places[:, 0] == expected[np.arange(1000), truth.argmax(axis=1)]
    assert np.abs(cosines[:, 0] - truth.max(axis=1))[best].max() < 0.02
    assert done[-1] == 1000


def test_a_few_are_fewer_than_asked_for(cache: FeatureCache) -> None:
    """Of two images each is the other's only candidate, here too far."""
    places, cosines = nearest_by_index(cache, names()[5:7], names()[5:7], COUNT, AT_LEAST)
    assert (places == -1).all()
    assert (cosines == np.float32(AT_LEAST)).all()


def test_many_new_ones_are_compared_by_it(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pairs but for a hundredth, as when all are compared."""
    new = np.arange(IMAGES) < 1500
    expected = {*map(tuple, candidates.close_features(cache, names(), new).tolist())}
    monkeypatch.setattr(candidates, "INDEXED", 10)
    monkeypatch.setattr(candidates, "nearest", None)
    found = {*map(tuple, candidates.close_features(cache, names(), new).tolist())}
    assert len(found & expected) >= 0.98 * len(expected) > 500
    assert len(found) <= 1.05 * len(expected)
