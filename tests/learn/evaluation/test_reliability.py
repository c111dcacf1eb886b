"""Calibration: against numbers worked out by hand, and against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError
from curator.learn.evaluation.reliability import BINS, calibration


def of_confidence(confidence):
    """Two-class probabilities (N, 2) whose likeliest class is 0, with these confidences."""
    first = np.array(confidence, float)
    return np.stack([first, 1 - first], axis=1)


def test_worked_example():
    """Six rows in three of ten bins: the error is the weighted mean of three gaps."""
    probabilities = of_confidence([0.95, 0.95, 0.92, 0.62, 0.68, 0.75])
    labels = np.array([0, 0, 1, 0, 1, 1])
    found = calibration(probabilities, labels, bins=10)
    rows = {row.count: row for row in found.bins if row.count}
    assert sorted(rows) == [1, 2, 3]
    assert (rows[3].low, rows[3].high) == (0.9, 1.0)
    assert rows[3].confidence == pytest.approx(0.94)
    assert rows[3].accuracy == pytest.approx(2 / 3)
    assert rows[2].confidence == pytest.approx(0.65)
    expected = (3 * (0.94 - 2 / 3) + 2 * (0.65 - 0.5) + 1 * 0.75) / 6
    assert found.error == pytest.approx(expected)


def test_the_upper_end_belongs_to_a_bin():
    """A confidence of exactly 0.6 lies in the bin from 0.4 to 0.6; one of 1 in the last."""
    found = calibration(of_confidence([0.6, 1.0]), np.array([0, 0]), bins=5)
    assert [row.count for row in found.bins] == [0, 0, 1, 0, 1]


@given(seed=st.integers(0, 500), rows=st.integers(1, 80), classes=st.integers(2, 5))
def test_it_is_its_definition(seed, rows, classes):
    """The error equals the loop over bins of Guo et al., and bins hold every row once."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(classes), rows)
    labels = random.integers(0, classes, rows)
    found = calibration(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for index in range(BINS):
        inside = (confidence > index / BINS) & (confidence <= (index + 1) / BINS)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert found.error == pytest.approx(expected)
    assert sum(row.count for row in found.bins) == rows
    assert 0 <= found.error <= 1


def test_chance_separates_calibrated_from_overconfident():
    """Honest probabilities stay below what chance allows; sharpened ones are far above it."""
    random = np.random.default_rng(0)
    honest = random.dirichlet([2.0, 1.0, 0.5], 600)
    labels = np.array([random.choice(3, p=row) for row in honest])
    sharp = honest**4 / (honest**4).sum(axis=1, keepdims=True)
    good, bad = calibration(honest, labels), calibration(sharp, labels)
    assert 0 < good.error <= good.by_chance < 0.1
    assert bad.error > 2 * bad.by_chance


def test_nothing_and_what_does_not_fit():
    """No rows give no number; unequal lengths are named."""
    empty = calibration(np.zeros((0, 3)), np.zeros(0, int))
    assert np.isnan([empty.error, empty.by_chance]).all()
    assert empty.bins == []
    with pytest.raises(InputError, match="2 labels, 3 rows"):
        calibration(np.ones((3, 2)) / 2, np.zeros(2, int))
