"""The one temperature that calibrates all probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from curator.errors import InputError, NotEnoughData
from curator.learn.evaluation.calibration import (
    COLDEST,
    HOTTEST,
    calibrated_apart,
    fit_temperature,
)
from curator.learn.evaluation.metrics import log_loss, softmax


def drawn(rows, classes, seed, heat):
    """Logits (N, K), and labels drawn from their softmax at the temperature ``heat``."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (rows, classes))
    chances = softmax(logits / heat)
    labels = np.array([random.choice(classes, p=row) for row in chances])
    return logits, labels


@pytest.mark.parametrize("heat", [0.5, 1.0, 3.0])
def test_the_true_temperature_is_found(heat):
    """Labels drawn at a temperature lead back to it."""
    logits, labels = drawn(4000, 4, 0, heat)
    assert fit_temperature(logits, labels) == pytest.approx(heat, rel=0.08)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 5), heat=st.floats(0.3, 4))
def test_no_temperature_is_better(seed, classes, heat):
    """The log-loss is that of scipy's scalar minimiser, and the order of classes stays."""
    logits, labels = drawn(60, classes, seed, heat)
    found = fit_temperature(logits, labels)
    best = minimize_scalar(
        lambda value: log_loss(softmax(logits / np.exp(value)), labels),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    assert log_loss(softmax(logits / found), labels) <= best.fun + 1e-6
    order = softmax(logits / found).argmax(axis=1)
    np.testing.assert_array_equal(order, logits.argmax(axis=1))


def test_the_bounds_hold():
    """Where all is right it is cold, where all is wrong the hottest; neither leaves its bounds."""
    logits = 5 * np.eye(3)
    assert COLDEST <= fit_temperature(logits, np.arange(3)) < 0.2
    assert fit_temperature(logits, np.array([1, 2, 0])) == pytest.approx(HOTTEST, rel=0.01)


def test_what_cannot_be_calibrated_is_named():
    """No rows, shapes that do not fit and NaN are errors that say so."""
    with pytest.raises(NotEnoughData):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        fit_temperature(np.zeros((2, 3)), np.zeros(3, int))
    with pytest.raises(InputError, match="NaN"):
        fit_temperature(np.array([[0.0, np.nan]]), np.array([0]))


def test_no_row_is_judged_by_its_own_label():
    """Other labels in a part change the other parts' probabilities alone; the order stays."""
    logits, labels = drawn(300, 3, 1, 2.0)
    parts = np.arange(300) % 3
    found = calibrated_apart(logits, labels, parts)
    altered = np.where(parts == 0, (labels + 1) % 3, labels)
    others = calibrated_apart(logits, altered, parts)
    np.testing.assert_array_equal(found[parts == 0], others[parts == 0])
    assert np.abs(found - others)[parts != 0].max() > 0.01
    np.testing.assert_array_equal(found.argmax(axis=1), logits.argmax(axis=1))
    alone = calibrated_apart(logits, labels, np.zeros(300, int))
    np.testing.assert_allclose(alone, softmax(logits), atol=1e-6)
