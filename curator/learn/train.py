"""The job `train`: from images to a scored run, by one of two recipes.

    instant   heads on frozen features: seconds on a CPU, every image judged out-of-fold
    finetune  the backbone learns too: minutes, better where its features do not fit the images

Both end with probabilities of the fixed validation images by a model that never saw them, so any
two runs can be compared.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cluster.settings import ClusterSettings
from curator.encode.backbones import choose
from curator.encode.project_features import encoder
from curator.errors import NotEnoughData
from curator.jobs.report import Report
from curator.learn.elsewhere import elsewhere
from curator.learn.evaluation.report import run_figures
from curator.learn.instant.recipe import InstantRecipe
from curator.learn.instant.settings import InstantSettings
from curator.learn.recipes import recipe_named, recipe_with
from curator.learn.recording import Outcome, record
from curator.learn.training_set import TrainingSet, training_set
from curator.store import runs
from curator.store.run_json import ElsewhereFigures, HistoryRow, Metrics

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class TrainReport(Report):
    """A recorded run."""

    run: int
    """Its number."""
    recipe: str
    metrics: Metrics
    history: tuple[HistoryRow, ...]
    """The training table."""
    choice: str
    """Where it ran, and why there."""
    unreadable: tuple[str, ...]
    """What is wrong with images that were left out, one sentence each."""
    left_out: tuple[str, ...]
    """Names of the classes without an image."""
    notes: tuple[str, ...]
    """What had to be changed, made again or given up on the way."""


def run(
    workspace: Workspace,
    progress: Progress,
    recipe: str = "instant",
    backbone: str | None = None,
    device: str | None = None,
    tensorboard: str | None = None,
    cluster: Mapping[str, object] | None = None,
    **settings: Any,
) -> TrainReport:
    """Train on every live image and record a run.

    ``recipe``: one of :data:`curator.learn.recipes.RECIPES`, with its settings. ``backbone`` and
    ``device``: chosen automatically when None. ``tensorboard``: a folder that gets the run's curves
    as an event file, too. ``cluster``: fields of ClusterSettings to override: the instant heads'
    sums over the images are made there; None: here.

    Raises NotEnoughData, InputError, WeightsMissing, WeightsAltered, FileError, JobCancelled; on a
    cluster PackageMissing without Ray, JobError where none answers.
    """
    told = None if cluster is None else ClusterSettings.of(cluster)
    chosen = recipe_with(recipe_named(recipe).settings_type.of(settings), told)
    began = time.perf_counter()
    flip = chosen.needs_mirrored_features
    data = training_set(workspace, progress, backbone, device, flip=flip)
    prepared = time.perf_counter()
    frozen = _frozen_first(workspace, progress, data) if chosen.takes_minutes else None
    outcome = chosen.fit(workspace, progress, data)
    judged = None
    if isinstance(chosen, InstantRecipe):
        progress.begin("judging by sites")
        judged = elsewhere(workspace, data, outcome, chosen.settings)
    run_id, figures = keep(workspace, data, outcome, began, prepared, judged=judged)
    said = _hold_back(workspace, run_id, outcome, figures, frozen)
    _look_for_weak_spots(workspace, progress)
    if tensorboard:
        _log(workspace, run_id, Path(tensorboard))
    return _report(run_id, figures, outcome, data, said)


def _look_for_weak_spots(workspace: Workspace, progress: Progress) -> None:
    from curator.learn.weak.spots import find

    progress.begin("looking for weak spots")
    with contextlib.suppress(NotEnoughData):
        find(workspace)


def warm_up() -> None:
    """Load the default backbone now, so that the first training does not wait for it."""
    encoder(choose(None, None))


def _frozen_first(workspace: Workspace, progress: Progress, data: TrainingSet) -> int:
    """Id of a run of these very images by frozen features, which is trained where there is none.

    A fine-tuned model has seen the training images, so its scores rank nothing; and without the
    seconds that this takes nobody knew what fine-tuning brought.
    """
    with workspace.database.read() as connection:
        every = runs.all_runs(connection)
    for run in reversed(every):
        same = run.settings.get("data_sha256") == data.data_sha256
        named = recipe_named(run.recipe).keeps_head and run.backbone == data.choice.backbone.name
        if same and named and run.out_of_fold:
            return run.id
    began = time.perf_counter()
    outcome = InstantRecipe(InstantSettings()).fit(workspace, progress, data)
    return keep(workspace, data, outcome, began, began)[0]


def _hold_back(
    workspace: Workspace, run_id: int, outcome: Outcome, figures: Metrics, frozen: int | None
) -> list[str]:
    """Leave the run by frozen features in use where the newer one is not better, and say so."""
    before, after = outcome.settings.get("start_error"), figures["valid"]["error"]
    if frozen is None or before is None or after is None or after < before:
        return []
    runs.hold_back(workspace.database, run_id, frozen)
    with workspace.database.read() as connection:
        used = runs.in_use_id(connection)
    text = (
        f"It is no better than the instant head on the same {figures['valid']['images']} validation"
        f" images: {after:.1%} wrong, and {before:.1%} before. So run {used} stays in use; `curator"
        f" use-run PROJECT {run_id}` takes this one."
    )
    return [text]


def keep(
    workspace: Workspace,
    data: TrainingSet,
    outcome: Outcome,
    began: float,
    prepared: float,
    interim: bool = False,
    judged: ElsewhereFigures | None = None,
) -> tuple[int, Metrics]:
    """Judge an outcome and record the run; its id and figures. ``judged``: by sites, if it was."""
    figures = run_figures(
        data.names,
        data.labels,
        outcome.out_of_fold,
        outcome.fixed if outcome.judged is None else outcome.judged,
        ~data.learnt_from,
        data.tiny(workspace),
        outcome.settings["temperature"],
    )
    if findings := recipe_named(outcome.recipe).findings(data, outcome, figures):
        figures["diagnosis"] = findings
    if judged is not None:
        figures["elsewhere"] = judged
    figures["seconds_features"] = round(prepared - began, 3)
    figures["seconds"] = round(time.perf_counter() - began, 3)
    return record(workspace, data, outcome, figures, interim), figures


def _log(workspace: Workspace, run_id: int, folder: Path) -> None:
    from curator.learn.tensorboard import write_run

    with workspace.database.read() as connection:
        kept = runs.get(connection, run_id)
    place = folder.expanduser() / f"{workspace.name}-run-{run_id}"
    write_run(place, kept.settings, kept.metrics, kept.history)


def _report(
    run_id: int, figures: Metrics, outcome: Outcome, data: TrainingSet, said: list[str]
) -> TrainReport:
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
    if (far := figures.get("elsewhere")) is not None:
        text += (
            f" On sites that it had not seen: {far['error']:.1%} ({far['low']:.1%} to "
            f"{far['high']:.1%}, {far['sites']} sites)."
        )
    if data.left_out:
        text += f" Left out, because it has no image: {', '.join(data.left_out)}."
    if data.unreadable:
        text += f" {len(data.unreadable)} images could not be read and were left out."
    notes = [*data.notes, *outcome.notes, *said]
    return TrainReport(
        run=run_id,
        recipe=outcome.recipe,
        metrics=figures,
        history=tuple(outcome.history),
        choice=outcome.settings.get("choice", data.choice.reason),
        unreadable=tuple(data.unreadable),
        left_out=tuple(data.left_out),
        notes=tuple(notes),
        sentence=" ".join([text, *notes, "Next: review the most suspicious images."]),
    )
