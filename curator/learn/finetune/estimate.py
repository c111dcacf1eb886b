"""How long a run will take, from a few steps that are really done and then undone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from curator.learn.finetune.data import Data, Feed, batches_of
from curator.learn.finetune.device import own_random
from curator.learn.finetune.engine import Engine
from curator.learn.finetune.network import restoring
from curator.platform import keeping_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

# The first step of a kind allocates memory and picks kernels, so it is not counted.
_STEPS = 2


@dataclass(frozen=True)
class Estimate:
    """Expected wall-clock seconds on a machine that stays as busy as it is now."""

    head_epoch: float
    """Of an epoch in which the head alone learns, with validation; 0 where there is none."""
    full_epoch: float
    """Of an epoch in which all layers learn, with validation; 0 where there is none."""
    seconds: float
    """Of the whole run."""


def estimate_seconds(
    network: Classifier,
    data: Data,
    settings: EngineSettings,
    device: str = "cpu",
    cancelled: Callable[[], bool] = lambda: False,
) -> Estimate:
    """Do a few steps of each kind, and scale up; the network is given back as it came.

    Costs about six steps. Raises :class:`~curator.errors.DeviceFull`. When
    ``cancelled`` says so, what was not measured yet counts as 0.
    """
    with (
        restoring(network),
        keeping_memory(),
        own_random(device),
        Feed(data.pixels, device) as feed,
    ):
        engine = Engine(network, data, settings, device, feed)
        batches = len(batches_of(data.train, engine.batch))
        valid = 0.0
        if len(data.valid) and not cancelled():
            rows = data.valid[: 2 * engine.batch]
            valid = _timed(device, lambda: engine.evaluate(rows)) * len(data.valid) / len(rows)
        epochs = {}
        numbers = range(1, settings.total_epochs + 1)
        phases = numbers[: settings.frozen_epochs], numbers[settings.frozen_epochs :]
        for frozen, phase in zip((True, False), phases, strict=True):
            epochs[frozen] = 0.0
            if phase and not cancelled():
                engine.begin(frozen=frozen)
                # A step's time goes with the pixels of its views.
                engine.view_scale = (
                    float(np.mean([settings.scale_in(e) ** 2 for e in phase])) ** 0.5
                )
                engine.set_rate(0.0)
                epochs[frozen] = _step_seconds(engine) * batches + valid
    seconds = epochs[True] * settings.frozen_epochs + epochs[False] * settings.epochs
    return Estimate(epochs[True], epochs[False], seconds)


def _step_seconds(engine: Engine) -> float:
    rows = batches_of(engine.data.train, engine.batch)[0]
    steps = engine.steps([rows] * (1 + _STEPS), np.random.default_rng(0))
    next(steps)
    return _timed(engine.device, lambda: [next(steps) for _ in range(_STEPS)]) / _STEPS


def _timed(device: str, work: Callable[[], object]) -> float:
    _wait_for(device)
    began = time.perf_counter()
    work()
    _wait_for(device)
    return time.perf_counter() - began


def _wait_for(device: str) -> None:
    """A GPU computes behind Python's back: let it finish."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
