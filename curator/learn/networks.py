"""The job `backbones`: which of the networks at hand serves this project's images best.

Some images of each class are encoded by every network whose weights are on this machine, and judged
by heads that did not see them, in the same folds. What is encoded is kept, so a training with the
network that is recommended goes on from there.

The recommendation is the quickest network that is not told apart from the one with the fewest
errors, by the 95 % interval of their difference on the same images (Newcombe, 1998).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.encode import weights
from curator.encode.backbones import REGISTRY, choose, describe
from curator.encode.project_features import encoder, ensure_features, feature_cache
from curator.errors import InputError, NotEnoughData
from curator.jobs.report import Report
from curator.learn.evaluation.metrics import error_rate, paired_interval
from curator.learn.instant import fit as instant
from curator.learn.instant.settings import FitSettings
from curator.learn.training_set import training_set
from curator.phrasing import many
from curator.store import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from curator.encode.backbones import Choice
    from curator.jobs.progress import Progress
    from curator.learn.training_set import TrainingSet
    from curator.store.workspace import Workspace

IMAGES, FEWEST = 500, 20
"""How many images are tried on when nothing is said, and at least."""
_TIMED = 32  # images that the network alone is timed on


@dataclass(frozen=True)
class TriedBackbone:
    """One network on the images that all were tried on."""

    backbone: str
    error: float
    """Out-of-fold, 0..1; ``low`` and ``high``: Wilson's 95 % interval."""
    low: float
    high: float
    images_a_second: float
    """Through the network alone, without decoding."""


@dataclass(frozen=True, kw_only=True)
class BackbonesReport(Report):
    """The networks at hand, fewest errors first."""

    images: int
    tried: tuple[TriedBackbone, ...]
    recommended: str


def run(
    workspace: Workspace, progress: Progress, images: int = IMAGES, device: str | None = None
) -> BackbonesReport:
    """Try every network at hand on ``images`` images, about as many of each class.

    Raises InputError for fewer than FEWEST, NotEnoughData, WeightsAltered, JobCancelled, FileError.
    """
    if images < FEWEST:
        raise InputError(f"{images} images tell nothing apart.", f"Try on at least {FEWEST}.")
    data = training_set(workspace, progress, None, device)
    chosen = even_rows(data.labels, images)
    if len(chosen) < FEWEST:
        raise NotEnoughData(
            f"There are {len(chosen)} images with a label, too few to compare networks on.",
            f"Label at least {FEWEST}.",
        )
    wrong: dict[str, NDArray[np.bool_]] = {}
    tried = []
    for name in at_hand(workspace):
        choice = choose(name, device)
        judged = _judged(workspace, progress, data, chosen, choice)
        labels = data.labels[chosen]
        wrong[name] = judged != labels
        figure = error_rate(labels, judged)
        tried.append(
            TriedBackbone(name, figure.value, figure.low, figure.high, images_a_second(choice))
        )
        progress.check()
    tried.sort(key=lambda one: (one.error, -one.images_a_second))
    best = recommended(tried, wrong)
    return BackbonesReport(
        images=len(chosen),
        tried=tuple(tried),
        recommended=best,
        sentence=_sentence(tried, best, len(chosen)),
    )


def at_hand(workspace: Workspace) -> list[str]:
    """Names of the networks whose weights are on this machine: known ones, and those of runs."""
    with workspace.database.read() as connection:
        used = [run.backbone for run in runs.all_runs(connection)]
    named = list(dict.fromkeys([*REGISTRY, *used]))
    sources = [(name, describe(name).source) for name in named]
    return [name for name, source in sources if source is None or weights.on_disk(source)]


def even_rows(labels: NDArray[np.integer], most: int) -> NDArray[np.intp]:
    """About as many rows of each class, ``most`` in all, ascending: (M,).

    The first of each class in the order of the rows, which is by content and so as good as chance.
    """
    place = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        place[own] = np.arange(len(own))
    return np.sort(np.argsort(place, kind="stable")[:most])


def _judged(
    workspace: Workspace,
    progress: Progress,
    data: TrainingSet,
    chosen: NDArray[np.intp],
    choice: Choice,
) -> NDArray[np.intp]:
    """The likeliest class (M,) of each of the ``chosen`` (M,) rows, by heads that saw it not."""
    table = data.table.iloc[chosen]
    unreadable = ensure_features(workspace, progress, choice, table)
    if unreadable:
        raise InputError(
            f"{many(len(unreadable), 'image')} cannot be read any more: {unreadable[0][1]}",
            "Run the check, then try again.",
        )
    cache = feature_cache(workspace, choice.backbone, precision=choice.precision)
    progress.begin(f"judging by {choice.backbone.name}")
    settings = FitSettings()
    fitted = instant.fit(
        cache.rows(list(table["sha256"])),
        data.labels[chosen],
        data.folds(settings.folds, workspace.seed)[chosen],
        np.ones(len(chosen), dtype=bool),
        len(data.trained),
        settings,
        trusted=data.trusted[chosen],
    )
    return np.asarray(fitted.out_of_fold.argmax(axis=1), dtype=np.intp)


def images_a_second(choice: Choice) -> float:
    """How many images go through the network in a second: the best of three batches."""
    network, size = encoder(choice), choice.backbone.size
    batch = np.zeros((_TIMED, 3, size, size), np.uint8)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        network.encode(batch)
        seconds.append(time.perf_counter() - began)
    return _TIMED / min(seconds)


def recommended(tried: Sequence[TriedBackbone], wrong: dict[str, NDArray[np.bool_]]) -> str:
    """The quickest of ``tried``, fewest errors first, that errs no more as far as can be told.

    ``wrong`` (M,): by name, which of the same images each one errs on.
    """
    first = wrong[tried[0].backbone]
    alike = []
    for one in tried:
        second = wrong[one.backbone]
        low, _ = paired_interval(
            int((first & second).sum()),
            int((first & ~second).sum()),
            int((second & ~first).sum()),
            len(first),
        )
        if low <= 0:
            alike.append(one)
    return max(alike, key=lambda one: one.images_a_second).backbone


def _sentence(tried: Sequence[TriedBackbone], best: str, images: int) -> str:
    if len(tried) == 1:
        return (
            f"{best} is the only network on this machine: {tried[0].error:.1%} wrong of"
            f" {many(images, 'image')}. `curator backbones` lists what can be had."
        )
    of = {one.backbone: one for one in tried}
    said = f"Use {best}: {of[best].error:.1%} wrong of {many(images, 'image')}"
    if best == tried[0].backbone:
        return f"{said}, the fewest of {len(tried)} networks."
    return (
        f"{said}, which is not told apart from the {tried[0].error:.1%} of {tried[0].backbone}, and"
        f" {of[best].images_a_second / tried[0].images_a_second:.1f} times as fast."
    )
