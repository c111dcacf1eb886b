"""What fine-tuning will cost and whether it pays, told before: for the page, and as the job `cost`.

The cost is from the pace of the project's last fine-tuning or measurement; before either, from a
rule of thumb, and said so. Whether it pays, from what the instant head misses and from a short
trial. Light to import: the page asks at each change of a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from curator.jobs.report import Report
from curator.learn.finetune.outlook import Start, forecast
from curator.phrasing import duration
from curator.platform import cpu_count
from curator.store import images, jobs, runs, schema

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

KIND = "cost"
RULE = "a rule of thumb; measure it for a better one"
# Training images a second of EfficientNet-Lite0 at 224 pixels, all layers learning: measured on one
# core of a server; a GPU is some hundred cores.
_PER_CORE, _ON_A_GPU = 8.0, 1000.0
_HEAD_ALONE = 2.5  # times as fast: nothing goes back through the network


@dataclass(frozen=True, kw_only=True)
class CostReport(Report):
    """What a fine-tuning would take."""

    seconds: float
    """Of the whole."""
    pace: dict[str, float]
    """Training images a second, validation included, in epochs of the "head" and of "all"."""
    backbone: str
    start_error: float | None
    """Of the instant head on the validation images, 0..1; None where there are none."""
    trial_error: float | None
    """The same after the trial; None where none was made."""
    outlook: str
    """Whether fine-tuning is likely to pay; empty where nothing can be said."""


def run(
    workspace: Workspace,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    **settings: Any,
) -> CostReport:
    """Measure a few steps of fine-tuning with these settings, and try it; nothing is kept of it.

    Raises what the job `train` raises.
    """
    from curator.learn.finetune import recipe as finetune_recipe
    from curator.learn.finetune.device import precision_of
    from curator.learn.finetune.estimate import estimate_seconds
    from curator.learn.finetune.outlook import look, trial
    from curator.learn.finetune.settings import FinetuneSettings
    from curator.learn.training_set import training_set

    wanted = FinetuneSettings.of(settings)
    data = training_set(workspace, progress, backbone, device)
    pixels = finetune_recipe.stored_pixels(workspace, progress, data)
    learning = finetune_recipe.learning_data(data, pixels)
    device = data.choice.device
    head = finetune_recipe.instant_heads(workspace, data, wanted)[-1]
    network = finetune_recipe.network(data, wanted.seed, head)
    progress.begin("timing a few steps")
    found = estimate_seconds(network, learning, wanted.engine, device, progress.cancelled)
    progress.check()
    start = look(network, learning, device)
    tried = None
    if start.images and not start.leaves_little:
        progress.begin("trying it on a few images")
        engine, _ = finetune_recipe.engine_for(wanted, start)
        tried = trial(network, learning, engine, device, cancelled=progress.cancelled)
    outlook = forecast(start, tried)
    pictures = len(learning.train)
    epochs = {"head": found.head_epoch, "all": found.full_epoch}
    trainings = 1 + (wanted.folds if wanted.out_of_fold else 0)
    seconds = found.seconds * trainings
    times = f" for {trainings} trainings" if trainings > 1 else ""
    where = data.choice.training(precision_of(device).name).reason
    return CostReport(
        seconds=round(seconds, 1),
        pace={name: round(pictures / value, 2) for name, value in epochs.items() if value},
        backbone=data.choice.backbone.name,
        start_error=start.error if start.images else None,
        trial_error=tried,
        outlook=outlook,
        sentence=f"This will take about {duration(seconds)}{times}: {where}. {outlook}".rstrip(),
    )


def sentence(workspace: Workspace, form: dict[str, Any]) -> str:
    """One sentence for these settings: epochs, frozen_epochs, folds, out_of_fold, backbone.

    Empty where they are not yet numbers, or there is nothing to train on.
    """
    pictures, device, pace, basis = _known(workspace, str(form["backbone"]))
    try:
        trainings = 1 + (int(form["folds"]) if form["out_of_fold"] else 0)
        passes = {"head": float(form["frozen_epochs"]), "all": float(form["epochs"])}
    except (TypeError, ValueError):
        return ""
    full = pace.get("all", pace.get("head", 1) / _HEAD_ALONE)
    per_second = {"all": full, "head": pace.get("head", full * _HEAD_ALONE)}
    seconds = trainings * sum(pictures * passes[name] / per_second[name] for name in passes)
    if not seconds:
        return ""
    times = f", {trainings} trainings" if trainings > 1 else ""
    return f"About {duration(seconds)} on {device}{times}: {basis}. {_outlook(workspace)}".rstrip()


def _outlook(workspace: Workspace) -> str:
    """Whether it is likely to pay, by the newest run by frozen features or the newest trial."""
    with workspace.database.read() as connection:
        every = runs.all_runs(connection)
    judged = [run.figures("valid") for run in every if run.out_of_fold]
    if judged and judged[-1]["images"]:
        start = Start(judged[-1]["images"], judged[-1].get("wrong") or 0, 0)
        if start.leaves_little:
            return forecast(start, None)
    measured = jobs.latest(workspace.database, (jobs.DONE,), KIND)
    newest = every[-1].at if every else ""
    if measured is None or not measured.result or newest > (measured.ended_at or ""):
        return ""
    return str(measured.result.get("outlook", ""))


def is_measured(workspace: Workspace, backbone: str) -> bool:
    """Whether the pace of that network, "" for any, is known from a training or a measurement."""
    return _known(workspace, backbone)[3] != RULE


def _known(workspace: Workspace, backbone: str) -> tuple[int, str, dict[str, float], str]:
    """Training images, device, pace of a training, and where the pace is from."""
    with workspace.database.read() as connection:
        every = runs.all_runs(connection)
        pictures = connection.execute(
            select(func.count())
            .select_from(
                schema.images.join(schema.current, schema.current.c.image_id == schema.images.c.id)
            )
            .where(
                images.LIVE,
                images.LEARNABLE,
                schema.images.c.split.is_distinct_from(schema.VALID),
            )
        ).scalar_one()
    device = every[-1].settings.get("device", "cpu") if every else "cpu"
    past = [run for run in every if run.settings.get("pace")]
    past = [run for run in past if not backbone or run.backbone == backbone]
    measured = jobs.latest(workspace.database, (jobs.DONE,), KIND)
    result = measured.result if measured else None
    if result and (not backbone or result["backbone"] == backbone):
        ended = measured.ended_at if measured and measured.ended_at else ""
        if not past or past[-1].at < ended:
            return pictures, device, result["pace"], "measured on this computer"
    if past:
        return pictures, device, past[-1].settings["pace"], f"at the pace of run {past[-1].id}"
    rule = _PER_CORE * cpu_count() if device == "cpu" else _ON_A_GPU
    return pictures, device, {"all": rule}, RULE
