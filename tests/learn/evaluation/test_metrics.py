"""Metrics, scores and baselines against worked examples and other implementations."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, f1_score, precision_recall_fscore_support

from curator.errors import InputError, NotEnoughData
from curator.learn.evaluation import baselines, metrics
from curator.learn.evaluation import label_quality as scores
from curator.learn.evaluation.report import run_figures

MATRIX = np.array([[50, 3, 0], [1, 60, 7], [0, 2, 40]])


def random_case(seed, rows=200, classes=4):
    """Random probabilities (N, K) and labels (N,)."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    return random.dirichlet(np.ones(classes) * 0.4, rows), labels


def test_fastbook_losses():
    """Per-image cross-entropy gives the numbers of fastbook's chapter 5."""
    import torch

    torch.manual_seed(42)
    logits = (torch.randn((6, 2)) * 2).numpy()
    labels = np.array([0, 1, 0, 1, 1, 0])
    losses = metrics.cross_entropy(metrics.softmax(logits), labels)
    expected = [0.5067, 0.6973, 2.0160, 5.6958, 0.9062, 1.0048]
    np.testing.assert_allclose(losses, expected, atol=5e-5)
    assert metrics.log_loss(metrics.softmax(logits), labels) == pytest.approx(1.8045, abs=5e-5)


def test_loss_of_probability_zero_is_finite():
    """A given class of probability 0 has a large, finite loss."""
    losses = metrics.cross_entropy(np.array([[1.0, 0.0]]), np.array([1]))
    assert losses.tolist() == pytest.approx([27.631], abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(trials=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_interval(trials, share):
    """The interval is SciPy's Wilson interval and holds the observed share."""
    hits = round(share * trials)
    low, high = metrics.wilson_interval(hits, trials)
    expected = binomtest(hits, trials).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= hits / trials <= high <= 1


@settings(max_examples=50, deadline=None)
@given(left=st.integers(0, 60), right=st.integers(0, 60))
def test_paired_comparison(left, right):
    """The p-value is that of SciPy's exact binomial test on the images that differ."""
    first = np.array([True] * left + [False] * right + [True, False])
    second = np.array([False] * left + [True] * right + [True, False])
    found = metrics.compare_errors(first, second)
    assert (found.only_first_wrong, found.only_second_wrong) == (left, right)
    assert found.difference == pytest.approx((right - left) / len(first))
    expected = binomtest(left, left + right).pvalue if left + right else 1.0
    assert found.p_value == pytest.approx(expected)


def test_long_comparison_does_not_underflow():
    """Thousands of differing images still give a p-value."""
    first = np.arange(6000) % 2 == 0
    assert metrics.compare_errors(first, ~first).p_value == 1.0


@pytest.mark.parametrize(
    ("table", "expected"),
    [((1, 1, 7, 12), (-0.507, -0.026)), ((14, 5, 0, 22), (0.011, 0.226))],
    ids=["Fagerland 2014", "Altman 2000"],
)
def test_paired_interval_of_published_examples(table, expected):
    """Newcombe's method 10 gives the intervals printed for two medical examples."""
    both, only_first, only_second, _ = table
    low, high = metrics.paired_interval(both, only_first, only_second, sum(table))
    # The books take the first share minus the second.
    assert (-high, -low) == pytest.approx(expected, abs=5e-4)


@given(
    both=st.integers(0, 40),
    left=st.integers(0, 40),
    right=st.integers(0, 40),
    neither=st.integers(1, 40),
)
def test_paired_interval_laws(both, left, right, neither):
    """It holds the difference, stays in -1..1, has a width, and swapping the two mirrors it."""
    rows = both + left + right + neither
    low, high = metrics.paired_interval(both, left, right, rows)
    assert -1 <= low <= (right - left) / rows <= high <= 1
    assert high - low > 0.001
    mirrored = metrics.paired_interval(both, right, left, rows)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


def test_paired_interval_covers_the_truth():
    """Of 2,000 drawn pairs of 100 images, about 95 % have the true difference inside."""
    random = np.random.default_rng(0)
    shares = [0.03, 0.07, 0.02, 0.88]  # both, only first, only second wrong, neither
    inside = 0
    for both, left, right, _ in random.multinomial(100, shares, 2000):
        low, high = metrics.paired_interval(int(both), int(left), int(right), 100)
        inside += low <= shares[2] - shares[1] <= high
    assert 0.93 <= inside / 2000 <= 0.985


@pytest.mark.parametrize("classes", [2, 5])
def test_brier_score(classes):
    """It is scikit-learn's, summed over classes, and its interval is that of a mean."""
    probabilities, labels = random_case(3, classes=classes)
    found = metrics.brier_score(probabilities, labels)
    expected = brier_score_loss(
        labels, probabilities, labels=list(range(classes)), scale_by_half=False
    )
    assert found.value == pytest.approx(expected)
    each = ((probabilities - np.eye(classes)[labels]) ** 2).sum(axis=1)
    spread = 1.96 * each.std(ddof=1) / np.sqrt(len(each))
    assert (found.low, found.high) == pytest.approx(
        (expected - spread, expected + spread), abs=1e-4
    )
    worst = metrics.brier_score(np.array([[1.0, 0.0]] * 3), np.array([1, 1, 1]))
    assert (worst.value, worst.high) == (2, 2)
    assert np.isnan(metrics.brier_score(np.zeros((0, 2)), np.zeros(0, int)).value)


@pytest.mark.slow
def test_macro_f1():
    """It is scikit-learn's, and its bootstrap interval that of drawing the rows themselves."""
    probabilities, labels = random_case(1, 300)
    probabilities[np.arange(300), labels] += 0.5
    predicted = probabilities.argmax(axis=1)
    found = metrics.macro_f1(metrics.confusion_matrix(labels, predicted, 4))
    assert found.value == pytest.approx(f1_score(labels, predicted, average="macro"))
    random = np.random.default_rng(5)
    drawn = [random.integers(0, 300, 300) for _ in range(400)]
    values = [f1_score(labels[rows], predicted[rows], average="macro") for rows in drawn]
    assert (found.low, found.high) == pytest.approx(np.quantile(values, (0.025, 0.975)), abs=0.02)


def test_macro_f1_without_images():
    """Classes that never occur do not count; an empty matrix has no figure."""
    some = metrics.macro_f1(np.array([[4, 0, 0], [0, 5, 0], [0, 0, 0]]))
    assert (some.value, some.low, some.high) == (1, 1, 1)
    none = metrics.macro_f1(np.zeros((2, 2), int))
    assert np.isnan([none.value, none.low, none.high]).all()


def run_case(folds=True):
    """The figures of a made-up run of 200 images, 50 of them held out."""
    probabilities, labels = random_case(7)
    fixed = np.full((200, 4), np.nan, np.float32)
    held_out = np.arange(200) < 50
    fixed[held_out] = random_case(8)[0][:50]
    tiny = np.random.default_rng(0).integers(0, 256, (200, 12)).astype(np.uint8)
    given = probabilities.astype(np.float32) if folds else None
    figures = run_figures(list("abcd"), labels, given, fixed, held_out, tiny, temperature=1.4)
    return figures, labels, given, fixed[:50]


def test_figures_of_a_run_with_folds():
    """Figures are of all images, out-of-fold; the temperature is passed on."""
    figures, labels, said, fixed = run_case()
    assert (figures["judged_on"], figures["temperature"]) == ("out-of-fold", 1.4)
    assert (figures["out_of_fold"]["images"], figures["valid"]["images"]) == (200, 50)
    assert np.sum(figures["confusion"]) == 200
    assert figures["out_of_fold"]["log_loss"] == pytest.approx(metrics.log_loss(said, labels))
    assert figures["valid"]["log_loss"] == pytest.approx(metrics.log_loss(fixed, labels[:50]))
    calibrated = figures["out_of_fold"]
    gaps = [
        row["images"] / 200 * abs(row["accuracy"] - row["confidence"])
        for row in figures["reliability"]
        if row["images"]
    ]
    assert calibrated["calibration_error"] == pytest.approx(sum(gaps), abs=1e-4)
    assert calibrated["calibration_error"] > calibrated["calibration_by_chance"]
    json.dumps(figures, allow_nan=False)


def test_figures_of_a_run_without_folds():
    """Without folds the same keys are there, and classes are judged on the validation images."""
    figures, labels, _, fixed = run_case(folds=False)
    whole = run_case()[0]
    assert figures["judged_on"] == "validation"
    assert figures["out_of_fold"].keys() == whole["out_of_fold"].keys()
    assert figures["out_of_fold"]["images"] == 0
    assert figures["out_of_fold"]["error"] is None
    assert figures["valid"] == whole["valid"]
    assert figures["valid"]["error"] == pytest.approx((fixed.argmax(axis=1) != labels[:50]).mean())
    assert np.sum(figures["confusion"]) == 50
    assert sum(row["support"] for row in figures["per_class"]) == 50
    json.dumps(figures, allow_nan=False)


def test_confusion_and_class_scores():
    """Rows are given labels, and the per-class figures are scikit-learn's."""
    probabilities, labels = random_case(0)
    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(labels, predicted, 4)
    assert matrix[1, 2] == ((labels == 1) & (predicted == 2)).sum()
    expected = np.array(precision_recall_fscore_support(labels, predicted)).T
    actual = [(s.precision, s.recall, s.f1, s.support) for s in metrics.class_scores(matrix)]
    np.testing.assert_allclose(actual, expected)
    unseen = metrics.class_scores(np.zeros((2, 2), int))
    assert np.isnan([unseen[0].precision, unseen[0].recall, unseen[0].f1]).all()


def test_most_confused():
    """Pairs come largest first, the diagonal and small counts left out."""
    found = metrics.most_confused(MATRIX, ["a", "b", "c"], min_count=2)
    assert [(c.given, c.predicted, c.count) for c in found] == [
        ("b", "c", 7),
        ("a", "b", 3),
        ("c", "b", 2),
    ]


def test_metrics_refuse_what_does_not_fit():
    """Unequal lengths, no rows and labels out of range are named."""
    with pytest.raises(InputError, match="2 values and 3 values"):
        metrics.error_rate(np.zeros(2, int), np.zeros(3, int))
    with pytest.raises(NotEnoughData):
        metrics.error_rate(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(InputError, match="0 to 1"):
        metrics.confusion_matrix(np.array([2]), np.array([0]), 2)
    with pytest.raises(InputError, match="2 names"):
        metrics.most_confused(MATRIX, ["a", "b"])


def test_scores_by_hand():
    """Self-confidence, margin, thresholds and flags of four rows, worked out by hand."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.85, 0.15]])
    labels = np.array([0, 0, 1, 1])
    assert scores.self_confidence(probabilities, labels).tolist() == [0.9, 0.8, 0.9, 0.15]
    np.testing.assert_allclose(
        scores.normalized_margin(probabilities, labels), [0.9, 0.8, 0.9, 0.15]
    )
    np.testing.assert_allclose(scores.confident_thresholds(probabilities, labels), [0.85, 0.525])
    assert scores.is_label_issue(probabilities, labels).tolist() == [False, False, False, True]
    assert scores.suggestions(probabilities).tolist() == [[0, 1], [0, 1], [1, 0], [0, 1]]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(1, 6))
def test_scores_stay_in_range(seed, classes):
    """Scores are in 0..1, a margin below 0.5 means another class leads, no flag on a leader."""
    probabilities, labels = random_case(seed, 50, classes)
    confidence = scores.self_confidence(probabilities, labels)
    margin = scores.normalized_margin(probabilities, labels)
    assert ((confidence >= 0) & (confidence <= 1) & (margin >= 0) & (margin <= 1 + 1e-9)).all()
    leads = probabilities.argmax(axis=1) == labels
    assert (leads == (margin >= 0.5)).all()
    assert not (scores.is_label_issue(probabilities, labels) & leads).any()
    if classes > 1:
        assert scores.confident_thresholds(probabilities, labels * 0)[1] == 2


def test_planted_labels_come_first():
    """Labels made wrong on purpose have the lowest scores and most of the flags."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    probabilities = 0.9 * np.eye(3)[truth] + 0.1 * random.dirichlet(np.ones(3), 300)
    labels = truth.copy()
    labels[:15] = (labels[:15] + 1) % 3
    first = np.argsort(scores.self_confidence(probabilities, labels))[:15]
    assert sorted(first.tolist()) == list(range(15))
    assert np.flatnonzero(scores.is_label_issue(probabilities, labels)).tolist() == list(range(15))


def test_baselines():
    """Majority and nearest mean image, on images that a child could sort."""
    labels = np.array([0, 0, 0, 1, 1, 0, 1, 1])
    tiny = np.where(labels[:, None] == 0, 20, 200).astype(np.uint8) * np.ones((1, 12), np.uint8)
    tiny[7] = 30
    train = np.arange(8) < 5
    assert baselines.majority_error(labels, train, ~train) == pytest.approx(2 / 3)
    assert baselines.nearest_mean_error(tiny, labels, train, ~train) == pytest.approx(1 / 3)
    with pytest.raises(NotEnoughData, match="5 and 0"):
        baselines.majority_error(labels, train, train & ~train)
