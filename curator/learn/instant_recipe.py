"""The recipe `instant`: heads on frozen features, one a fold and one on the training images alone.

The backbone is frozen and was trained on other images, so the folds' predictions are truly
out-of-fold. The arithmetic is :mod:`curator.learn.instant`'s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from curator.encode.stored import feature_cache
from curator.learn import instant
from curator.learn.figures import number
from curator.learn.heads import Heads, Step
from curator.learn.recording import HEAD_FILE, WARM_FILE, Outcome, kept_tensors
from curator.store import runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.jobs.progress import Progress
    from curator.learn.training_set import TrainingSet
    from curator.project import Project

MUCH_CHANGED = 0.1
"""A share of images come or gone since the last run from which regularisation is chosen anew."""


_KEPT = {"weights": 3, "bias": 2, "mean": 1, "scale": 1}  # of Heads, with their dimensions


@dataclass(frozen=True)
class Settings(instant.Settings):
    """What a user may set."""

    mirror: bool = False
    """Average with the mirrored image's prediction; its features are computed too."""


def fit(project: Project, progress: Progress, data: TrainingSet, settings: Settings) -> Outcome:
    """Fit the heads and judge every image. Raises NotEnoughData, InputError, JobCancelled."""
    choice = data.choice
    features = feature_cache(project, choice.backbone).rows(data.digests)
    mirrored = None
    if settings.mirror:
        mirrored = feature_cache(project, choice.backbone, flip=True).rows(data.digests)
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

    warm, warm_l2 = _last_heads(project, data, settings.folds)
    fitted = instant.fit(
        features,
        data.labels,
        data.folds(settings.folds, project.seed),
        data.learnt_from,
        len(data.trained),
        settings,
        trusted=data.trusted,
        flipped=mirrored,
        warm=warm,
        warm_l2=warm_l2,
        on_step=on_step,
    )
    weight, bias = fitted.exported()
    heads = fitted.heads
    kept = {name: getattr(heads, name) for name in _KEPT}
    return Outcome(
        recipe="instant",
        settings={
            **asdict(settings),
            "l2_used": fitted.l2,
            "candidates": [asdict(candidate) for candidate in fitted.candidates],
            "temperature": fitted.temperature,
            "seed": project.seed,
        },
        history=history,
        probabilities=fitted.out_of_fold,
        in_sample=np.zeros(len(data.labels), dtype=bool),
        fixed=fitted.fixed,
        files={HEAD_FILE: save({"weight": weight, "bias": bias}), WARM_FILE: save(kept)},
    )


def _last_heads(
    project: Project, data: TrainingSet, folds: int
) -> tuple[Heads | None, float | None]:
    """The last run's heads to start from, and the regularisation that it chose on its folds.

    The latter only while the images are much the same; nothing where classes or backbone changed.
    """
    with project.database.read() as connection:
        found = runs.ranking_id(connection)
        if found is None:
            return None, None
        last = runs.get(connection, found)
    same = last.backbone == data.choice.backbone.name and last.settings.get("folds") == folds
    if not same or last.class_ids != data.class_ids:
        return None, None
    kept = kept_tensors(project, last.id, WARM_FILE, _KEPT)
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
