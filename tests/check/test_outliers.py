"""Outliers: the score's formula, and that strangers come first."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.check import outliers as module
from curator.check.outliers import outlier_scores, outliers
from curator.encode.feature_cache import FeatureCache
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import open_queue

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project
    from curator.sample.digits import Item

DIMENSION = 8


def digest(number: int) -> str:
    """Give a SHA-256 that stands for an image."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def scores(folder: Path, rows: np.ndarray, labels: list[int], groups: list[int]) -> np.ndarray:
    """Score features that lie in a cache of their own."""
    cache = FeatureCache(folder, "key", rows.shape[1])
    digests = [digest(number) for number in range(len(rows))]
    cache.append(digests, rows.astype(np.float32))
    return outlier_scores(cache, digests, np.array(labels), np.array(groups))


def test_the_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """exp(-d / median d), d the mean cosine distance to the nearest of its own label."""
    monkeypatch.setattr(module, "NEIGHBOURS", 3)
    rows = np.random.default_rng(0).normal(size=(30, DIMENSION))
    labels = [0] * 20 + [1] * 10
    found = scores(tmp_path, rows, labels, list(range(30)))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for label in (0, 1):
        own = np.flatnonzero(np.array(labels) == label)
        distance = 1 - unit[own] @ unit[own].T
        np.fill_diagonal(distance, np.inf)
        mean = np.sort(distance, axis=1)[:, :3].mean(axis=1)
        assert found[own] == pytest.approx(np.exp(-mean / np.median(mean)), abs=1e-5)
    assert ((found > 0) & (found <= 1)).all()


def test_a_stranger_with_copies_is_still_a_stranger(tmp_path: Path) -> None:
    """Near-duplicates do not count as neighbours, so copies do not make each other usual."""
    random = np.random.default_rng(1)
    usual = random.normal(size=(40, DIMENSION)) * 0.3 + 1
    stranger = np.repeat(-np.eye(DIMENSION)[:1], 12, axis=0)
    rows = np.concatenate([usual, stranger])
    together = list(range(40)) + [100] * 12
    apart = list(range(52))
    assert scores(tmp_path / "a", rows, [0] * 52, together)[40:].max() < 0.1
    assert scores(tmp_path / "b", rows, [0] * 52, apart)[40:].min() > 0.9


def test_small_and_uniform_labels(tmp_path: Path) -> None:
    """Few images have no score; where all are alike, or copies of one, nobody is an outlier."""
    rows = np.ones((20, DIMENSION))
    labels = [0] * 4 + [1] * 8 + [2] * 8
    found = scores(tmp_path, rows, labels, list(range(12)) + [50] * 8)
    assert np.isnan(found[:4]).all()
    assert (found[4:] > 0.3).all()


def test_many_images_are_compared_with_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a part of the label as references the stranger is still the worst."""
    monkeypatch.setattr(module, "REFERENCES", 30)
    rows = np.random.default_rng(2).normal(size=(300, DIMENSION)) * 0.3 + 1
    rows[123] = -1
    found = scores(tmp_path, rows, [0] * 300, list(range(300)))
    assert found.argmin() == 123


@pytest.mark.slow
def test_the_sample_s_strangers_come_first(
    sample_copy: Project, sample_items: dict[str, Item]
) -> None:
    """The six charts among the digits are the worst, and are reported; what is kept leaves."""
    answer = sample_copy.check()
    queue = open_queue(sample_copy, "outliers").table()
    faults = [sample_items["/" + source.split("/", 3)[3]] for source in queue["source"]]
    charts = [item.path for item in faults[:7] if item.fault == "no class"]
    assert len(charts) == 6
    assert sum(item.is_bad for item in faults[:30]) >= 15
    assert queue["outlier_score"].is_monotonic_increasing
    problem = next(p for p in answer.problems if p.code == "outliers")
    assert problem.queue == "outliers"
    with sample_copy.database.read() as connection:
        flagged = outliers(connection)
    assert problem.count == len(flagged)
    assert flagged == queue["image_id"].tolist()[: len(flagged)]
    sample_copy.decide(flagged[:1], "keep")
    sample_copy.decide(flagged[1:2], "delete")
    with sample_copy.database.read() as connection:
        assert outliers(connection) == flagged[2:]
    assert open_queue(sample_copy, "outliers").table()["image_id"].tolist()[:1] == flagged[2:3]


@pytest.mark.slow
def test_a_relabelled_image_is_scored_among_its_own(sample_copy: Project) -> None:
    """The score is that of the present label, from the next check on."""
    sample_copy.check()
    usual = int(
        open_queue(sample_copy, "outliers", Filters(label="three")).table()["image_id"].iloc[-1]
    )
    before = open_queue(sample_copy, "all").table().set_index("image_id")["outlier_score"][usual]
    sample_copy.decide([usual], "relabel", "eight")
    sample_copy.check()
    after = open_queue(sample_copy, "all").table().set_index("image_id")["outlier_score"][usual]
    assert after < before
