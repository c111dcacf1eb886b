"""Before and after: two runs on the same validation images, with a paired test.

The models compared saw training images only, and both are judged by the same labels. Those are the
present ones; where validation images themselves were cleaned since the first run, the answer is
given by the labels as that run knew them too, because each set has its own bias: the old one holds
wrong labels, the new one was corrected where a model raised a suspicion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.errors import NoRun
from curator.learn.evaluation.metrics import compare_errors, wilson_interval
from curator.records import Record
from curator.review.comparison.history import Known, labels_at
from curator.review.comparison.predictions import guesses
from curator.store import ledger_log, runs
from curator.store.classes import merged_ids
from curator.store.predictions import predictions_of

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

BEFORE, NOW = "before", "now"


@dataclass(frozen=True)
class Judged:
    """How one run does: its error, 0..1, with the 95 % interval (Wilson); None without images."""

    run: int
    wrong: int
    error: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """Points of a hundred, after minus before: negative is better.

    ``low`` and ``high``: 95 %, Newcombe's interval for pairs.
    """

    points: float
    low: float
    high: float


@dataclass(frozen=True)
class Version:
    """Both runs judged by one state of the labels."""

    labels: str
    """"now", or "before": as the first of the two runs knew them."""
    images: int
    """The live ones that both runs judge."""
    unjudged: int
    """Live images that one of the runs cannot judge."""
    before: Judged
    after: Judged
    difference: Difference | None
    """None without images."""
    p_value: float
    """Of the exact McNemar test."""
    sentence: str


@dataclass(frozen=True)
class Comparison(Record):
    """Two runs on the same validation images; the first figures are by the labels as they are now.

    The images are those that the run before was given.
    """

    images: int
    """The live ones that both runs judge."""
    before: Judged
    after: Judged
    difference: Difference | None
    """None without images."""
    p_value: float
    """Of the exact McNemar test."""
    sentence: str
    decisions: int
    """Made between the runs."""
    corrected: int
    """Images whose label is not the given one."""
    relabelled: int
    """Validation images whose label was changed since the run before."""
    deleted: int
    """Validation images that were left out since the run before."""
    warning: str | None
    """What may mislead: validation images were changed, or recipe or network differ."""
    versions: tuple[Version, ...]
    """The figures for each state of the labels: after a change also as the run before knew them,
    with the images deleted since."""


def compare(
    workspace: Workspace, before: int | None = None, after: int | None = None
) -> Comparison:
    """Errors of two runs, by default the first and the newest, on the same validation images.

    Raises NoRun, UnknownRun.
    """
    with workspace.database.read() as connection:
        every = runs.all_runs(connection)
        if not every:
            raise runs.never_trained()
        if len(every) < 2 and before is None:
            raise NoRun("There is one run only.", "Review some images and train again.")
        first = runs.get(connection, before if before is not None else every[0].id)
        last = runs.get(connection, after)
        said = [predictions_of(connection, run) for run in (first, last)]
        common = set(said[0].image_ids.tolist())
        merged = merged_ids(connection)  # classes made one since are not told apart
        then, now, given = (
            {
                i: Known(merged.get(known.class_id, known.class_id), known.state)
                for i, known in labels_at(connection, position).items()
                if i in common
            }
            for position in (first.ledger_position, ledger_log.position(connection), 0)
        )
        judges = [
            {
                i: merged.get(class_id, class_id)
                for i, class_id in guesses(workspace, connection, run, predictions, now).items()
            }
            for run, predictions in zip((first, last), said, strict=True)
        ]
        between = sorted((first.ledger_position, last.ledger_position))
        decisions = ledger_log.count(connection, *between)
    sides = _Sides((first.id, last.id), (judges[0], judges[1]))
    shown = _version(sides, now, NOW)
    changes = _changes(then, now)
    changed = any(changes.values())
    return Comparison(
        images=shown.images,
        before=shown.before,
        after=shown.after,
        difference=shown.difference,
        p_value=shown.p_value,
        sentence=shown.sentence,
        decisions=decisions,
        corrected=sum(given[i].class_id != now[i].class_id for i in sides.shared(now)),
        relabelled=changes["relabelled"],
        deleted=changes["deleted"],
        warning=" ".join(_warnings(changes, first, last)) or None,
        versions=(_version(sides, then, BEFORE), shown) if changed else (shown,),
    )


@dataclass(frozen=True)
class _Sides:
    """Two runs and the class id that each gives an image."""

    run_ids: tuple[int, int]
    guesses: tuple[Mapping[int, int], Mapping[int, int]]

    def shared(self, known: Mapping[int, Known]) -> list[int]:
        """The live images of ``known`` that both runs judge."""
        return [i for i in known if known[i].live and all(i in side for side in self.guesses)]


def _version(sides: _Sides, known: Mapping[int, Known], labels: str) -> Version:
    """Both runs judged by one state of the labels."""
    shared = sides.shared(known)
    wrong = [
        np.array([side[i] != known[i].class_id for i in shared], dtype=bool)
        for side in sides.guesses
    ]
    before, after = map(_judged, sides.run_ids, wrong)
    difference, p_value = None, 1.0
    if shared:
        found = compare_errors(wrong[0], wrong[1])
        difference = Difference(100 * found.difference, 100 * found.low, 100 * found.high)
        p_value = found.p_value
    return Version(
        labels=labels,
        images=len(shared),
        unjudged=sum(item.live for item in known.values()) - len(shared),
        before=before,
        after=after,
        difference=difference,
        p_value=p_value,
        sentence=_sentence(
            len(shared), after.wrong - before.wrong, after.wrong, difference, p_value
        ),
    )


def _changes(then: Mapping[int, Known], now: Mapping[int, Known]) -> dict[str, int]:
    """How many validation images, all live at first, were changed since."""
    pairs = [(then[i], now[i]) for i in then]
    return {
        "relabelled": sum(new.live and old.class_id != new.class_id for old, new in pairs),
        "deleted": sum(not new.live for _, new in pairs),
    }


def _judged(run_id: int, wrong: NDArray[np.bool_]) -> Judged:
    number = int(wrong.sum())
    if not len(wrong):
        return Judged(run_id, number, None, None, None)
    low, high = wilson_interval(number, len(wrong))
    return Judged(run_id, number, float(wrong.mean()), low, high)


def _warnings(changes: dict[str, int], first: runs.Run, last: runs.Run) -> Iterator[str]:
    if any(changes.values()):
        what = " and ".join(f"{number} {name}" for name, number in changes.items() if number)
        yield (
            f"The validation images themselves were changed since run {first.id}: {what}. Most "
            "such changes begin with a model's suspicion, so they may favour the models: compare "
            "the result by the labels before with that by the labels now."
        )
    pairs = (("recipe", first.recipe, last.recipe), ("network", first.backbone, last.backbone))
    other = [f"{name} ({old}, then {new})" for name, old, new in pairs if old != new]
    if other:
        yield f"The runs differ in their {' and '.join(other)}: not only the images changed."


def _sentence(
    number: int, change: int, wrong: int, difference: Difference | None, p_value: float
) -> str:
    """``number``: of images; ``change`` of the ``wrong`` ones, after minus before."""
    if difference is None:
        return "The two runs share no validation image, so they cannot be compared."
    images = f"{number} validation images"
    span = f"95 %: {difference.low:+.1f} to {difference.high:+.1f}"
    error = f"error {difference.points:+.1f} points ({span})"
    if change == 0:
        return f"Both runs are wrong on {wrong} of the same {images}: {error}."
    said = f"{abs(change)} {'fewer' if change < 0 else 'more'} wrong of the same {images}: {error}"
    if p_value >= 0.05:
        return f"{said}, not distinguishable from chance with {number} images."
    shown = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return f"{said}, more than chance explains ({shown})."
