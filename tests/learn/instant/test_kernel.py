"""The second judge: what it weighs, that it saw no image it judges, and when it stands aside."""

from __future__ import annotations

import numpy as np
import pytest

from curator.learn.evaluation.label_quality import self_confidence
from curator.learn.evaluation.metrics import cross_entropy
from curator.learn.folds import assign_folds
from curator.learn.instant import fit as instant
from curator.learn.instant import kernel
from curator.learn.instant.heads import Heads
from curator.learn.instant.kernel import judged_by_both
from curator.learn.instant.settings import FitSettings

COUNT, CLASSES = 360, 3


def rings(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 8) whose class is how far they are from the middle: no line parts them."""
    dice = np.random.default_rng(seed)
    truth = np.arange(COUNT) % CLASSES
    away = dice.normal(size=(COUNT, 8))
    away *= (1 + 2 * truth)[:, None] / np.linalg.norm(away, axis=1, keepdims=True)
    return (away + dice.normal(scale=0.1, size=away.shape)).astype(np.float32), truth


def spoilt(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a tenth is wrong, and which."""
    dice = np.random.default_rng(5)
    wrong = dice.random(COUNT) < 0.1
    return np.where(wrong, (truth + dice.integers(1, CLASSES, COUNT)) % CLASSES, truth), wrong


def heads(features: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> instant.Fitted:
    """Fit the heads alone."""
    everything = np.ones(COUNT, bool)
    return instant.fit(features, labels, folds, everything, CLASSES, FitSettings(l2=0.1))


def both(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The folds, what the heads say, and what both say."""
    folds = assign_folds(labels, np.arange(COUNT))
    fitted = heads(features, labels, folds)
    return (
        folds,
        fitted.out_of_fold,
        judged_by_both(features, labels, folds, fitted.out_of_fold, fitted.heads),
    )


def test_it_finds_what_no_line_parts() -> None:
    """Wrong labels among rings: the heads see few, both see most, as probabilities."""
    features, truth = rings()
    labels, wrong = spoilt(truth)
    _, alone, together = both(features, labels)
    assert together.shape == (COUNT, CLASSES)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)
    first = {
        name: wrong[np.argsort(self_confidence(shares, labels))[: wrong.sum()]].mean()
        for name, shares in (("alone", alone), ("together", together))
    }
    assert first["alone"] < 0.5
    assert first["together"] > 0.6
    assert cross_entropy(together, labels).mean() < cross_entropy(alone, labels).mean()


def test_no_image_is_judged_by_its_own_label() -> None:
    """An image's label changes what is said of others, and of itself by the two weights at most."""
    features, truth = rings()
    folds = assign_folds(truth, np.arange(COUNT))
    fitted = heads(features, truth, folds)
    changed = truth.copy()
    changed[0] = (truth[0] + 1) % CLASSES
    before, after = (
        judged_by_both(features, labels, folds, fitted.out_of_fold, fitted.heads)
        for labels in (truth, changed)
    )
    own = folds == folds[0]
    assert np.abs(after[0] - before[0]).max() < 0.02
    assert np.abs(after[own] - before[own]).max() < np.abs(after[~own] - before[~own]).max()


def test_it_is_the_same_each_time_and_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landmarks and weights repeat; reading rows by the dozen changes nothing that counts."""
    features, truth = rings()
    labels, _ = spoilt(truth)
    monkeypatch.setattr(kernel, "LANDMARKS", 100)
    _, _, whole = both(features, labels)
    _, _, again = both(features, labels)
    assert np.array_equal(whole, again)
    monkeypatch.setattr("curator.learn.instant.rows.ROWS_AT_A_TIME", 17)
    _, _, pieced = both(features, labels)
    np.testing.assert_allclose(pieced, whole, atol=0.01)


@pytest.mark.parametrize("case", ["all alike", "too many"])
def test_where_it_cannot_judge_the_heads_stand(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that are all the same, or more of them than it is meant for."""
    features, truth = rings()
    if case == "all alike":
        features = np.ones_like(features)
    else:
        monkeypatch.setattr(kernel, "MOST", COUNT)
    _, alone, together = both(features, truth)
    assert np.array_equal(alone, together)


def test_few_images_and_an_absent_class() -> None:
    """Six images, twins among them, and a class without any: finite probabilities."""
    features = np.repeat(np.eye(3, 8, dtype=np.float32), 2, axis=0)
    labels = np.array([0, 0, 1, 1, 1, 1])
    folds = np.arange(6) % 2
    given = np.full((6, 3), 1 / 3, np.float32)
    zeros = np.zeros((1, 3, 8), np.float32)
    plain = Heads(zeros, zeros[..., 0], zeros[0, 0], np.ones(8, np.float32))
    said = judged_by_both(features, labels, folds, given, plain)
    assert np.isfinite(said).all()
    assert (said >= 0).all()
