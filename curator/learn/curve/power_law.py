"""A power law through a learning curve: error = a + b * n ** -c, and what twice as many would give.

The form is the usual one for classifiers of one kind on growing samples of one source (Hestness et
al. 2017; Viering and Loog 2021 for when it fails). Pure functions of arrays; what is measured where
is left to :mod:`curator.learn.curve.measure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPONENTS = np.linspace(0.05, 2.0, 79)  # (C,), tried one by one: no start, no divergence


@dataclass(frozen=True)
class PowerLaw:
    """R fitted curves; every array is (R,)."""

    floor: NDArray[np.float64]
    """a, 0..1: the error that no number of images would go below."""
    scale: NDArray[np.float64]
    """b, at least 0."""
    exponent: NDArray[np.float64]
    """c, 0..2."""

    def at(self, images: float) -> NDArray[np.float64]:
        """The curves' errors (R,) at that many images."""
        result: NDArray[np.float64] = self.floor + self.scale * images**-self.exponent
        return result


def fit_power_law(
    images: NDArray[np.floating],
    errors: NDArray[np.floating],
    weights: NDArray[np.floating],
    with_floor: bool = True,
) -> PowerLaw:
    """Weighted least squares with a, b >= 0, one curve for each row of ``errors``.

    ``images`` (P,), above 0; ``errors`` (R, P), 0..1; ``weights`` (P,), above 0. For each exponent
    of a grid the best a and b are known in closed form; the exponent of least squares is taken.
    Without a floor a is 0, and the exponent may be 0: a flat curve.
    Raises :class:`InputError` for fewer than three points or shapes that do not fit.
    """
    if len(images) < 3 or errors.ndim != 2 or errors.shape[1] != len(images):
        raise InputError(
            f"A power law takes errors at three sizes or more, not {errors.shape} at"
            f" {len(images)}.",
            "Ask for more points.",
        )
    weight = np.asarray(weights, np.float64) / np.sum(weights)  # (P,)
    # Sizes relative to the largest: powers of them stay near 1 whatever the exponent.
    exponents = EXPONENTS if with_floor else np.concatenate([[0.0], EXPONENTS])
    powers = (images / images.max())[None] ** -exponents[:, None]  # (C, P)
    slope = (errors * weight) @ powers.T / ((powers**2) @ weight)  # (R, C), through a = 0
    floor = np.zeros_like(slope)
    if with_floor:
        mean_power = powers @ weight  # (C,)
        mean_error = (errors @ weight)[:, None]  # (R, 1)
        around = powers - mean_power[:, None]
        free = (errors * weight) @ around.T / ((around**2) @ weight)
        # Where a bound is broken it becomes the value, and the other number follows from it.
        floor = mean_error - np.maximum(free, 0) * mean_power
        slope = np.where(floor < 0, slope, np.maximum(free, 0))
        floor = np.maximum(floor, 0)
    misses = errors[:, None, :] - floor[:, :, None] - slope[:, :, None] * powers  # (R, C, P)
    best = ((misses**2) @ weight).argmin(axis=1)  # (R,)
    rows = np.arange(len(errors))
    exponent = exponents[best]
    return PowerLaw(floor[rows, best], slope[rows, best] * images.max() ** exponent, exponent)
