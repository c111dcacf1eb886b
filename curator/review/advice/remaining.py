"""How many wrong labels are left among images that nobody decided on: arrays in, a count out.

An out-of-fold probability p of an image's label says how likely a model finds *that it is wrong
about the image*, for whatever reason: a hard image counts as much as a wrong label. What reviewed
images turned out to be says how the two are related here. The relation is

    chance of a wrong label = floor + (1 - floor) / (1 + exp(-slope (x - middle))),
    x = log((1 - p) / p)

with a floor for wrong labels that the model does not see. Its three numbers have broad priors,
because a reviewer starts at the most suspicious images and so says nothing of the others at first;
a random audit is of all of them, and is fitted together with the rest. The posterior is computed on
a grid, and the count left is drawn from it image by image, so that the interval holds both what is
not known of the relation and chance.

The priors were chosen on simulated reviews of the bears and the digits with 0 to 20 % planted wrong
labels (seeds 0 to 5). `python benchmarks/effort.py --advice` tells on other seeds how often the
interval holds the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 20  # reviewed images; with fewer the interval held the truth in 86 of 100 cases only
SCALE = 4096  # scores are counted in steps of 1 / SCALE

_EDGES = np.linspace(-9, 9, 73)  # of x; p runs from 0.0001 to 0.9999
_MIDDLES = np.linspace(-4, 7, 34)
_SLOPES = np.geomspace(0.3, 6, 16)
_FLOORS = np.geomspace(1e-5, 0.2, 14)
_PRIOR_MIDDLE = (1.5, 1.5)  # mean and deviation
_PRIOR_SLOPE = (0.7, 0.5)  # of its logarithm
_PRIOR_FLOOR = (float(np.log(0.002)), 1.3)  # of its logarithm
_DRAWS = 2000


@dataclass(frozen=True)
class Left:
    """A count of wrong labels with its 95 % interval."""

    wrong: float
    low: int
    high: int


def wrong_left(scores: Floats, wrong: NDArray[np.bool_], unseen: NDArray[np.int64]) -> Left:
    """Estimate the wrong labels among images that nobody has seen.

    ``scores`` (n,): out-of-fold probability, 0..1, of the label that each reviewed image had;
    ``wrong`` (n,): whether that label turned out wrong. ``unseen`` (SCALE + 1,): how many unseen
    images have a score of i / SCALE, of the same model. The answer is the same for the same input.
    """
    prior, chance = _grid()
    counts = [_binned(scores[wrong]), _binned(scores[~wrong])]
    left = np.zeros(len(_EDGES) - 1)
    np.add.at(left, _bins(np.arange(SCALE + 1) / SCALE), unseen)
    fit = prior + np.log(chance) @ counts[0] + np.log1p(-chance) @ counts[1]
    weight = np.exp(fit - fit.max())
    weight /= weight.sum()
    places = (np.arange(_DRAWS) + 0.5) / _DRAWS
    drawn = np.minimum(np.searchsorted(np.cumsum(weight), places), len(weight) - 1)
    random = np.random.default_rng(0)  # equal input, equal answer
    totals = random.binomial(left.astype(np.int64), chance[drawn]).sum(axis=1)
    low, high = np.quantile(totals, (0.025, 0.975))
    return Left(float(weight @ (chance @ left)), int(np.floor(low)), int(np.ceil(high)))


def _bins(scores: Floats) -> NDArray[np.int64]:
    inside = np.clip(scores, 2e-4, 1 - 2e-4)
    return np.searchsorted(_EDGES, np.log((1 - inside) / inside), side="right") - 1


def _binned(scores: Floats) -> Floats:
    return np.bincount(_bins(scores), minlength=len(_EDGES) - 1).astype(np.float64)


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, Floats]:
    """Log prior (G,) and chance of a wrong label (G, bins) of every relation considered."""
    middle, slope, floor = (
        axis.ravel() for axis in np.meshgrid(_MIDDLES, _SLOPES, _FLOORS, indexing="ij")
    )
    prior = np.zeros(len(middle))
    for value, (mean, deviation) in (
        (middle, _PRIOR_MIDDLE),
        (np.log(slope), _PRIOR_SLOPE),
        (np.log(floor), _PRIOR_FLOOR),
    ):
        prior -= 0.5 * ((value - mean) / deviation) ** 2
    x = (_EDGES[:-1] + _EDGES[1:]) / 2
    logistic = 1 / (1 + np.exp(-slope[:, None] * (x - middle[:, None])))
    chance = floor[:, None] + (1 - floor[:, None]) * logistic
    return prior, np.clip(chance, 1e-9, 1 - 1e-9)
