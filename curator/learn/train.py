"""The job `train`: the instant recipe, from images to a scored run.

    images -> features (cached) -> heads: one a fold, and one on the training images alone
           -> out-of-fold probabilities of every image   (ranking, confusion, error)
           -> probabilities of the validation images by the head that never saw them
              (before/after, and the head that is exported)

The backbone is frozen and was trained on other images, so the folds' predictions are truly
out-of-fold.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from curator.check.run import prepare
from curator.encode.backbones import Choice, choose
from curator.encode.stored import encoder, ensure_features, feature_cache, tiny_cache
from curator.errors import InputError, NotEnoughData
from curator.files import write_atomic
from curator.learn import scores
from curator.learn.figures import number, run_figures
from curator.learn.folds import assign_folds
from curator.learn.heads import DEFAULT_L2, Heads, Step, fit_heads
from curator.store import images, ledger, runs, schema
from curator.store.classes import Class, all_classes

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project

HEAD_FILE, WARM_FILE = "head.safetensors", "heads.safetensors"


def run(
    project: Project,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    folds: int = 5,
    l2: float = DEFAULT_L2,
) -> dict[str, Any]:
    """Train on every live image and record a run.

    ``backbone`` and ``device``: chosen automatically when None. ``folds`` 2 or more; ``l2`` > 0 is
    the strength of the regularisation. Raises NotEnoughData, InputError, WeightsMissing,
    WeightsAltered.
    """
    if folds < 2 or l2 <= 0:
        raise InputError(f"folds={folds}, l2={l2}: at least 2 folds and a positive l2 are needed.")
    began = time.perf_counter()
    choice = choose(backbone, device)
    _trainable(project)
    prepare(project, progress, device)
    table, position, classes = _trainable(project)
    unreadable = ensure_features(project, progress, choice, table)
    if unreadable:
        table = table[~table["sha256"].isin([digest for digest, _ in unreadable])]
        _enough(table, [item.name for item in classes])
    extracted = time.perf_counter()

    # By content, not in the order of arrival: the same images give the same folds everywhere.
    table = table.sort_values("sha256")
    present = set(table["class_id"].tolist())
    trained = [item for item in classes if item.id in present]
    column = {item.id: number for number, item in enumerate(trained)}
    labels = np.array([column[i] for i in table["class_id"].tolist()], dtype=np.int64)
    groups = pd.factorize(table["group_id"])[0]
    valid = (table["split"] == schema.VALID).to_numpy(dtype=bool)
    features = feature_cache(project, choice.backbone).rows(table["sha256"].tolist())
    fold_of = assign_folds(labels, groups, folds, project.seed)
    masks = np.stack([fold_of != fold for fold in range(folds)] + [_fixed_mask(labels, valid)])

    progress.begin("training the head")
    history: list[dict[str, Any]] = []

    def on_step(step: Step) -> None:
        row = {
            "step": step.step,
            "train_loss": number(step.train_loss[-1]),
            "valid_loss": number(step.valid_loss[-1]),
            "error_rate": number(step.error_rate[-1]),
            "seconds": round(step.seconds, 3),
        }
        history.append(row)
        progress.row(**row)
        progress.check()

    class_ids = [item.id for item in trained]
    warm = _warm(project, choice, class_ids, folds)
    heads = fit_heads(features, labels, masks, len(trained), l2, warm, on_step)
    out_of_fold = np.empty((len(table), len(trained)), dtype=np.float32)
    for fold in range(folds):
        held_out = fold_of == fold
        if held_out.any():
            out_of_fold[held_out] = heads.probabilities(features[held_out], fold)
    fixed = np.full_like(out_of_fold, np.nan)
    held_out = ~masks[-1]
    if held_out.any():
        fixed[held_out] = heads.probabilities(features[held_out], folds)

    tiny = tiny_cache(project).rows(table["sha256"].tolist())
    figures = run_figures(
        [item.name for item in trained], labels, out_of_fold, fixed, held_out, tiny
    )
    figures["seconds"] = round(time.perf_counter() - began, 3)
    figures["seconds_features"] = round(extracted - began, 3)
    settings = {
        "classes": class_ids,
        "choice": choice.reason,
        "device": choice.device,
        "runtime": choice.runtime,
        "folds": folds,
        "l2": l2,
        "seed": project.seed,
    }
    run_id = _record(
        project,
        (choice.backbone.name, position, settings, figures, history),
        heads,
        runs.Predictions(
            image_ids=table["image_id"].to_numpy(dtype=np.int64),
            labels=table["class_id"].to_numpy(dtype=np.int64),
            is_label_issue=scores.is_label_issue(out_of_fold, labels),
            out_of_fold=out_of_fold,
            fixed=fixed,
        ),
    )
    return _answer(run_id, figures, history, choice, unreadable, classes, trained)


def warm_up() -> None:
    """Load the default backbone now, so that the first training does not wait for it."""
    encoder(choose(None, None))


def _trainable(project: Project) -> tuple[pd.DataFrame, int, list[Class]]:
    """The live images, the last decision, and the classes. Raises NotEnoughData."""
    with project.database.read() as connection:
        table = images.live(connection)
        position = ledger.position(connection)
        classes = all_classes(connection)
    _enough(table, [item.name for item in classes])
    return table, position, classes


def _enough(table: pd.DataFrame, names: list[str]) -> None:
    counts = {name: int((table["label"] == name).sum()) for name in names}
    if not len(table):
        raise NotEnoughData(
            "There is no image to train on.",
            "Fetch or import some, or take deletions back with `curator undo`.",
        )
    filled = [name for name, number in counts.items() if number]
    if len(filled) < 2:
        raise NotEnoughData(
            f"Only the class {filled[0]} has images; a classifier needs at least two classes.",
            "Add a class with images, or take decisions back with `curator undo`.",
        )
    lonely = [name for name, number in counts.items() if number == 1]
    if lonely:
        raise NotEnoughData(
            f"The class {', '.join(lonely)} has one image; each class needs at least 2, and 10 to "
            "mean anything.",
            "Add images to it, or delete that one image to leave the class out.",
        )


def _fixed_mask(labels: NDArray[np.int64], valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows (N,) that the exported head learns from: training images.

    A class whose images all lie in validation (an imported split may do that) is learnt from
    them, since a head that has never seen a class cannot name it.
    """
    mask = ~valid
    for label in np.unique(labels):
        if not mask[labels == label].any():
            mask = mask | (labels == label)
    return mask


def _record(
    project: Project,
    row: tuple[str, int, dict[str, Any], dict[str, Any], list[dict[str, Any]]],
    heads: Heads,
    predictions: runs.Predictions,
) -> int:
    backbone, position, settings, figures, history = row
    weights, bias = heads.folded(heads.weights.shape[0] - 1)
    with project.database.write() as connection:
        run_id = runs.add(connection, "instant", backbone, position, settings, figures, history)
        # Inside the transaction: a run that can be seen has its files; files without a run are
        # overwritten by the next run of that number.
        folder = project.runs_folder / str(run_id)
        write_atomic(folder / HEAD_FILE, save({"weight": weights, "bias": bias}))
        every = {
            "weights": heads.weights,
            "bias": heads.bias,
            "mean": heads.mean,
            "scale": heads.scale,
        }
        write_atomic(folder / WARM_FILE, save(every))
        runs.add_predictions(connection, run_id, settings["classes"], predictions)
    return run_id


def _warm(project: Project, choice: Choice, class_ids: list[int], folds: int) -> Heads | None:
    """The last run's heads to start from, when they are of the same shape and classes."""
    with project.database.read() as connection:
        if runs.latest_id(connection) is None:
            return None
        last = runs.get(connection)
    path = project.runs_folder / str(last.id) / WARM_FILE
    same = last.backbone == choice.backbone.name and last.settings.get("folds") == folds
    if not same or last.class_ids != class_ids or not path.exists():
        return None
    return Heads(**load_file(path))


def _answer(
    run_id: int,
    figures: dict[str, Any],
    history: list[dict[str, Any]],
    choice: Choice,
    unreadable: list[tuple[str, str]],
    classes: list[Any],
    trained: list[Any],
) -> dict[str, Any]:
    rate = figures["out_of_fold"]
    text = (
        f"Run {run_id}: error {rate['error']:.1%} out-of-fold "
        f"({rate['low']:.1%} to {rate['high']:.1%}, {rate['images']} images)."
    )
    left_out = [item.name for item in classes if item not in trained]
    if left_out:
        text += f" Left out, because it has no image: {', '.join(left_out)}."
    if unreadable:
        text += f" {len(unreadable)} images could not be read and were left out."
    return {
        "run": run_id,
        "metrics": figures,
        "history": history,
        "choice": choice.reason,
        "unreadable": [f"{digest}: {problem}" for digest, problem in unreadable],
        "left_out": left_out,
        "sentence": f"{text} Next: review the most suspicious images.",
    }
