"""The job `lr-find`: which learning rate to fine-tune with, from a search that trains nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.jobs.report import Report
from curator.learn.finetune import recipe as finetune_recipe
from curator.learn.finetune.settings import FinetuneSettings
from curator.learn.training_set import training_set

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RateReport(Report):
    """A finished search; ``rates`` and ``losses`` have one entry a step."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Smoothed."""
    minimum: float | None
    """A tenth of the rate at the lowest loss; None where the loss never fell."""
    steep: float | None
    """The rate at which the loss falls fastest; None where it never fell."""
    choice: str
    """Where it ran, and why there."""


def run(
    workspace: Workspace,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    all_layers: bool = False,
    **settings: Any,
) -> RateReport:
    """Raise the rate step by step while the loss is watched; nothing is kept of the training.

    A random head alone learns, or ``all_layers`` do. ``settings``: those of the recipe `finetune`.
    Raises what the job `train` raises.
    """
    wanted = FinetuneSettings.of(settings)
    data = training_set(workspace, progress, backbone, device)
    pixels = finetune_recipe.stored_pixels(workspace, progress, data)
    from curator.learn.finetune.device import precision_of
    from curator.learn.finetune.rate_finder import find_rate

    progress.begin("searching for a learning rate")

    def on_step(step: int, steps: int, _rate: float, _loss: float) -> None:
        progress.total = steps
        progress.reach(step)

    found = find_rate(
        finetune_recipe.network(data, wanted.seed),
        finetune_recipe.learning_data(data, pixels),
        wanted.engine,
        data.choice.device,
        frozen=not all_layers,
        on_step=on_step,
        cancelled=progress.cancelled,
    )
    return RateReport(
        rates=tuple(float(f"{rate:.4g}") for rate in found.rates),
        losses=tuple(round(loss, 5) for loss in found.losses),
        minimum=found.minimum,
        steep=found.steep,
        choice=data.choice.training(precision_of(data.choice.device).name).reason,
        sentence=found.sentence,
    )
