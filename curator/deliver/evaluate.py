"""The job `evaluate`: a run's model, as it would be exported, on the test images.

Nothing else ever looks at them, so the error says what a new picture of the same kind may expect,
as long as nobody chooses by it. Each look is recorded and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.check.job import prepare
from curator.deliver import by_torch
from curator.encode.backbones import choose, fetch_weights
from curator.encode.preprocess import prepare_image
from curator.errors import NotEnoughData
from curator.imaging.decoding import decode
from curator.jobs.report import Report
from curator.learn.evaluation.report import class_figures, figures_of
from curator.learn.recipes import recipe_named
from curator.phrasing import capitalised, many
from curator.review.queue.judgement import judge
from curator.store import images, judgements, runs, schema
from curator.store.classes import merged_ids, names_by_id
from curator.store.database import pieces
from curator.store.originals import read_whole

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from PIL import Image

    from curator.jobs.progress import Progress
    from curator.store.run_json import ClassFigures, Quality
    from curator.store.workspace import Workspace

_AT_ONCE = 32  # pictures in memory


@dataclass(frozen=True, kw_only=True)
class EvaluationReport(Report):
    """How a run's model did on the test images."""

    run: int
    quality: Quality
    per_class: tuple[ClassFigures, ...]
    unknown: int
    """Test images of classes that the model does not know; they are not counted."""
    learnt: int
    """Test images that were put aside after the run had learnt from them; they are not counted."""
    times: int
    """How often this run was judged on the test images, this time included."""
    times_in_all: int
    """The same of all runs."""


def run(workspace: Workspace, progress: Progress, run_id: int | None = None) -> EvaluationReport:
    """Judge the model of a run, by default of the one in use, and record that it was.

    Raises NotEnoughData where there is no test image, or none that the run did not learn from,
    NoRun, UnknownRun, WeightsMissing, ProjectAltered, OriginalMissing, OriginalAltered.
    """
    prepare(workspace, progress)
    with workspace.database.read() as connection:
        found = runs.to_export(connection) if run_id is None else runs.get(connection, run_id)
        if found.interim and not found.out_of_fold:
            raise runs.replaced(found)
        table = images.live(connection)
        merged, names = merged_ids(connection), names_by_id(connection)
        known_to = judgements.learnt_from(connection, found.id)
    table = table[table["split"] == schema.TEST]
    known = {merged.get(class_id, class_id) for class_id in found.class_ids}
    unknown = int((~table["class_id"].isin(known)).sum())
    table = table[table["class_id"].isin(known)]
    if table.empty:
        raise NotEnoughData(
            "There is no test image to judge the model on.",
            "Put some aside with `curator test-split PROJECT`, or import a folder with "
            "test/CLASS/image.jpg.",
        )
    seen = table["image_id"].isin(known_to)
    learnt, table = int(seen.sum()), table[~seen]
    if table.empty:
        raise NotEnoughData(
            f"{capitalised(found.title)} has learnt from "
            f"{many(learnt, 'test image')}, from before they were put aside: it cannot be judged.",
            "Train again, and judge that run: `curator train PROJECT`.",
        )
    progress.begin("judging the test images", len(table))
    shares = _probabilities(workspace, progress, found, table)
    labels = table["class_id"].to_numpy(dtype=np.int64)
    judged = judge(shares, found.class_ids, labels, merged)
    place = {class_id: number for number, class_id in enumerate(judged.class_ids)}
    truth = np.array([place[label] for label in labels.tolist()], dtype=np.int64)
    said = judged.probabilities.astype(np.float32)
    quality = figures_of(truth, said)
    per_class = class_figures([names[key] for key in judged.class_ids], truth, said)
    with workspace.database.write() as connection:
        judgements.record(connection, found.id, quality, per_class, unknown)
        times, in_all = judgements.times(connection, found.id), judgements.times(connection)
    return EvaluationReport(
        run=found.id,
        quality=quality,
        per_class=tuple(per_class),
        unknown=unknown,
        learnt=learnt,
        times=times,
        times_in_all=in_all,
        sentence=_sentence(found, quality, unknown, learnt, times, in_all),
    )


def _probabilities(
    workspace: Workspace, progress: Progress, run: runs.Run, table: pd.DataFrame
) -> NDArray[np.float32]:
    """What the run's model, from what is kept of it, says of the images: (N, K)."""
    from safetensors.torch import load

    backbone = choose(run.backbone, "cpu").backbone
    fetch_weights(backbone)
    kept = recipe_named(run.recipe).model(workspace.runs_folder / str(run.id), backbone)
    mirror = bool(run.settings.get("mirror"))
    model = by_torch.as_model(by_torch.network_of(load(kept), backbone, mirror=mirror))
    answers = []
    for piece in pieces(table.to_dict("records"), _AT_ONCE):
        pixels = [prepare_image(_picture(workspace, image), backbone) for image in piece]
        answers.append(model(np.stack(pixels))[0])
        progress.advance(len(piece))
    return np.concatenate(answers)


def _picture(workspace: Workspace, image: dict[Any, Any]) -> Image.Image:
    return decode(read_whole(workspace.original(image["file"]), image["sha256"], image["bytes"]))


def _sentence(
    run: runs.Run, quality: Quality, unknown: int, learnt: int, times: int, in_all: int
) -> str:
    said = (
        f"{capitalised(run.title)} on {many(quality['images'], 'test image')}: error "
        f"{quality['error']:.1%} ({quality['low']:.1%} to {quality['high']:.1%})."
    )
    if unknown:
        said += f" {many(unknown, 'image is', 'images are')} of a class that it does not know."
    if learnt:
        said += f" {many(learnt, 'more is', 'more are')} left out: it learnt from them."
    said += f" Judged on the test set {many(times, 'time')}"
    said += f", {many(in_all, 'time')} over all runs." if in_all > times else "."
    return f"{said} Choose between runs by the validation images: curator compare PROJECT"
