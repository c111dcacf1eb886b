"""What a recipe hands back, and keeping it as a run: figures, per-image predictions, files."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.encode.backbones import weights_sha256
from curator.files import write_atomic
from curator.learn.evaluation import label_quality as scores
from curator.store import run_writer as publishing
from curator.store.predictions import Predictions
from curator.trust import inside, plain_file
from curator.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from curator.learn.training_set import TrainingSet
    from curator.store.run_json import HistoryRow, Metrics, RunSettings
    from curator.store.workspace import Workspace

HEAD_FILE, WARM_FILE, MODEL_FILE = "head.safetensors", "heads.safetensors", "model.safetensors"
"""In a run's folder: the exported head; the heads of all folds; a fine-tuned backbone with head."""
_PACKAGES = ("torch", "timm", "numpy", "onnxruntime", "pillow")


def kept_tensors(
    folder: Path, file: str, dimensions: Mapping[str, int]
) -> dict[str, NDArray[np.float32]] | None:
    """Tensors of a file in a run's folder; None where it is missing or not what was kept.

    ``dimensions``: of each tensor that is wanted. They come from anyone who had the project: finite
    float32 numbers, or as good as none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = plain_file(inside(folder, file))
    if not path.exists():
        return None
    try:
        found = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None
    good = all(
        name in found
        and found[name].ndim == number
        and found[name].dtype == np.float32
        and bool(np.isfinite(found[name]).all())
        for name, number in dimensions.items()
    )
    return {name: found[name] for name in dimensions} if good else None


@dataclass(frozen=True)
class Outcome:
    """A trained model and what it says of N images; K classes."""

    recipe: str
    settings: RunSettings
    """What was asked for and what was chosen, as JSON."""
    history: list[HistoryRow]
    """The training table."""
    probabilities: NDArray[np.float32]
    """(N, K), calibrated; by models that did not see the image, but for the rows of `in_sample`."""
    in_sample: NDArray[np.bool_]
    """(N,)"""
    fixed: NDArray[np.float32]
    """(N, K), calibrated, by the exported model; NaN rows where it saw the image."""
    files: Mapping[str, bytes]
    """Name to content, kept in the run's folder."""
    judged: NDArray[np.float32] | None = None
    """As ``fixed``, but by a temperature that was fitted on other images: what figures of its
    probabilities are of. None: ``fixed`` itself is so."""
    label_scores: NDArray[np.float64] | None = None
    """(N,), 0..1, how much each label is believed, which orders a review; None: its probability."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the user: what had to be changed, made again or given up on the way."""

    @property
    def out_of_fold(self) -> NDArray[np.float32] | None:
        """The probabilities, when none of them is in-sample."""
        return None if self.in_sample.any() else self.probabilities


def versions() -> dict[str, str]:
    """What the figures of a run may depend on besides its settings."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "curator": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **found,
    }


def record(
    workspace: Workspace,
    data: TrainingSet,
    outcome: Outcome,
    figures: Metrics,
    interim: bool = False,
) -> int:
    """Keep a run; return its id. Either all of it can be seen or nothing.

    ``interim``: a refit between two pages of a review. Older interim runs lose their predictions.
    """
    choice = data.choice
    settings: RunSettings = {
        "classes": data.class_ids,
        "images": len(data.table),
        "data_sha256": data.data_sha256,
        "unreadable": len(data.unreadable),
        "choice": choice.reason,
        "features": choice.backbone.key,
        "weights_sha256": weights_sha256(choice.backbone),
        "device": choice.device,
        "runtime": choice.runtime,
        "versions": versions(),
        "notes": [*data.notes, *outcome.notes],
        **outcome.settings,
    }
    out_of_fold = outcome.out_of_fold
    flagged = np.zeros(len(data.labels), dtype=bool)
    if out_of_fold is not None:
        flagged = scores.is_label_issue(out_of_fold, data.labels, data.trusted)
    run_id = publishing.begin(
        workspace.database,
        recipe=outcome.recipe,
        backbone=choice.backbone.name,
        ledger_position=data.position,
        settings=settings,
        metrics=figures,
        history=outcome.history,
    )
    folder = workspace.runs_folder / str(run_id)
    for name, content in outcome.files.items():
        write_atomic(folder / name, content)
    said = Predictions(
        image_ids=data.table["image_id"].to_numpy(dtype=np.int64),
        labels=data.table["class_id"].to_numpy(dtype=np.int64),
        is_label_issue=flagged,
        probabilities=outcome.probabilities,
        fixed=outcome.fixed,
        in_sample=outcome.in_sample,
        label_scores=outcome.label_scores,
    )
    publishing.write_predictions(workspace.database, run_id, data.class_ids, said)
    publishing.show(workspace.database, run_id, out_of_fold is not None, interim)
    publishing.sweep(workspace.database, workspace.runs_folder)
    return run_id
