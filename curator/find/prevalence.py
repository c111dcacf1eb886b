"""How many images of a ranking show something, of which a person looked at a part: counts only.

The ranking is cut into strata, each twice as large as the one before. The share of images that show
it falls from stratum to stratum by a factor whose prior is Beta(:data:`FALL`); what was looked at
says how far. The posterior is followed from the top by particles with resampling (Gordon, Salmond
and Smith, 1993). `benchmarks/concepts.py` tells how often the interval holds the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIRST = 16  # images of the first stratum
FALL = (0.5, 0.75)
_PARTICLES = 4000


@dataclass(frozen=True)
class Left:
    """A count with its interval, which held the truth in nine of ten simulated searches."""

    images: float
    low: int
    high: int


def strata(number: int) -> NDArray[np.int64]:
    """Where each stratum of a ranking of ``number`` images ends: (S,), the last at ``number``."""
    ends: list[int] = []
    size = FIRST
    while not ends or ends[-1] < number:
        ends.append(min(number, (ends[-1] if ends else 0) + size))
        size *= 2
    return np.array(ends, dtype=np.int64)


def left(
    unseen: NDArray[np.int64], yes: NDArray[np.int64], no: NDArray[np.int64]
) -> tuple[Left, NDArray[np.float64]]:
    """Of the unseen images of each stratum (S,), how many show it; and the mean share in each (S,).

    ``yes``, ``no`` (S,): what was looked at in it. The answer is the same for the same input.
    """
    random = np.random.default_rng(0)
    rate, total = np.ones(_PARTICLES), np.zeros(_PARTICLES)
    shares = np.zeros(len(unseen))
    for place, (rest, hits, misses) in enumerate(
        zip(unseen.tolist(), yes.tolist(), no.tolist(), strict=True)
    ):
        first, second = FALL if place else (1.0, 1.0)
        fall = random.beta(first, second, _PARTICLES)
        rate = np.clip(rate * fall, 1e-9, 1 - 1e-9)
        if hits + misses:
            weight = hits * np.log(rate) + misses * np.log1p(-rate)
            weight = np.cumsum(np.exp(weight - weight.max()))
            points = (np.arange(_PARTICLES) + random.random()) / _PARTICLES * weight[-1]
            kept = np.minimum(np.searchsorted(weight, points), _PARTICLES - 1)
            rate, total = rate[kept], total[kept]
        shares[place] = rate.mean()
        total += random.binomial(rest, rate)
    low, high = np.quantile(total, (0.025, 0.975))
    return Left(float(total.mean()), int(np.floor(low)), int(np.ceil(high))), shares
