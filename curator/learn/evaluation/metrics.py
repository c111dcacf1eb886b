"""How good predictions are: errors with their uncertainty, confusion, losses, comparisons.

Pure functions of arrays: N rows, K classes, labels and predictions in 0..K-1. numpy only. Whether
probabilities mean what they say is left to :mod:`curator.learn.evaluation.reliability`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError, NotEnoughData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_Z_95 = 1.959963984540054  # standard normal quantile of 0.975
_SMALLEST = 1e-12  # a probability of 0 counts as this in a loss: 27.6 instead of infinity
_RESAMPLES = 500  # of a bootstrap: its ends are then good to about a tenth of the interval


@dataclass(frozen=True)
class ErrorRate:
    """A share of wrong predictions with its 95 % interval, all in 0..1."""

    value: float
    low: float
    high: float
    wrong: int
    rows: int


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, in the figure's own range; NaN where nothing is known."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassScores:
    """One class; the three rates are in 0..1, higher is better, NaN where nothing is counted."""

    precision: float
    recall: float
    f1: float
    support: int
    """Rows labelled with the class."""


@dataclass(frozen=True)
class Confused:
    """``count`` images labelled ``given`` were predicted to be ``predicted``."""

    given: str
    predicted: str
    count: int


@dataclass(frozen=True)
class Comparison:
    """Two predictions of the same images."""

    only_first_wrong: int
    only_second_wrong: int
    difference: float
    """Error rate of the second minus that of the first, -1..1: negative, the second is better."""
    low: float
    high: float
    """Ends of the 95 % interval of ``difference``."""
    p_value: float
    """Chance of a split at least this uneven if both were equally good; 1 where none differ."""


def error_rate(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> ErrorRate:
    """Share of rows (N,) where ``predicted`` is not the label, with Wilson's 95 % interval.

    Wilson (1927), score interval: stays in 0..1 and is not empty at 0 errors.
    Raises :class:`NotEnoughData` for no rows, :class:`InputError` for unequal lengths.
    """
    _same_length(labels, predicted)
    rows = len(labels)
    if rows == 0:
        raise NotEnoughData("There is no prediction to judge.", "Label some images first.")
    wrong = int((labels != predicted).sum())
    low, high = wilson_interval(wrong, rows)
    return ErrorRate(wrong / rows, low, high, wrong, rows)


def wilson_interval(hits: int, trials: int, z: float = _Z_95) -> tuple[float, float]:
    """Interval, low and high in 0..1, of a share seen as ``hits`` of ``trials`` (>= 1).

    ``z``: how many deviations it reaches to either side; by default it is one of 95 %.
    """
    share, square = hits / trials, z**2
    centre = share + square / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    total = 1 + square / trials
    low, high = (centre - spread) / total, (centre + spread) / total
    # Exact at the ends, where rounding leaves 1e-18.
    return (0.0 if hits == 0 else low), (1.0 if hits == trials else high)


def confusion_matrix(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Counts (K, K): row = given label, column = prediction.

    Raises :class:`InputError` for unequal lengths or values outside 0..K-1.
    """
    _same_length(labels, predicted)
    for values in (labels, predicted):
        _in_range(values, classes)
    pairs = labels.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def class_scores(matrix: NDArray[np.int64]) -> list[ClassScores]:
    """Precision, recall, F1 and support of each class, from a confusion matrix (K, K)."""
    scores = []
    for index in range(len(matrix)):
        hits = int(matrix[index, index])
        support, said = int(matrix[index].sum()), int(matrix[:, index].sum())
        scores.append(
            ClassScores(
                precision=hits / said if said else math.nan,
                recall=hits / support if support else math.nan,
                f1=2 * hits / (support + said) if support + said else math.nan,
                support=support,
            )
        )
    return scores


def macro_f1(matrix: NDArray[np.int64]) -> Estimate:
    """F1 averaged over the classes, each counting the same, 0..1, higher is better.

    ``matrix`` (K, K) counts, row = given label. Classes that are neither given nor predicted do
    not count. The interval is the percentile bootstrap over the rows (Efron 1979): drawing N rows
    with replacement is drawing the cells of the matrix. NaN for an empty matrix.
    """
    total = int(matrix.sum())
    value = _macro_f1(matrix)
    if not total:
        return Estimate(value, math.nan, math.nan)
    cells = np.flatnonzero(matrix)  # few, even with many classes
    shares = matrix.ravel()[cells] / total
    random = np.random.default_rng(0)  # equal input, equal interval
    drawn = np.zeros(matrix.size, np.int64)
    values = []
    for _ in range(_RESAMPLES):
        drawn[cells] = random.multinomial(total, shares)
        values.append(_macro_f1(drawn.reshape(matrix.shape)))
    low, high = np.quantile(values, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))


def _macro_f1(matrix: NDArray[np.int64]) -> float:
    counted = matrix.sum(axis=0) + matrix.sum(axis=1)  # (K,)
    there = counted > 0
    if not there.any():
        return math.nan
    return float((2 * np.diag(matrix)[there] / counted[there]).mean())


def most_confused(
    matrix: NDArray[np.int64], names: Sequence[str], min_count: int = 1
) -> list[Confused]:
    """The off-diagonal cells of at least ``min_count``, largest first, else in matrix order."""
    if matrix.shape != (len(names), len(names)):
        raise InputError(
            f"A confusion matrix {matrix.shape} and {len(names)} names do not fit.",
            "Pass one name per row.",
        )
    found = [
        Confused(names[row], names[column], int(matrix[row, column]))
        for row, column in np.argwhere(matrix >= max(1, min_count))
        if row != column
    ]
    return sorted(found, key=lambda cell: -cell.count)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities (N, K) of ``logits`` (N, K); rows sum to 1."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return result


def cross_entropy(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Loss of each row (N,): -log of the label's probability, 0 (sure and right) to 27.6.

    ``probabilities`` (N, K). Higher is worse: sorted downwards, these are the top losses.
    """
    _same_length(labels, probabilities)
    _in_range(labels, probabilities.shape[1])
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    result: NDArray[np.float64] = -np.log(np.clip(given, _SMALLEST, 1))
    return result


def log_loss(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean of :func:`cross_entropy`; NaN for no rows."""
    losses = cross_entropy(probabilities, labels)
    return float(losses.mean()) if len(losses) else math.nan


def brier_score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> Estimate:
    """Mean over rows of the squared distance of ``probabilities`` (N, K) to the given class.

    0 (sure and right) to 2 (sure and wrong), summed over all classes as in Brier (1950); with two
    classes it is twice what some call the Brier score. The interval is that of a mean (normal
    approximation), cut to 0..2. NaN for no rows.
    """
    _same_length(labels, probabilities)
    _in_range(labels, probabilities.shape[1])
    if not len(labels):
        return Estimate(math.nan, math.nan, math.nan)
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # sum((p - e)^2) = sum(p^2) - 2 p[label] + 1, without a second matrix.
    each = np.einsum("nk,nk->n", probabilities, probabilities, dtype=np.float64) - 2 * given + 1
    value = float(each.mean())
    spread = _Z_95 * float(each.std(ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else math.inf
    return Estimate(value, max(0.0, value - spread), min(2.0, value + spread))


def compare_errors(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Comparison:
    """Compare two models by which of the same N images each gets wrong: (N,) and (N,).

    Exact McNemar test: a two-sided sign test on the images that exactly one of them gets wrong.
    The interval is :func:`paired_interval`; being another method, it may just miss 0 where the
    test, which errs on the careful side, does not reject: the verdict is the test's.
    Raises :class:`InputError` for unequal lengths, :class:`NotEnoughData` for no rows.
    """
    _same_length(first, second)
    if len(first) == 0:
        raise NotEnoughData("There is no image to compare on.", "Keep some images for validation.")
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    low, high = paired_interval(int((first & second).sum()), only_first, only_second, len(first))
    return Comparison(
        only_first,
        only_second,
        (only_second - only_first) / len(first),
        low,
        high,
        _sign_test(only_first, only_second),
    )


def paired_interval(
    both_wrong: int, only_first: int, only_second: int, rows: int
) -> tuple[float, float]:
    """95 % interval, -1..1, of the second error rate minus the first on the same ``rows`` (>= 1).

    Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10 ("square and add"): Wilson's
    intervals of both rates, joined by their correlation; not empty where no row differs.
    """
    first, second = (both_wrong + only_first) / rows, (both_wrong + only_second) / rows
    first_low, first_high = wilson_interval(both_wrong + only_first, rows)
    second_low, second_high = wilson_interval(both_wrong + only_second, rows)
    correlation = _correlation(both_wrong, only_first, only_second, rows)

    def joined(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    difference = second - first
    return (
        max(-1.0, difference - joined(second - second_low, first_high - first)),
        min(1.0, difference + joined(second_high - second, first - first_low)),
    )


def _correlation(both: int, only_first: int, only_second: int, rows: int) -> float:
    """Phi of the two-by-two table, corrected for continuity as method 10 asks, -1..1."""
    neither = rows - both - only_first - only_second
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    if not margins:
        return 0.0
    product = both * neither - only_first * only_second
    corrected = max(product - rows / 2, 0.0) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def _sign_test(left: int, right: int) -> float:
    """Two-sided: chance that a fair coin thrown left + right times splits at least so unevenly."""
    throws = left + right
    # Integers until the division: floats would underflow beyond about 1,000 throws.
    term = tail = 1
    for count in range(1, min(left, right) + 1):
        term = term * (throws - count + 1) // count
        tail += term
    return min(1.0, (2 * tail) / (1 << throws)) if throws else 1.0


def _same_length(left: NDArray[np.generic], right: NDArray[np.generic]) -> None:
    if len(left) != len(right):
        raise InputError(
            f"{len(left)} values and {len(right)} values do not belong to the same images.",
            "Pass one of each per image.",
        )


def _in_range(values: NDArray[np.integer], classes: int) -> None:
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < classes:
        raise InputError(
            f"Labels run from {values.min()} to {values.max()}, but there are {classes} classes.",
            f"Use labels 0 to {classes - 1}.",
        )
