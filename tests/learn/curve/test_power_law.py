"""Fitting a power law: exact curves come back, and bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from curator.errors import InputError
from curator.learn.curve.power_law import EXPONENTS, fit_power_law

SIZES = np.geomspace(40, 400, 6)
EQUAL = np.ones(6)


@given(
    floor=st.floats(0, 0.2),
    scale=st.floats(0.05, 0.5),
    exponent=st.integers(0, len(EXPONENTS) - 1).map(lambda index: float(EXPONENTS[index])),
)
def test_an_exact_curve_comes_back(floor, scale, exponent):
    """Errors on a curve give its numbers again, and its error at twice the images."""
    start = scale * 40**exponent  # the fall of the curve begins at `scale` above its floor
    found = fit_power_law(SIZES, (floor + start * SIZES**-exponent)[None], EQUAL)
    assert found.exponent[0] == pytest.approx(exponent)
    assert found.floor[0] == pytest.approx(floor, abs=1e-6)
    assert found.scale[0] == pytest.approx(start, rel=1e-4)
    assert found.at(800)[0] == pytest.approx(floor + start * 800**-exponent, abs=1e-6)


def test_noisy_errors_are_fitted_as_well_as_scipy_does():
    """On scattered errors the misses are at most 5 % above those of SciPy's bounded search."""
    random = np.random.default_rng(0)
    errors = 0.05 + 2 * SIZES**-0.7 + random.normal(0, 0.002, (5, 6))
    found = fit_power_law(SIZES, errors, EQUAL)
    misses = errors - np.stack([found.at(size) for size in SIZES], axis=1)
    for row, values in enumerate(errors):
        peer, _ = curve_fit(
            lambda n, a, b, c: a + b * n**-c,
            SIZES,
            values,
            [0.05, 1, 0.5],
            bounds=([0, 0, 0.05], [1, 5000, 2]),
        )
        expected = ((values - peer[0] - peer[1] * SIZES ** -peer[2]) ** 2).sum()
        assert (misses[row] ** 2).sum() <= 1.05 * expected


def test_without_a_floor():
    """A curve without a floor goes through a pure power law, and may be flat."""
    errors = np.stack([0.9 * SIZES**-0.4, np.full(6, 0.3)])
    found = fit_power_law(SIZES, errors, EQUAL, with_floor=False)
    assert found.floor.tolist() == [0, 0]
    assert found.exponent == pytest.approx([0.4, 0])
    assert found.at(800) == pytest.approx([0.9 * 800**-0.4, 0.3])


@pytest.mark.slow
@given(errors=st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_curves_never_rise_nor_go_below_zero(errors):
    """Whatever the errors: no negative floor, and more images never predict a higher error."""
    found = fit_power_law(SIZES, np.array([errors]), EQUAL)
    assert found.floor[0] >= 0
    assert found.scale[0] >= 0
    assert found.at(800)[0] <= found.at(400)[0] <= max(1.0, found.at(40)[0])


def test_too_few_points_are_named():
    """Two points fit every curve: they are refused."""
    with pytest.raises(InputError, match="three sizes"):
        fit_power_law(SIZES[:2], np.zeros((1, 2)), EQUAL[:2])
