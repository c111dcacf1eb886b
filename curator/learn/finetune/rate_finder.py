"""Which learning rate to take: Smith's range test.

The rate rises from step to step, evenly on a logarithmic scale, until the loss explodes; the loss
over the rate shows where learning is fastest and where it breaks. Smith (2017), "Cyclical learning
rates for training neural networks"; the two suggestions are those of fastbook's chapter 5. The
network is given back as it came.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from curator.errors import InputError, JobCancelled
from curator.learn.finetune.data import Data, Feed, batches_of, order_of_epoch
from curator.learn.finetune.device import own_random
from curator.learn.finetune.engine import Engine
from curator.learn.finetune.network import restoring
from curator.platform import keeping_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

MOST_STEPS, LEAST_STEPS = 100, 40
# The loss counts as exploded at this many times its lowest value.
_EXPLODED = 4.0
# Weight of the past in the smoothed loss over a search of 100 steps; shorter ones smooth less.
_SMOOTHING = 0.98
# The first steps, before the loss moves at all, and the last, already exploding, suggest nothing.
_SKIP_FIRST, _SKIP_LAST = 0.1, 5


@dataclass(frozen=True)
class RateSearch:
    """A finished search; the lists are of equal length, one entry a step."""

    rates: list[float]
    """Rising, of the head."""
    losses: list[float]
    """Smoothed training cross-entropy."""
    minimum: float | None
    """A tenth of the rate at the lowest loss; None where the loss never fell."""
    steep: float | None
    """The rate at which the loss falls most steeply; None where the loss never fell."""
    sentence: str


def find_rate(
    network: Classifier,
    data: Data,
    settings: EngineSettings,
    device: str = "cpu",
    *,
    frozen: bool = True,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int | None = None,
    on_step: Callable[[int, int, float, float], None] = lambda _step, _of, _rate, _loss: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RateSearch:
    """Search with the head alone (``frozen``) or all layers learning.

    ``steps`` (10 or more): None for two epochs' worth, but at least 40 and at most 100. ``on_step``
    gets the step from 1, the steps in all, rate and smoothed loss. Views, batches and the spread of
    rates over the layers are those of ``settings``. Raises :class:`~curator.errors.InputError`,
    :class:`~curator.errors.JobCancelled`, :class:`~curator.errors.DeviceFull`.
    """
    if not 0 < lowest < highest:
        raise InputError(
            f"Rates from {lowest:g} to {highest:g} do not rise from above 0.",
            "Use, for instance, lowest=1e-7 and highest=10.",
        )
    if steps is not None and steps < 10:
        raise InputError(f"{steps} steps show no curve.", "Use 10 or more.")
    # Rates are set absolutely here, so the groups' own must be shares of one.
    unit = settings.but(rate=1.0, unfrozen_rate=1.0)
    rates: list[float] = []
    losses: list[float] = []
    with (
        restoring(network),
        keeping_memory(),
        own_random(device),
        Feed(data.pixels, device) as feed,
    ):
        torch.manual_seed(settings.seed)
        engine = Engine(network, data, unit, device, feed)
        engine.begin(frozen=frozen)
        if steps is None:
            epoch = len(batches_of(data.train, engine.batch))
            steps = min(MOST_STEPS, max(LEAST_STEPS, 2 * epoch))
        random = np.random.default_rng([settings.seed, 0])
        batches = list(itertools.islice(_endless(random, data, settings, engine.batch), steps))
        keep = _SMOOTHING ** (MOST_STEPS / steps)
        average, best = 0.0, math.inf
        found = engine.steps(batches, random)
        for step in range(steps):
            if cancelled():
                raise JobCancelled(f"Stopped at step {step} of {steps}.", "")
            rate = lowest * (highest / lowest) ** (step / (steps - 1))
            engine.set_rate(rate)
            loss = float(next(found))
            if not math.isfinite(loss):
                break
            average = keep * average + (1 - keep) * loss
            smooth = average / (1 - keep ** (step + 1))
            rates.append(rate)
            losses.append(smooth)
            on_step(step + 1, steps, rate, smooth)
            best = min(best, smooth)
            if smooth > _EXPLODED * best:
                break
    minimum, steep = suggestions(rates, losses, steps)
    return RateSearch(rates, losses, minimum, steep, _say(minimum, steep))


def suggestions(
    rates: list[float], losses: list[float], steps: int
) -> tuple[float | None, float | None]:
    """``minimum`` and ``steep`` of a search that was meant to take ``steps`` steps."""
    first = round(_SKIP_FIRST * steps)
    last = max(first, len(losses) - _SKIP_LAST)
    seen, at = np.array(losses[first:last]), rates[first:last]
    if len(seen) < 3 or (lowest := int(seen.argmin())) == 0:
        return None, None
    slopes = np.gradient(seen)[: lowest + 1]  # steps are even on the logarithmic scale
    return at[lowest] / 10, at[int(slopes.argmin())]


def _say(minimum: float | None, steep: float | None) -> str:
    if minimum is None or steep is None:
        return (
            "The loss never fell, whatever the rate: look at the images and their labels, or train"
            " with the default rate."
        )
    low, high = sorted((minimum, steep))
    return (
        f"A good rate lies about {low:.1e} to {high:.1e}: a tenth of the rate at the lowest loss is"
        f" {minimum:.1e}, the loss falls most steeply at {steep:.1e}."
    )


def _endless(
    random: np.random.Generator, data: Data, settings: EngineSettings, batch: int
) -> Iterator[NDArray[np.int64]]:
    while True:
        yield from batches_of(order_of_epoch(random, data, balance=settings.balance), batch)
