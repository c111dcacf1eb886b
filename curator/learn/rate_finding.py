"""The job `lr-find`: which learning rate to fine-tune with, from a search that trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.learn import finetune_recipe
from curator.learn.settings import checked
from curator.learn.training_set import training_set

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project


def run(
    project: Project,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    all_layers: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """Raise the rate step by step while the loss is watched; nothing is kept of the training.

    A random head alone learns, or ``all_layers`` do. ``settings``: those of the recipe `finetune`.
    Returns rates and losses, one a step, and the suggestions ``minimum`` (a tenth of the rate at
    the lowest loss) and ``steep`` (where it falls fastest), None where the loss never fell. Raises
    what the job `train` raises.
    """
    wanted = checked(finetune_recipe.Settings, settings)
    data = training_set(project, progress, backbone, device)
    pixels = finetune_recipe.stored_pixels(project, progress, data)
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
    return {
        "rates": [float(f"{rate:.4g}") for rate in found.rates],
        "losses": [round(loss, 5) for loss in found.losses],
        "minimum": found.minimum,
        "steep": found.steep,
        "choice": data.choice.training(precision_of(data.choice.device).name).reason,
        "sentence": found.sentence,
    }
