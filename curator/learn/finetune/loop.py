"""A fine-tuning run: epochs, history, checkpoints, cancel, early stop.

First the head alone learns, then all layers, each phase on a one-cycle schedule. Every random
number of an epoch comes from a generator seeded by the run's seed and the epoch, so a run that
was killed goes on from its last whole epoch exactly as if nothing had happened (bit by bit on a
CPU with the same number of threads; on a GPU as far as its kernels repeat themselves).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from curator.errors import InputError, JobCancelled, TrainingDiverged
from curator.learn.finetune import checkpoint
from curator.learn.finetune.data import Data, Feed, batches_of, order_of_epoch
from curator.learn.finetune.device import own_random
from curator.learn.finetune.engine import Engine
from curator.learn.finetune.history import Row, best_epoch, fingerprint, last_progress
from curator.learn.finetune.schedule import OneCycle
from curator.platform import keeping_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

# A GPU computes ahead of Python; asking for a loss waits for it, so it is asked now and then.
_LOOK_EVERY = 8
# fastai's fine_tune: a phase of all layers starts from trained weights, so nearer to its peak.
_FROZEN = {"rise": 0.25, "divide": 25.0}
_UNFROZEN = {"rise": 0.3, "divide": 5.0}


@dataclass(frozen=True)
class Listeners:
    """Who is told, and who may stop a run; see :func:`fit`."""

    epoch: Callable[[Row], None]
    batch: Callable[[int, int, float], None]
    cancelled: Callable[[], bool]


@dataclass(frozen=True)
class Fitted:
    """A finished run."""

    network: Classifier
    """With the weights of ``epoch``, in evaluation mode, on its device."""
    history: list[Row]
    epoch: int
    """The epoch, from 1, whose weights these are."""
    notes: list[str]
    """What a user should know: resumed, stopped early, memory ran out, a damaged checkpoint."""
    precision: str
    batch: int


def fit(
    network: Classifier,
    data: Data,
    settings: EngineSettings,
    device: str = "cpu",
    *,
    folder: Path | None = None,
    identity: str = "",
    on_epoch: Callable[[Row], None] = lambda _row: None,
    on_batch: Callable[[int, int, float], None] = lambda _done, _total, _loss: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Fitted:
    """Train ``network`` (on ``device``: "cpu", "cuda" or "mps") and give it back trained.

    ``folder`` gets the checkpoints ``last.safetensors`` and ``best-N.safetensors``, N the epoch; a
    run with the same settings, data and ``identity`` (such as the backbone's key) goes on there.
    ``on_epoch`` gets a row for each epoch, those of before a kill included: epoch (from 1), phase
    ("head" or "all"), train_loss and valid_loss (mean cross-entropy, without label smoothing),
    error_rate (0..1, of the validation images), rate (the epoch's highest, of the head), seconds.
    ``on_batch`` gets steps done, steps in all, and the loss of one of the last steps.

    Raises :class:`~curator.errors.TrainingDiverged`,
    :class:`~curator.errors.DeviceFull`,
    :class:`~curator.errors.JobCancelled` (the last whole epoch is kept) and
    :class:`~curator.errors.InputError` where the settings need validation images and there are
    none.
    """
    if not len(data.valid) and (settings.patience is not None or settings.keep == "best"):
        raise InputError(
            "There is no validation image, so no epoch can be called the best.",
            'Use patience=None and keep="last", or hold images out.',
        )
    # The caller's own random numbers go on as if no training had been.
    with (
        keeping_memory(),
        own_random(device),
        Feed(data.pixels, device) as feed,
    ):
        engine = Engine(network, data, settings, device, feed)
        return _Run(engine, folder, identity, Listeners(on_epoch, on_batch, cancelled)).go()


class _Run:
    """The state of one call of :func:`fit`."""

    def __init__(
        self, engine: Engine, folder: Path | None, identity: str, listeners: Listeners
    ) -> None:
        self.engine = engine
        self.settings, self.data, self.network = engine.settings, engine.data, engine.network
        self.folder = folder
        self.on = listeners
        self.history: list[Row] = []
        self.best: dict[str, torch.Tensor] = {}
        self.fingerprint = fingerprint(
            self.network, self.data, self.settings, engine.device, identity
        )
        self.steps = len(batches_of(engine.data.train, engine.batch))  # of an epoch

    def go(self) -> Fitted:
        settings, engine = self.settings, self.engine
        self._resume()
        stopped = self._better_no_more()
        while len(self.history) < settings.total_epochs and not stopped:
            epoch = len(self.history) + 1
            if epoch in {1, settings.frozen_epochs + 1}:
                self._begin_phase(epoch)
            self.history.append(self._epoch(epoch))
            self._keep()
            self.on.epoch(self.history[-1])
            stopped = self._better_no_more()
        chosen = len(self.history)
        if stopped or settings.keep == "best":
            chosen = best_epoch(self.history)
            self.network.load_state_dict(self.best)
        elif engine.judged is not self.network:
            self.network.load_state_dict(engine.judged.state_dict())
        if stopped:
            engine.notes.append(
                f"Stopped after epoch {len(self.history)} of {settings.total_epochs}: nothing got"
                f" better in {settings.patience} epochs. Epoch {chosen} is kept."
            )
        self.network.requires_grad_(True)
        self.network.eval()
        precision = engine.precision.name
        return Fitted(self.network, self.history, chosen, engine.notes, precision, engine.batch)

    def _begin_phase(self, epoch: int) -> None:
        frozen = epoch <= self.settings.frozen_epochs
        self.engine.begin(frozen=frozen)

    def _epoch(self, epoch: int) -> Row:
        began = time.perf_counter()
        settings, engine = self.settings, self.engine
        frozen = epoch <= settings.frozen_epochs
        first = 0 if frozen else settings.frozen_epochs
        length = settings.frozen_epochs if frozen else settings.epochs
        cycle = OneCycle(self.steps * length, **(_FROZEN if frozen else _UNFROZEN))
        random = np.random.default_rng([settings.seed, epoch])
        torch.manual_seed(int(random.integers(2**63)))  # dropout and the like
        order = order_of_epoch(random, self.data, balance=settings.balance)
        batches = batches_of(order, engine.batch)
        peak = settings.rate if frozen else settings.upper_rate
        row: Row = {
            "epoch": epoch,
            "phase": "head" if frozen else "all",
            "train_loss": None,
            "valid_loss": None,
            "error_rate": None,
            "rate": 0.0,
            "seconds": 0.0,
        }
        losses: list[torch.Tensor] = []
        engine.view_scale = settings.scale_in(epoch)
        steps = engine.steps(batches, random)
        before = (epoch - 1) * self.steps
        for number in range(self.steps):
            self._check(epoch)
            step = (epoch - 1 - first) * self.steps + number
            engine.set_rate(cycle.rate(step), cycle.momentum(step))
            row["rate"] = max(row["rate"], peak * cycle.rate(step))
            losses.append(next(steps))
            if engine.device == "cpu" or number % _LOOK_EVERY == 0:
                loss = float(losses[-1])
                self._sane(loss, row)
                self.on.batch(before + number + 1, self.steps * settings.total_epochs, loss)
        row["train_loss"] = self._sane(float(torch.stack(losses).mean()), row)
        # The last step's update shows in no loss yet.
        self._sane(float(self.network.head.weight.detach().float().sum()), row)
        if len(self.data.valid):
            loss, wrong = engine.evaluate(self.data.valid, lambda: self._check(epoch))
            row["valid_loss"], row["error_rate"] = self._sane(loss, row), wrong
        row["seconds"] = round(time.perf_counter() - began, 3)
        return row

    def _sane(self, loss: float, row: Row) -> float:
        """The loss, where it is a number. Raises TrainingDiverged."""
        if math.isfinite(loss):
            return loss
        settings = self.settings
        rate = settings.rate if row["phase"] == "head" else settings.upper_rate
        name = "rate" if row["phase"] == "head" else "unfrozen_rate"
        raise TrainingDiverged(
            f"The loss is {loss} in epoch {row['epoch']}: training went astray at the learning rate"
            f" {rate:g}.",
            f"Train with a lower one, such as {name}={rate / 10:g}, or look for one with"
            " `curator lr-find`." + self._kept(),
            [*self.history, row],
        )

    def _check(self, epoch: int) -> None:
        if self.on.cancelled():
            raise JobCancelled(
                f"Stopped in epoch {epoch} of {self.settings.total_epochs}.",
                "Start it again to go on from there." if self.folder else "",
            )

    def _kept(self) -> str:
        done = len(self.history)
        return f" The checkpoint of epoch {done} is kept." if self.folder and done else ""

    def _better_no_more(self) -> bool:
        patience = self.settings.patience
        return patience is not None and len(self.history) - last_progress(self.history) >= patience

    @property
    def _needs_best(self) -> bool:
        return self.settings.keep == "best" or self.settings.patience is not None

    def _keep(self) -> None:
        """Write the state after an epoch; the best one's first, since the last one refers to it."""
        epoch = len(self.history)
        state, judged = self.network.state_dict(), self.engine.judged.state_dict()
        best = best_epoch(self.history) if len(self.data.valid) else 0
        if best == epoch and self._needs_best:
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in judged.items()}
        if self.folder is None:
            return
        if best == epoch:
            self._write(checkpoint.best_name(epoch), judged)
        ends = epoch in {self.settings.frozen_epochs, self.settings.total_epochs}
        optimiser = {} if ends else checkpoint.optimiser_state(self.engine.optimizer)
        average = judged if self.engine.judged is not self.network else {}
        self._write(checkpoint.LAST, state, optimiser, average)
        checkpoint.forget_best_but(self.folder, best)

    def _write(
        self,
        name: str,
        state: dict[str, torch.Tensor],
        optimiser: dict[int, dict[str, torch.Tensor]] | None = None,
        average: dict[str, torch.Tensor] | None = None,
    ) -> None:
        assert self.folder is not None
        found = checkpoint.Checkpoint(
            self.fingerprint,
            self.history,
            state,
            optimiser or {},
            average or {},
            self.engine.extra(),
        )
        checkpoint.write(self.folder / name, found)

    def _resume(self) -> None:
        """Take up the last whole epoch, where the folder holds one of this very run.

        Raises WeightsAltered for a file that gives itself out as one.
        """
        if self.folder is None:
            return
        notes = self.engine.notes
        found = checkpoint.read_or_set_aside(self.folder / checkpoint.LAST, self.fingerprint, notes)
        if found is None:
            return
        epochs = self.settings.total_epochs
        checkpoint.refuse_unfit(self.folder / checkpoint.LAST, found, self.network, epochs)
        if self._needs_best:
            name = checkpoint.best_name(best_epoch(found.history))
            best = checkpoint.read_or_set_aside(self.folder / name, self.fingerprint, notes)
            if best is None:
                return
            checkpoint.refuse_unfit(self.folder / name, best, self.network, epochs)
            self.best = best.network
        self.history = list(found.history)
        self.network.load_state_dict(found.network)
        done = len(self.history)
        self._begin_phase(done)
        try:
            if self.engine.judged is not self.network:
                self.engine.judged.load_state_dict(found.average)
            if found.optimiser:
                checkpoint.restore_optimiser(self.engine.optimizer, found.optimiser)
            self.engine.restore_extra(found.extra)
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise checkpoint.altered(self.folder / checkpoint.LAST) from error
        if done < self.settings.total_epochs:
            notes.append(f"Went on after epoch {done}, from the checkpoint.")
        for row in self.history:
            self.on.epoch(row)
