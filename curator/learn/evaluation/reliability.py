"""Whether probabilities mean what they say: of the images given 80 %, 80 % should be right.

Pure functions of arrays: N rows, K classes. Only the likeliest class's probability (the confidence)
is looked at. Changing the probabilities, as a temperature does, is left to others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
_DRAWS = 1000  # of the error by chance: its 95 % quantile is then good to a few percent


@dataclass(frozen=True)
class Bin:
    """The rows whose confidence lies in ``low`` (not included, but for 0) to ``high``, all 0..1.

    ``confidence`` is their mean and ``accuracy`` their share of right predictions; both NaN where
    ``count`` is 0.
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How far confidence and accuracy lie apart."""

    error: float
    """Expected calibration error, 0..1, lower is better; NaN for no rows."""
    by_chance: float
    """What perfectly calibrated probabilities stay below in 95 of 100 data sets of this size; an
    ``error`` up to here shows no miscalibration."""
    bins: list[Bin]


def calibration(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS
) -> Calibration:
    """Expected calibration error of ``probabilities`` (N, K) for ``labels`` (N,), and its table.

    Guo et al. (2017), On Calibration of Modern Neural Networks: rows go into ``bins`` bins of equal
    width by their confidence; the error is the mean of |accuracy - confidence| over bins, weighted
    by their rows. It is above 0 even for perfect probabilities, the more so the fewer the rows, so
    ``by_chance`` comes with it: outcomes are drawn from the confidences themselves (consistency
    resampling, Bröcker and Smith 2007).

    Raises :class:`InputError` for unequal lengths or fewer than one bin.
    """
    if bins < 1 or len(labels) != len(probabilities):
        raise InputError(
            f"{len(labels)} labels, {len(probabilities)} rows of probabilities and {bins} bins.",
            "Pass one label per row, and at least one bin.",
        )
    rows = len(labels)
    if not rows:
        return Calibration(math.nan, math.nan, [])
    confidence = probabilities.max(axis=1).astype(np.float64)  # (N,)
    right = probabilities.argmax(axis=1) == labels
    # The upper end belongs to a bin, as in the paper.
    number = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)  # (N,)
    count = np.bincount(number, minlength=bins)
    expected = np.bincount(number, confidence, minlength=bins)
    hits = np.bincount(number, right, minlength=bins)
    table = [
        Bin(
            index / bins,
            (index + 1) / bins,
            expected[index] / count[index] if count[index] else math.nan,
            hits[index] / count[index] if count[index] else math.nan,
            int(count[index]),
        )
        for index in range(bins)
    ]
    # One probability for a whole bin: its rows differ by less than its width, which adds next to
    # nothing to the variance, and the time no longer grows with N.
    share = np.clip(expected / np.maximum(count, 1), 0, 1)
    drawn = np.random.default_rng(0).binomial(count, share, (_DRAWS, bins))  # equal at every call
    chance = np.abs(drawn - expected).sum(axis=1)
    return Calibration(
        float(np.abs(hits - expected).sum()) / rows,
        float(np.quantile(chance, 0.95)) / rows,
        table,
    )
