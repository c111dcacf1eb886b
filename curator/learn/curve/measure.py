"""Would more images help? The error of instant heads that learn from a growing part of the images.

Every image is judged by heads that saw neither it nor its near-duplicates: the images are dealt
into folds, each fold is held out in turn, and heads learn from 10 % to 100 % of the other folds,
the smaller parts contained in the larger ones. So every size is judged on the same images, on all
of them. It is repeated with other folds and other draws. Power laws through the errors say what
twice as many would bring.

It answers for images of the same kind and labels of the same quality, and for the frozen backbone:
other images, or fine-tuning, may do better than the curve.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError
from curator.jobs.report import Report
from curator.learn.curve.reading import Curve, Gain, Point, conclude
from curator.learn.folds import assign_folds
from curator.learn.instant.heads import DEFAULT_L2, Heads, fit_heads
from curator.learn.training_set import training_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

FOLDS = 5
SMALLEST_SHARE = 0.1  # of the training images, at the first point
ONE_REPEAT_ABOVE = 10_000  # images: one deal of the folds is precise enough, and takes its time
DIGITS = 5  # of a rate, in a report


@dataclass(frozen=True)
class MoreOf:
    """A class, and how many more images of it, twice as many, would help.

    The curve grows all classes at once: it tells where the gain falls, not what this class alone
    would bring.
    """

    label: str
    images: int
    points: float
    """By which its error would fall, in points of a hundred."""


@dataclass(frozen=True, kw_only=True)
class CurveReport(Report):
    """Whether more images would help."""

    points: tuple[Point, ...]
    fitted: dict[str, float]
    """``a``, ``b`` and ``c`` of error = a + b * images ** -c, 0 or more."""
    gain: Gain
    verdict: str
    """"helps", "flat", "unclear", "too few" or "no errors"."""
    judged_on: int
    """Images."""
    choice: str
    """Where the features were computed, and why there."""
    notes: tuple[str, ...]
    more_of: tuple[MoreOf, ...]
    """The classes of which more images would help, the one where they help most first."""


def run(
    workspace: Workspace,
    progress: Progress,
    backbone: str | None = None,
    device: str | None = None,
    points: int = 6,
    repeats: int = 3,
) -> CurveReport:
    """The job `learning-curve`: measure on the project's live images; nothing is recorded as a run.

    Raises what the job `train` raises, and InputError for fewer than 3 points or 1 repeat.
    """
    data = training_set(workspace, progress, backbone, device)
    features = data.features(workspace)

    def on_fit(done: int, total: int) -> None:
        if not done:
            progress.begin("training on growing parts of the images", total)
        progress.reach(done)

    found = learning_curve(
        features,
        data.labels,
        data.groups,
        points=points,
        repeats=repeats,
        seed=workspace.seed,
        on_fit=on_fit,
        check=progress.check,
    )
    return CurveReport(
        points=tuple(
            replace(
                point,
                error=round(point.error, DIGITS),
                low=round(point.low, DIGITS),
                high=round(point.high, DIGITS),
            )
            for point in found.points
        ),
        fitted={key: round(value, DIGITS) for key, value in found.fitted.items()},
        gain=Gain(
            points=round(found.gain.points, DIGITS),
            low=round(found.gain.low, DIGITS),
            high=round(found.gain.high, DIGITS),
        ),
        verdict=found.verdict,
        judged_on=len(data.labels),
        choice=data.choice.reason,
        notes=tuple(data.notes),
        more_of=tuple(
            MoreOf(data.names[item.label], item.images, round(item.gain.points, DIGITS))
            for item in sorted(found.classes, key=lambda item: -item.spared)
            if item.helps
        ),
        sentence=found.sentence,
    )


def learning_curve(
    features: NDArray[np.float32],
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    points: int = 6,
    repeats: int = 3,
    l2: float = DEFAULT_L2,
    seed: int = 0,
    on_fit: Callable[[int, int], None] | None = None,
    check: Callable[[], None] | None = None,
) -> Curve:
    """Measure the curve and say what it means.

    ``features`` (N, D); ``labels`` (N,) 0..K-1, each class at least twice; ``groups`` (N,):
    near-duplicates share a number. ``points`` sizes, 3 or more; ``repeats`` 1 or more (1 is taken
    above ``ONE_REPEAT_ABOVE`` images). ``on_fit(done, total)`` is told of every finished fit, and
    of 0 at the start; ``check`` is called at every step and may raise to stop.

    Raises :class:`InputError`, :class:`NotEnoughData`.
    """
    if points < 3 or repeats < 1:
        raise InputError(
            f"points={points}, repeats={repeats}: a curve takes 3 points and 1 repeat or more."
        )
    repeats = 1 if len(labels) > ONE_REPEAT_ABOVE else repeats
    classes = int(labels.max()) + 1
    shares = np.geomspace(SMALLEST_SHARE, 1, points)
    wrong = np.zeros((points, len(labels)))  # share of the repeats that misjudge the image
    sizes = np.zeros(points)
    report = on_fit or (lambda _done, _total: None)
    report(0, points * repeats)
    for repeat in range(repeats):
        fold_of = assign_folds(labels, groups, FOLDS, seed + repeat)
        rank = np.stack(
            [
                draw_order(labels, groups, fold_of != fold, seed + FOLDS * repeat + fold)
                for fold in range(FOLDS)
            ]
        )  # (FOLDS, N)
        heads: Heads | None = None
        for index, share in enumerate(shares):
            # A head needs training rows; with one group in all, a fold has none.
            masks = rank < share
            used = np.flatnonzero(masks.any(axis=1))
            heads = fit_heads(
                features,
                labels,
                masks[used],
                classes,
                l2,
                heads,
                (lambda _step: check()) if check else None,
            )
            for head, fold in enumerate(used):
                held_out = fold_of == fold
                if held_out.any():
                    said = heads.probabilities(features[held_out], head).argmax(axis=1)
                    wrong[index, held_out] += (said != labels[held_out]) / repeats
            sizes[index] += masks[used].sum(axis=1).mean() / repeats
            report(repeat * points + index + 1, points * repeats)
    return conclude(sizes, wrong, labels, groups, repeats, seed)


def draw_order(
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    train: NDArray[np.bool_],
    seed: int,
) -> NDArray[np.float64]:
    """When each row (N,) joins, 0..1: a part of ``share`` is the rows below ``share``.

    Only ``train`` rows (N,) ever join (the others are infinite). Stratified: each class joins at
    the same pace, and every class has a group from the start. Rows of a group join together, with
    the class that most of them have.
    """
    order = np.full(len(labels), np.inf)
    rows = np.flatnonzero(train)
    if not len(rows):
        return order
    _, number_of, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
    _, own = np.unique(labels[rows], return_inverse=True)
    votes = np.zeros((len(sizes), own.max() + 1), np.int64)
    np.add.at(votes, (number_of, own), 1)
    label_of = votes.argmax(axis=1)  # (G,)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    joins = np.zeros(len(sizes))
    for label in np.unique(label_of):
        members = shuffled[label_of[shuffled] == label]
        before = np.cumsum(sizes[members]) - sizes[members]
        joins[members] = before / sizes[members].sum()
    order[rows] = joins[number_of]
    return order
