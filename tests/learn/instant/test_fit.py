"""The instant recipe: every image judged by heads that did not see it, wrong labels found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from curator.errors import InputError, NotEnoughData
from curator.learn.evaluation.metrics import log_loss, softmax
from curator.learn.folds import assign_folds
from curator.learn.instant import fit as instant
from curator.learn.instant.heads import fit_heads
from curator.learn.instant.regularisation import CANDIDATES
from curator.learn.instant.settings import FitSettings

QUICK = FitSettings(l2=0.1)


def clouds(rows=240, dimension=30, classes=3, seed=0):
    """Overlapping clouds: features (N, D), labels (N,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    centres = random.normal(0, 1.2, (classes, dimension))
    features = centres[labels] + random.normal(0, 2, (rows, dimension)) + 3
    return features.astype(np.float32), labels


def fitted(features, labels, settings=QUICK, classes=3, **options):
    """Fit with stratified folds; the fixed head learns from four images in five."""
    folds = assign_folds(labels, np.arange(len(labels)), settings.folds)
    fixed = np.arange(len(labels)) % 5 > 0
    return instant.fit(features, labels, folds, fixed, classes, settings, **options)


def mislabelled(share=0.15, **shape):
    """Clouds with some labels moved on by one: features, given labels, which are wrong."""
    features, truth = clouds(**shape)
    wrong = np.random.default_rng(1).random(len(truth)) < share
    return features, np.where(wrong, (truth + 1) % 3, truth), wrong


def average_precision(found, labels, wrong):
    """Of the ranking by out-of-fold self-confidence."""
    order = np.argsort(found.out_of_fold[np.arange(len(labels)), labels], kind="stable")
    hits = wrong[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def test_every_image_is_judged_by_a_head_that_did_not_see_it():
    """Changing one image's label leaves that image's own prediction as it was."""
    features, labels = clouds()
    folds = assign_folds(labels, np.arange(len(labels)))
    settings = FitSettings(l2=0.1, calibrate=False)
    everything = np.ones(len(labels), bool)
    before = instant.fit(features, labels, folds, everything, 3, settings)
    changed = labels.copy()
    changed[7] = (changed[7] + 1) % 3
    after = instant.fit(features, changed, folds, everything, 3, settings)
    same_fold = folds == folds[7]
    np.testing.assert_array_equal(before.out_of_fold[same_fold], after.out_of_fold[same_fold])
    assert (before.out_of_fold[~same_fold] != after.out_of_fold[~same_fold]).any()
    np.testing.assert_allclose(before.out_of_fold.sum(axis=1), 1, atol=1e-5)


def test_the_exported_head_gives_the_calibrated_probabilities():
    """Softmax of raw features times the exported weights is `fixed`, NaN where it learnt."""
    features, labels = clouds()
    found = fitted(features, labels)
    weights, bias = found.exported()
    expected = softmax(features @ weights.T + bias)
    held_out = np.arange(len(labels)) % 5 == 0
    np.testing.assert_allclose(found.fixed[held_out], expected[held_out], atol=1e-4)
    assert np.isnan(found.fixed[~held_out]).all()
    assert found.temperature != 1
    plain = fitted(features, labels, FitSettings(l2=0.1, calibrate=False))
    assert log_loss(found.out_of_fold, labels) <= log_loss(plain.out_of_fold, labels)


def test_regularisation_is_the_best_of_those_tried():
    """The chosen strength has the lowest held-out loss; clean and noisy labels want others."""
    features, labels = clouds(rows=300, dimension=60)
    found = fitted(features, labels, FitSettings())
    tried = [one.l2 for one in found.candidates]
    assert tried == [one for one in CANDIDATES if one in tried]
    place = CANDIDATES.index(found.l2)
    assert set(CANDIDATES[max(0, place - 1) : place + 2]) <= set(tried)  # a valley, not an edge
    best = min(found.candidates, key=lambda one: one.log_loss)
    assert found.l2 == best.l2
    kept = fitted(features, labels, FitSettings(), warm=found.heads, warm_l2=0.03)
    assert kept.l2 == 0.03
    assert kept.candidates == []
    assert fitted(features, labels, FitSettings(l2=0.5)).l2 == 0.5


def test_many_images_are_not_all_held_out_for_the_choice(monkeypatch):
    """With enough images in one fold, that fold alone decides, near the choice of all five."""
    features, labels = clouds(rows=300, dimension=60)
    every = fitted(features, labels, FitSettings())
    monkeypatch.setattr("curator.learn.instant.regularisation.ENOUGH_HELD_OUT", 50)
    one = fitted(features, labels, FitSettings())
    assert 1 / 4 < one.l2 / every.l2 < 4
    assert one.candidates[0].log_loss != every.candidates[0].log_loss


def test_doubt_raises_wrong_labels():
    """On average over data sets, the second fit ranks wrong labels higher, and doubts them."""
    gains, doubted = [], []
    for seed in range(6):
        features, labels, wrong = mislabelled(seed=seed)
        with_doubt = fitted(features, labels)
        without = fitted(features, labels, FitSettings(l2=0.1, doubt=False))
        gains.append(
            average_precision(with_doubt, labels, wrong) - average_precision(without, labels, wrong)
        )
        doubted.append(wrong[with_doubt.doubted].mean())
        assert not without.doubted.any()
    assert np.mean(gains) > 0
    assert np.mean(doubted) > 0.7


def test_a_confirmed_label_is_not_doubted_and_teaches_the_others():
    """Confirming true labels of doubted images stops the doubt; correcting raises the ranking."""
    features, labels, wrong = mislabelled()
    first = fitted(features, labels)
    confirmed = fitted(features, labels, trusted=first.doubted)
    assert not (confirmed.doubted & first.doubted).any()
    order = np.argsort(first.out_of_fold[np.arange(len(labels)), labels])
    reviewed = np.zeros(len(labels), bool)
    reviewed[order[:40]] = True
    truth = np.where(wrong, (labels - 1) % 3, labels)
    corrected = np.where(reviewed, truth, labels)
    after = fitted(features, corrected, trusted=reviewed, warm=first.heads, warm_l2=first.l2)
    left = ~reviewed
    static = np.flatnonzero(left)[np.argsort(first.out_of_fold[left, labels[left]])]
    anew = np.flatnonzero(left)[np.argsort(after.out_of_fold[left, labels[left]])]
    assert wrong[anew[:20]].sum() >= wrong[static[:20]].sum()
    assert (after.out_of_fold.argmax(axis=1) != truth).mean() <= (
        first.out_of_fold.argmax(axis=1) != truth
    ).mean()


def test_starting_from_the_last_round_is_short_and_ends_at_the_same_place():
    """Warm, the fits take fewer steps; steps are numbered through and time does not go back."""
    features, labels, _ = mislabelled(dimension=100)
    cold, warm = [], []
    first = fitted(features, labels, on_step=cold.append)
    labels = labels.copy()
    labels[:3] = (labels[:3] + 1) % 3
    second = fitted(features, labels, warm=first.heads, on_step=warm.append)
    anew = fitted(features, labels)
    assert len(warm) < len(cold)
    assert [step.step for step in warm] == list(range(len(warm)))
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(warm))
    np.testing.assert_allclose(second.out_of_fold, anew.out_of_fold, atol=0.05)


def test_a_feature_of_one_image_does_not_spoil_the_warm_start():
    """Deleting the only image in which a feature is not 0 starts at a small loss."""
    features, labels = clouds()
    features[:, 4] = 0
    features[0, 4] = 1e-3
    last = fitted(features, labels, FitSettings(l2=0.01))
    steps = []
    fitted(features[1:], labels[1:], FitSettings(l2=0.01), warm=last.heads, on_step=steps.append)
    assert steps[0].train_loss.max() < np.log(3)


def test_balance_lets_a_rare_class_count():
    """Weights inverse to frequency find more of a rare class."""
    features, labels = clouds(rows=600)
    keep = (labels > 0) | (np.arange(600) < 45)
    features, labels = features[keep], labels[keep]
    rare = labels == 0
    plain = fitted(features, labels, FitSettings(l2=0.3))
    balanced = fitted(features, labels, FitSettings(l2=0.3, balance=True))
    found = (plain.out_of_fold.argmax(axis=1) == 0)[rare].sum()
    assert (balanced.out_of_fold.argmax(axis=1) == 0)[rare].sum() > found


def test_mirrored_features_are_averaged():
    """Two noisy views of each image give a lower loss than one; equal views change nothing."""
    features, labels = clouds()
    random = np.random.default_rng(5)
    views = [features + random.normal(0, 3, features.shape).astype(np.float32) for _ in range(2)]
    one = fitted(views[0], labels)
    both = fitted(views[0], labels, flipped=views[1])
    assert log_loss(both.out_of_fold, labels) < log_loss(one.out_of_fold, labels)
    same = fitted(views[0], labels, flipped=views[0])
    np.testing.assert_allclose(same.out_of_fold, one.out_of_fold, atol=1e-3)


def test_a_rare_and_an_empty_class_stay_finite():
    """A class of two images and one of none get finite probabilities; neither is doubted away."""
    features, labels = clouds()
    labels = np.where(labels == 2, 0, labels)
    labels[:2] = 3
    found = fitted(features, labels, classes=4)
    assert np.isfinite(found.out_of_fold).all()
    assert found.out_of_fold[:, 2].max() < 0.05
    assert np.isfinite(found.exported()[0]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_features_that_are_no_numbers_are_named(value):
    """NaN, infinite and absurd features are refused with their rows."""
    features, labels = clouds()
    features[[5, 17], 2] = value
    with pytest.raises(InputError, match=r"2 of 240 images .*rows 5, 17"):
        fitted(features, labels)


def test_bad_input_is_named():
    """One label, nothing to learn from, shapes and settings that cannot be are named."""
    features, labels = clouds()
    with pytest.raises(NotEnoughData, match="All 240 images have the same label"):
        fitted(features, labels * 0)
    folds = np.zeros(240, int)
    with pytest.raises(NotEnoughData, match="head of fold 0 has 0 images"):
        instant.fit(features, labels, folds, folds == 0, 3, QUICK)
    with pytest.raises(NotEnoughData, match="head that is exported"):
        instant.fit(features, labels, np.arange(240) % 5, folds == 1, 3, QUICK)
    with pytest.raises(InputError, match="do not fit"):
        instant.fit(features, labels[:10], folds, folds == 0, 3, QUICK)
    with pytest.raises(InputError, match="Labels run from 0 to 2"):
        fitted(features, labels, classes=2)
    with pytest.raises(InputError, match="Mirrored"):
        fitted(features, labels, flipped=features[:5])
    with pytest.raises(InputError, match=r"folds cannot be 1: .* of at least 2"):
        FitSettings(folds=1)
    with pytest.raises(InputError, match="l2 cannot be"):
        FitSettings(l2=0.0)


def test_heads_that_went_wrong_once_are_not_started_from():
    """Heads with NaN weights, or of other shapes, are ignored."""
    features, labels = clouds()
    first = fitted(features, labels)
    first.heads.weights[0, 0, 0] = np.nan
    again = fitted(features, labels, warm=first.heads, warm_l2=first.l2)
    assert np.isfinite(again.out_of_fold).all()
    other = fit_heads(features[:, :9], labels, np.ones((1, 240), bool), 3)
    assert np.isfinite(fitted(features, labels, warm=other).out_of_fold).all()


@pytest.mark.soak
@pytest.mark.slow
def test_wrong_labels_among_real_digits(digits):
    """Of 3, 5 and 8 with 10 % wrong labels, doubt and chosen l2 rank better than the fixed 0.03."""
    features, truth = digits
    random = np.random.default_rng(3)
    wrong = random.random(len(truth)) < 0.1
    labels = np.where(wrong, (truth + random.integers(1, 3, len(truth))) % 3, truth)
    chosen = fitted(features, labels, FitSettings())
    fixed = fitted(features, labels, FitSettings(l2=0.03, doubt=False))
    found = average_precision(chosen, labels, wrong)
    assert found > average_precision(fixed, labels, wrong)
    assert found > 0.9
