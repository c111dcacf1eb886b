"""The job `train`: from images to a scored run, by one of two recipes.

    instant   heads on frozen features: seconds on a CPU, every image judged out-of-fold
    finetune  the backbone learns too: minutes, better where its features do not fit the images

Both end with probabilities of the fixed validation images by a model that never saw them, so any
two runs can be compared.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.encode.backbones import choose
from curator.encode.stored import encoder
from curator.errors import InputError
from curator.learn import finetune_recipe, instant_recipe
from curator.learn.diagnosis import Finding, diagnose
from curator.learn.figures import run_figures
from curator.learn.recording import Outcome, record
from curator.learn.settings import checked
from curator.learn.training_set import TrainingSet, training_set
from curator.store import runs

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project

RECIPES = ("instant", "finetune")


def run(
    project: Project,
    progress: Progress,
    recipe: str = "instant",
    backbone: str | None = None,
    device: str | None = None,
    tensorboard: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Train on every live image and record a run.

    ``recipe``: "instant" or "finetune", with the settings of :mod:`curator.learn.instant_recipe` or
    :mod:`curator.learn.finetune_recipe`. ``backbone`` and ``device``: chosen automatically when
    None. ``tensorboard``: a folder that gets the run's curves as an event file, too.

    Raises NotEnoughData, InputError, WeightsMissing, WeightsAltered, FileError, JobCancelled.
    """
    if recipe not in RECIPES:
        raise InputError(f"There is no recipe {recipe!r}.", f"Use one of {', '.join(RECIPES)}.")
    began = time.perf_counter()
    if recipe == "instant":
        wanted = checked(instant_recipe.Settings, settings)
    else:
        deep = checked(finetune_recipe.Settings, settings)
    flip = recipe == "instant" and wanted.mirror
    data = training_set(project, progress, backbone, device, flip=flip)
    prepared = time.perf_counter()
    if recipe == "instant":
        outcome = instant_recipe.fit(project, progress, data, wanted)
    else:
        _rank_first(project, progress, data)
        outcome = finetune_recipe.fit(project, progress, data, deep)
    run_id, figures = keep(project, data, outcome, began, prepared)
    if tensorboard:
        _log(project, run_id, Path(tensorboard))
    return _answer(run_id, figures, outcome, data)


def warm_up() -> None:
    """Load the default backbone now, so that the first training does not wait for it."""
    encoder(choose(None, None))


def _rank_first(project: Project, progress: Progress, data: TrainingSet) -> None:
    """Train the instant recipe, unless a run ranks the images already.

    A fine-tuned model has seen the training images, so its scores rank nothing; and without the
    seconds that this takes nobody knew what fine-tuning brought.
    """
    with project.database.read() as connection:
        if runs.ranking_id(connection) is not None:
            return
    began = time.perf_counter()
    outcome = instant_recipe.fit(project, progress, data, instant_recipe.Settings())
    keep(project, data, outcome, began, began)


def keep(
    project: Project,
    data: TrainingSet,
    outcome: Outcome,
    began: float,
    prepared: float,
    interim: bool = False,
) -> tuple[int, dict[str, Any]]:
    """Judge an outcome and record the run; its id and figures."""
    figures = run_figures(
        data.names,
        data.labels,
        outcome.out_of_fold,
        outcome.fixed,
        ~data.learnt_from,
        data.tiny(project),
        outcome.settings["temperature"],
    )
    if outcome.recipe == "finetune":
        figures["diagnosis"] = [asdict(found) for found in _diagnosed(data, outcome, figures)]
    figures["seconds_features"] = round(prepared - began, 3)
    figures["seconds"] = round(time.perf_counter() - began, 3)
    return record(project, data, outcome, figures, interim), figures


def _diagnosed(data: TrainingSet, outcome: Outcome, figures: dict[str, Any]) -> list[Finding]:
    """What the curves of a fine-tuning say."""
    seen = outcome.in_sample
    wrong = outcome.probabilities.argmax(axis=1) != data.labels
    majority = figures["baselines"]["majority"]
    return diagnose(
        outcome.history,
        len(data.names),
        1.0 if majority is None else majority,
        figures["valid"]["images"],
        float(wrong[seen].mean()) if seen.any() else None,
        figures["valid"]["error"],
        outcome.settings["start_error"],
    )


def _log(project: Project, run_id: int, folder: Path) -> None:
    from curator.learn.tensorboard import write_run

    with project.database.read() as connection:
        kept = runs.get(connection, run_id)
    place = folder.expanduser() / f"{project.name}-run-{run_id}"
    write_run(place, kept.settings, kept.metrics, kept.history)


def _answer(
    run_id: int, figures: dict[str, Any], outcome: Outcome, data: TrainingSet
) -> dict[str, Any]:
    kind = "out-of-fold" if outcome.out_of_fold is not None else "on the validation images"
    rate = figures["valid" if outcome.out_of_fold is None else "out_of_fold"]
    text = f"Run {run_id}: "
    if rate["error"] is None:
        text += "no validation image to judge it on."
    else:
        text += (
            f"error {rate['error']:.1%} {kind} "
            f"({rate['low']:.1%} to {rate['high']:.1%}, {rate['images']} images)."
        )
    if data.left_out:
        text += f" Left out, because it has no image: {', '.join(data.left_out)}."
    if data.unreadable:
        text += f" {len(data.unreadable)} images could not be read and were left out."
    notes = [*data.notes, *outcome.notes]
    return {
        "run": run_id,
        "recipe": outcome.recipe,
        "metrics": figures,
        "history": outcome.history,
        "choice": outcome.settings.get("choice", data.choice.reason),
        "unreadable": data.unreadable,
        "left_out": data.left_out,
        "notes": notes,
        "sentence": " ".join([text, *notes, "Next: review the most suspicious images."]),
    }
