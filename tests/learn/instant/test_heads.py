"""Folds, heads and what they reach on real images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from curator.encode.extract import extract
from curator.encode.feature_cache import FeatureCache
from curator.encode.preprocess import TINY_DIMENSION
from curator.errors import InputError, NotEnoughData
from curator.learn.evaluation.metrics import error_rate
from curator.learn.folds import assign_folds
from curator.learn.instant.heads import Heads, fit_heads
from curator.learn.instant.lbfgs import minimise


def out_of_fold(features, labels, classes):
    """Out-of-fold probabilities (N, K) by five folds."""
    folds = assign_folds(labels, np.arange(len(labels)))
    masks = folds != np.arange(5)[:, None]
    heads = fit_heads(features, labels, masks, classes)
    probabilities = np.zeros((len(labels), classes))
    for fold in range(5):
        held_out = folds == fold
        probabilities[held_out] = heads.probabilities(features[held_out], fold)
    return probabilities


def blobs(rows=300, dimension=20, classes=3, seed=0):
    """Overlapping clouds: features (N, D) and labels (N,)."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    centres = random.normal(0, 1.5, (classes, dimension))
    features = centres[labels] + random.normal(0, 2, (rows, dimension)) + 5
    return features.astype(np.float32), labels


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=80),
    folds=st.integers(2, 6),
    seed=st.integers(0, 5),
)
def test_groups_never_straddle_folds(rows, folds, seed):
    """Whatever the labels and groups, a group has one fold and equal input gives equal folds."""
    labels = np.array([label for label, _ in rows], int)
    groups = np.array([group for _, group in rows], int)
    found = assign_folds(labels, groups, folds, seed)
    np.testing.assert_array_equal(found, assign_folds(labels, groups, folds, seed))
    assert all(0 <= fold < folds for fold in found)
    for group in set(groups.tolist()):
        assert len(set(found[groups == group].tolist())) == 1


@settings(max_examples=40, deadline=None)
@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=120), folds=st.integers(2, 6))
def test_folds_are_stratified(labels, folds):
    """Without near-duplicates, the folds' counts of a class differ by at most one."""
    values = np.array(labels)
    found = assign_folds(values, np.arange(len(values)), folds)
    for label in set(labels):
        counts = np.bincount(found[values == label], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_folds_stay_when_a_few_images_change():
    """With keys, relabelling or deleting 5 of 2,000 images moves at most a few others."""
    random = np.random.default_rng(0)
    labels, keys = random.integers(0, 4, 2000), random.integers(0, 2**62, 2000)
    before = assign_folds(labels, np.arange(2000), keys=keys)
    changed = labels.copy()
    changed[:5] = (changed[:5] + 1) % 4
    assert (assign_folds(changed, np.arange(2000), keys=keys) != before).sum() <= 40
    after = assign_folds(labels[5:], np.arange(1995), keys=keys[5:])
    assert (after != before[5:]).sum() <= 40
    order = random.permutation(2000)
    shuffled = assign_folds(labels[order], np.arange(2000), keys=keys[order])
    np.testing.assert_array_equal(shuffled, before[order])
    assert (assign_folds(labels, np.arange(2000), seed=1, keys=keys) != before).any()


def test_heads_find_the_optimum():
    """The weights are those of scikit-learn's logistic regression with the same penalty."""
    features, labels = blobs()
    masks = np.ones((2, len(labels)), bool)
    masks[0, ::4] = False
    heads = fit_heads(features, labels, masks, 3, l2=0.1)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    for head, mask in enumerate(masks):
        peer = LogisticRegression(C=1 / (0.1 * mask.sum()), tol=1e-6, max_iter=1000)
        peer.fit(standard[mask], labels[mask])
        expected = peer.predict_proba(standard)
        np.testing.assert_allclose(heads.probabilities(features, head), expected, atol=0.02)


def test_warm_start_is_short_and_ends_at_the_same_place():
    """Starting from the last heads takes fewer steps and gives the same probabilities."""
    features, labels = blobs(dimension=200)
    masks = np.ones((3, len(labels)), bool)
    masks[1, :50] = masks[2, 50:100] = False
    cold, warm = [], []
    first = fit_heads(features, labels, masks, 3, on_step=cold.append)
    labels[:3] = (labels[:3] + 1) % 3
    second = fit_heads(features, labels, masks, 3, warm=first, on_step=warm.append)
    anew = fit_heads(features, labels, masks, 3)
    assert len(warm) < len(cold)
    for head in range(3):
        np.testing.assert_allclose(
            second.probabilities(features, head), anew.probabilities(features, head), atol=0.03
        )
    one = fit_heads(features, labels, masks[:1], 3, warm=second)
    assert one.weights.shape == (1, 3, 200)


def test_history_has_losses_per_head():
    """Training loss falls; a head that holds nothing out has NaN for validation."""
    features, labels = blobs()
    masks = np.ones((2, len(labels)), bool)
    masks[0, ::4] = False
    steps = []
    heads = fit_heads(features, labels, masks, 3, on_step=steps.append)
    assert [step.step for step in steps] == list(range(len(steps)))
    assert steps[0].train_loss == pytest.approx(np.log(3))
    assert (steps[-1].train_loss < steps[0].train_loss).all()
    assert np.isnan(steps[-1].valid_loss).tolist() == [False, True]
    predicted = heads.probabilities(features, 0).argmax(axis=1)
    held_out = ~masks[0]
    expected = (predicted[held_out] != labels[held_out]).mean()
    assert steps[-1].error_rate[0] == pytest.approx(expected)


def test_memory_mapped_pieces_give_the_same(tmp_path, monkeypatch):
    """Fitted piece by piece from a memory map, the heads are the same."""
    features, labels = blobs()
    masks = np.ones((1, len(labels)), bool)
    expected = fit_heads(features, labels, masks, 3).probabilities(features, 0)
    path = tmp_path / "features.bin"
    features.tofile(path)
    mapped = np.memmap(path, np.float32, mode="r", shape=features.shape)
    monkeypatch.setattr("curator.learn.instant.rows.ROWS_AT_A_TIME", 70)
    actual = fit_heads(mapped, labels, masks, 3).probabilities(mapped, 0)
    np.testing.assert_allclose(actual, expected, atol=0.02)


def test_an_unseen_class_and_a_constant_feature_stay_finite():
    """A class without training rows gets a small probability, a constant feature no weight."""
    features, labels = blobs()
    features[:, 3] = 7
    masks = (labels != 2)[None]
    probabilities = fit_heads(features, labels, masks, 3).probabilities(features, 0)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert 0 < probabilities[:, 2].mean() < 0.02


def test_a_column_that_is_all_but_constant():
    """A picture that has something where the others have next to nothing is judged by the rest."""
    features, labels = blobs()
    random = np.random.default_rng(1)
    faint = (1e-5 * random.random((len(labels), 3)) * (labels[:, None] + 1)).astype(np.float32)
    features = np.concatenate([features, faint], axis=1)
    heads = fit_heads(features, labels, np.ones((1, len(labels)), bool), 3)
    fresh = features.copy()
    fresh[:, -3:] = 0.5
    before, after = (heads.probabilities(rows, 0).argmax(axis=1) for rows in (features, fresh))
    assert (before == after).mean() > 0.95


def test_bad_input_is_named():
    """Shapes that do not fit, labels out of range and an empty mask are errors that say so."""
    features, labels = blobs()
    full = np.ones((1, len(labels)), bool)
    with pytest.raises(InputError, match=r"labels \(10,\)"):
        fit_heads(features, labels[:10], full, 3)
    with pytest.raises(InputError, match="0 to 1"):
        fit_heads(features, labels, full, 2)
    with pytest.raises(NotEnoughData):
        fit_heads(features, labels, ~full, 3)
    heads = fit_heads(features, labels, full, 3)
    with pytest.raises(InputError, match=r"\(N, 20\)"):
        heads.logits(features[:, :5], 0)
    assert isinstance(heads, Heads)


def test_lbfgs_solves_quadratics_of_different_size():
    """Problems of different curvature, minimised together, each reach their own minimum."""
    curvature = np.array([[1.0, 50.0], [0.01, 0.02], [300.0, 1.0]], np.float32)
    target = np.array([[1, 2], [3, -4], [0, 0]], np.float32)

    def evaluate(points, heads):
        offset = points - target[heads]
        bent = curvature[heads]
        return (bent * offset**2).sum(axis=1).astype(float) / 2, bent * offset

    found = minimise(evaluate, np.zeros((3, 2), np.float32), 100, 1e-9)
    np.testing.assert_allclose(found, target, atol=0.01)


@pytest.mark.slow
def test_digits_error(digits):
    """Threes, fives and eights: at most 5.5 % out-of-fold error."""
    features, labels = digits
    predicted = out_of_fold(features, labels, 3).argmax(axis=1)
    assert error_rate(labels, predicted).value <= 0.055


@pytest.mark.soak
@pytest.mark.slow
def test_bears_error(bears, encoder, tmp_path):
    """The 480 bears: at most 5 % out-of-fold error."""
    cache = FeatureCache(tmp_path, encoder.backbone.key, 1280)
    tiny = FeatureCache(tmp_path, "tiny", TINY_DIMENSION, "uint8")
    assert extract(bears, cache, tiny, encoder) == []
    labels = np.repeat(np.arange(3), 160)
    predicted = out_of_fold(cache.rows([sha256 for sha256, _ in bears]), labels, 3).argmax(axis=1)
    assert error_rate(labels, predicted).value <= 0.05
