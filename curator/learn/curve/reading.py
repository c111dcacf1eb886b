"""Reading a learning curve: intervals, what twice as many images would bring, and a sentence.

Pure functions of what was measured: which images are misjudged after learning from how many.
Measuring is left to :mod:`curator.learn.curve.measure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.learn.curve.power_law import PowerLaw, fit_power_law

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_IMAGES, FEWEST_OF_A_CLASS = 60, 10  # below, the error itself is unknown by 10 points
HARDLY = 0.1  # of the error: a smaller gain is none to collect images for
ABOVE_NOTHING = 0.02  # of the error: the least that a gain called likely must bring at worst
_RESAMPLES = 400


@dataclass(frozen=True)
class Point:
    """The error, 0..1, of heads that learnt from that many images, with its 95 % interval."""

    images: int
    error: float
    low: float
    high: float
    repeats: int


@dataclass(frozen=True)
class Gain:
    """How much lower the error would be with twice the images, in points of a hundred.

    ``low`` to ``high`` is a likely range, not a 95 % interval, as nobody knows the true form of the
    curve. Tried on parts of the bears and of two sets of digits, it held the gain that all images
    then showed in 25 of 30 cases; in the others the gain was larger.
    """

    points: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassGain:
    """What twice the images would bring for those of one class; all classes grow alike."""

    label: int
    """0..K-1."""
    images: int
    error: float
    """0..1, of the images of the class."""
    gain: Gain
    helps: bool
    """As the verdict "helps" of the whole curve, by the same bounds."""

    @property
    def spared(self) -> float:
        """How many of the class's images would no longer be misjudged."""
        return self.gain.points / 100 * self.images


@dataclass(frozen=True)
class Curve:
    """What was measured, what was fitted, and what follows."""

    points: list[Point]
    fitted: dict[str, float]
    """``a``, ``b`` and ``c`` of error = a + b * images ** -c, 0 or more."""
    gain: Gain
    verdict: str
    """"helps", "flat", "unclear", "too few" or "no errors"."""
    sentence: str
    classes: list[ClassGain]
    """By class, those with ``FEWEST_OF_A_CLASS`` images or more that have errors."""


def conclude(
    sizes: NDArray[np.float64],
    wrong: NDArray[np.float64],
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    repeats: int,
    seed: int = 0,
) -> Curve:
    """What ``wrong`` (P, N), the share 0..1 of misjudgements at ``sizes`` (P,), comes to.

    Intervals of errors: percentile bootstrap over groups of near-duplicates.
    """
    error = wrong.mean(axis=1)  # (P,)
    drawn = _resampled(wrong, groups, seed)  # (R, P)
    # Small errors are known more precisely; a bound keeps an error of 0 from ruling alone.
    weights = 1 / np.maximum(error * (1 - error), 1 / wrong.shape[1])
    fitted = fit_power_law(sizes, error[None], weights)
    gain = _gain(sizes, error, drawn, weights, fitted)
    ends = np.quantile(drawn, (0.025, 0.975), axis=0)  # (2, P)
    points = [
        Point(
            round(float(sizes[i])), float(error[i]), float(ends[0, i]), float(ends[1, i]), repeats
        )
        for i in range(len(sizes))
    ]
    verdict = _verdict(points[-1], gain, labels)
    return Curve(
        points,
        {
            "a": float(fitted.floor[0]),
            "b": float(fitted.scale[0]),
            "c": float(fitted.exponent[0]),
        },
        gain,
        verdict,
        _sentence(verdict, points[-1], gain),
        [] if verdict == "too few" else _by_class(sizes, wrong, labels, groups, seed),
    )


def _by_class(
    sizes: NDArray[np.float64],
    wrong: NDArray[np.float64],
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    seed: int,
) -> list[ClassGain]:
    found = []
    for label in np.unique(labels):
        own = labels == label
        error = wrong[:, own].mean(axis=1)  # (P,)
        if own.sum() < FEWEST_OF_A_CLASS or not error[-1]:
            continue
        weights = 1 / np.maximum(error * (1 - error), 1 / own.sum())
        drawn = _resampled(wrong[:, own], groups[own], seed)
        fitted = fit_power_law(sizes, error[None], weights)
        gain = _gain(sizes, error, drawn, weights, fitted)
        last = float(error[-1])
        found.append(ClassGain(int(label), int(own.sum()), last, gain, _helps(last, gain)))
    return found


def _helps(error: float, gain: Gain) -> bool:
    return gain.points >= 100 * HARDLY * error and gain.low >= 100 * ABOVE_NOTHING * error


def _resampled(
    wrong: NDArray[np.float64], groups: NDArray[np.integer], seed: int
) -> NDArray[np.float64]:
    """Errors (R, P) of images drawn with replacement, near-duplicates together."""
    _, number_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    totals = np.zeros((len(sizes), len(wrong)))
    np.add.at(totals, number_of, wrong.T)  # (G, P)
    random = np.random.default_rng(seed)
    result = np.empty((_RESAMPLES, len(wrong)))
    for row in result:
        times = np.bincount(random.integers(0, len(sizes), len(sizes)), minlength=len(sizes))
        row[:] = times @ totals / (times @ sizes)
    return result


def _gain(
    sizes: NDArray[np.float64],
    error: NDArray[np.float64],
    drawn: NDArray[np.float64],
    weights: NDArray[np.float64],
    fitted: PowerLaw,
) -> Gain:
    """What twice as many bring: the mean of curves with and without a floor, and a likely range.

    A floor is hard to see, so a curve with one foretells too little as often as a curve without
    one foretells too much. The range is that of both over resampled errors, which are also moved by
    the misses of the fit: the luck of which images were learnt from. It reaches up to what the last
    doubling brought, since curves fall ever more slowly.
    """
    misses = error - np.array([fitted.at(size)[0] for size in sizes])
    luck = np.sqrt((misses**2).sum() / max(1, len(sizes) - 2))
    moved = np.clip(drawn + np.random.default_rng(0).normal(0, luck, drawn.shape), 0, 1)
    last = sizes[-1]

    def of(errors: NDArray[np.float64]) -> NDArray[np.float64]:
        curves = [fit_power_law(sizes, errors, weights, floor) for floor in (True, False)]
        return np.stack([curve.at(last) - curve.at(2 * last) for curve in curves])

    best = float(of(error[None]).mean())
    low, high = np.quantile(of(moved), (0.025, 0.975))
    half = np.interp(np.log(last / 2), np.log(sizes), error)
    high = max(float(high), float(half - error[-1]), best)
    return Gain(100 * best, 100 * min(float(low), best), 100 * high)


def _verdict(last: Point, gain: Gain, labels: NDArray[np.integer]) -> str:
    counts = np.bincount(labels)
    if len(labels) < FEWEST_IMAGES or counts[counts > 0].min() < FEWEST_OF_A_CLASS:
        return "too few"
    if not last.error:
        return "no errors"
    if gain.high < 100 * HARDLY * last.error:
        return "flat"
    return "helps" if _helps(last.error, gain) else "unclear"


def _sentence(verdict: str, last: Point, gain: Gain) -> str:
    start = f"Error {last.error:.1%} when learning from {last.images} images"
    probably = f"{gain.points:.1f} points (likely {gain.low:.1f} to {gain.high:.1f})"
    if verdict == "too few":
        return (
            f"{start}: too few images to tell whether more would help. Below {FEWEST_IMAGES} in "
            f"all or {FEWEST_OF_A_CLASS} of a class, more images are worth having in any case."
        )
    if verdict == "no errors":
        return f"No image was misjudged when learning from {last.images}: more of them cannot show."
    if verdict == "flat":
        return (
            f"{start}, and the curve is flat: twice as many of the same kind would bring about "
            f"{probably}. Clean the labels or choose harder images instead."
        )
    if verdict == "helps":
        return f"{start}; twice as many of the same kind would probably bring {probably}."
    return (
        f"{start}; twice as many would bring {gain.low:.1f} to {gain.high:.1f} points: "
        "too uncertain to tell whether more of the same kind help."
    )
