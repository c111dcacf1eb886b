"""The recipe `instant`: heads on frozen features, one a fold and one on the training images alone.

The backbone is frozen and was trained on other images, so the folds' predictions are truly
out-of-fold. The arithmetic is :mod:`curator.learn.instant.fit`'s.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from safetensors.numpy import save

from curator.encode.backbones import load_network
from curator.errors import ProjectAltered
from curator.learn.evaluation.label_quality import self_confidence
from curator.learn.evaluation.report import number
from curator.learn.instant import fit as instant
from curator.learn.instant.heads import Heads, Step
from curator.learn.instant.kernel import judged_by_both
from curator.learn.instant.settings import InstantSettings
from curator.learn.instant.spread import Spread
from curator.learn.recording import HEAD_FILE, WARM_FILE, Outcome, kept_tensors
from curator.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.cluster.settings import ClusterSettings
    from curator.encode.backbones import Backbone
    from curator.jobs.progress import Progress
    from curator.learn.training_set import TrainingSet
    from curator.store.run_json import FindingRow, HistoryRow, Metrics, RunSettings, StepRow
    from curator.store.workspace import Workspace

MUCH_CHANGED = 0.1
"""A share of images come or gone since the last run from which regularisation is chosen anew."""


_KEPT = {"weights": 3, "bias": 2, "mean": 1, "scale": 1}  # of Heads, with their dimensions


@dataclass(frozen=True)
class InstantRecipe:
    """See :class:`curator.learn.recipes.Recipe`."""

    settings: InstantSettings
    cluster: ClusterSettings | None = None
    """Where sums over the images are made; None: here."""
    name: ClassVar[str] = "instant"
    settings_type: ClassVar[type[InstantSettings]] = InstantSettings
    takes_minutes: ClassVar[bool] = False
    backbone_is: ClassVar[str] = "frozen"
    keeps_head: ClassVar[bool] = True

    @property
    def needs_mirrored_features(self) -> bool:
        """Whether predictions are averaged over both views."""
        return self.settings.mirror

    def fit(self, workspace: Workspace, progress: Progress, data: TrainingSet) -> Outcome:
        """See :func:`fit`."""
        return fit(workspace, progress, data, self.settings, self.cluster)

    @staticmethod
    def findings(_data: TrainingSet, _outcome: Outcome, _figures: Metrics) -> list[FindingRow]:
        """None: a convex fit has no curves to read."""
        return []

    @staticmethod
    def model(folder: Path, backbone: Backbone) -> bytes:
        """Backbone and head as one file. Raises WeightsMissing, WeightsAltered, ProjectAltered."""
        import torch
        from safetensors.torch import save as save_tensors

        body = load_network(backbone).state_dict()
        tensors = {f"backbone.{name}": value for name, value in body.items()}
        head = kept_tensors(folder, HEAD_FILE, {"weight": 2, "bias": 1})
        if head is None:
            raise ProjectAltered(
                f"The head of run {folder.name} is missing, or is not what was kept.",
                "Nothing was written. Train again, and export the new run.",
            )
        tensors |= {f"head.{name}": torch.from_numpy(value.copy()) for name, value in head.items()}
        return save_tensors({name: value.contiguous() for name, value in tensors.items()})


def fit(
    workspace: Workspace,
    progress: Progress,
    data: TrainingSet,
    settings: InstantSettings,
    cluster: ClusterSettings | None = None,
) -> Outcome:
    """Fit the heads and judge every image.

    ``cluster``: where sums over the images are made; None: here. Raises NotEnoughData, InputError,
    JobCancelled; on a cluster PackageMissing without Ray, JobError where none answers.
    """
    features = data.rows(workspace)
    mirrored = data.rows(workspace, flip=True) if settings.mirror else None
    progress.begin("training the head")
    history: list[HistoryRow] = []

    def on_step(step: Step) -> None:
        row: StepRow = {
            "step": step.step,
            "train_loss": number(step.train_loss[-1]),
            "valid_loss": number(step.valid_loss[-1]),
            "error_rate": number(step.error_rate[-1]),
            "seconds": round(step.seconds, 3),
        }
        history.append(row)
        progress.row(row)
        progress.check()

    warm, warm_l2 = _last_heads(workspace, data, settings.folds)
    folds = data.folds(settings.folds, workspace.seed)
    with contextlib.ExitStack() as stack:
        summing = stack.enter_context(Spread(cluster.address, progress.check)) if cluster else None
        fitted = instant.fit(
            features,
            data.labels,
            folds,
            data.learnt_from,
            len(data.trained),
            settings,
            trusted=data.trusted,
            flipped=mirrored,
            warm=warm,
            warm_l2=warm_l2,
            on_step=on_step,
            summing=summing,
        )
    weight, bias = fitted.exported()
    heads = fitted.heads
    progress.check()
    both = judged_by_both(features, data.labels, folds, fitted.out_of_fold, heads)
    kept = {name: getattr(heads, name) for name in _KEPT}
    return Outcome(
        recipe=InstantRecipe.name,
        settings={
            **cast("RunSettings", settings.model_dump()),
            "l2_used": fitted.l2,
            "candidates": [
                {"l2": tried.l2, "log_loss": tried.log_loss} for tried in fitted.candidates
            ],
            "temperature": fitted.temperature,
            "seed": workspace.seed,
        },
        history=history,
        probabilities=fitted.out_of_fold,
        in_sample=np.zeros(len(data.labels), dtype=bool),
        fixed=fitted.fixed,
        label_scores=self_confidence(both, data.labels),
        notes=summing.notes if summing else [],
        files={HEAD_FILE: save({"weight": weight, "bias": bias}), WARM_FILE: save(kept)},
    )


def _last_heads(
    workspace: Workspace, data: TrainingSet, folds: int
) -> tuple[Heads | None, float | None]:
    """The last run's heads to start from, and the regularisation that it chose on its folds.

    The latter only while the images are much the same; nothing where classes or backbone changed.
    """
    with workspace.database.read() as connection:
        found = runs.ranking_id(connection)
        if found is None:
            return None, None
        last = runs.get(connection, found)
    same = last.backbone == data.choice.backbone.name and last.settings.get("folds") == folds
    if not same or last.class_ids != data.class_ids:
        return None, None
    kept = kept_tensors(workspace.runs_folder / str(last.id), WARM_FILE, _KEPT)
    if kept is None or not _agree(kept, len(data.class_ids), data.choice.backbone.dimension):
        return None, None
    before, now = last.settings.get("images", 0), len(data.labels)
    chosen = last.settings.get("l2") is None and abs(now - before) <= MUCH_CHANGED * now
    return Heads(**kept), last.settings.get("l2_used") if chosen else None


def _agree(kept: dict[str, NDArray[np.float32]], classes: int, dimension: int) -> bool:
    """Whether the shapes of kept heads are those of F heads over these classes and features."""
    heads = len(kept["weights"])
    wanted = {
        "weights": (heads, classes, dimension),
        "bias": (heads, classes),
        "mean": (dimension,),
        "scale": (dimension,),
    }
    return all(kept[name].shape == shape for name, shape in wanted.items())
