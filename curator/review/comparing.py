"""Before and after: two runs on the same validation images, with a paired test.

The models compared saw training images only, and both are judged by the same labels. Those are the
present ones; where validation images themselves were cleaned since the first run, the answer is
given by the labels as that run knew them too, because each set has its own bias: the old one holds
wrong labels, the new one was corrected where a model raised a suspicion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curator.errors import NoRun
from curator.learn.metrics import compare_errors, wilson_interval
from curator.review.guesses import guesses
from curator.review.label_history import Known, labels_at
from curator.store import ledger, runs
from curator.store.classes import merged_ids

if TYPE_CHECKING:
    from curator.project import Project

BEFORE, NOW = "before", "now"


def compare(
    project: Project, before: int | None = None, after: int | None = None
) -> dict[str, Any]:
    """Errors of two runs, by default the first and the newest, on the same validation images.

    The images are those that the run ``before`` was given. ``images``: the live ones among them
    that both runs judge, by the labels as they are now. ``before`` and ``after`` hold ``run``,
    ``error`` (0..1), ``low``, ``high`` (95 %, Wilson), ``wrong``.
    ``difference``: ``points`` of a hundred, after minus before (negative: better), with ``low`` and
    ``high`` (95 %, Newcombe's interval for pairs); None without images. ``p_value`` is of the
    exact McNemar test. ``decisions`` were made between the runs; ``corrected`` counts images whose
    label is not the given one. ``sentence`` says it in words.

    ``relabelled``, ``deleted``: validation images that were changed since the run ``before``;
    where there are any, or the runs differ in recipe or network, ``warning`` says so (else None).
    ``versions`` holds the figures above once
    for each state of the labels: ``labels`` is "now", and after a change also "before", as the run
    ``before`` knew them, with the images deleted since; ``unjudged`` counts images of that state
    that one of the runs cannot judge.

    Raises NoRun, UnknownRun.
    """
    with project.database.read() as connection:
        every = runs.all_runs(connection)
        if not every:
            raise runs.never_trained()
        if len(every) < 2 and before is None:
            raise NoRun("There is one run only.", "Review some images and train again.")
        first = runs.get(connection, before if before is not None else every[0].id)
        last = runs.get(connection, after)
        said = [runs.predictions_of(connection, run) for run in (first, last)]
        common = set(said[0].image_ids.tolist())
        merged = merged_ids(connection)  # classes made one since are not told apart
        then, now, given = (
            {
                i: Known(merged.get(known.class_id, known.class_id), known.state)
                for i, known in labels_at(connection, position).items()
                if i in common
            }
            for position in (first.ledger_position, ledger.position(connection), 0)
        )
        judges = [
            {
                i: merged.get(class_id, class_id)
                for i, class_id in guesses(project, connection, run, predictions, now).items()
            }
            for run, predictions in zip((first, last), said, strict=True)
        ]
        between = sorted((first.ledger_position, last.ledger_position))
        decisions = ledger.count(connection, *between)
    sides = _Sides((first.id, last.id), (judges[0], judges[1]))
    shown = _version(sides, now, NOW)
    changes = _changes(then, now)
    return {
        **{key: value for key, value in shown.items() if key not in {"labels", "unjudged"}},
        "decisions": decisions,
        "corrected": sum(given[i].class_id != now[i].class_id for i in sides.shared(now)),
        **changes,
        "warning": " ".join(_warnings(changes, first, last)) or None,
        "versions": [_version(sides, then, BEFORE), shown] if any(changes.values()) else [shown],
    }


@dataclass(frozen=True)
class _Sides:
    """Two runs and the class id that each gives an image."""

    run_ids: tuple[int, int]
    guesses: tuple[Mapping[int, int], Mapping[int, int]]

    def shared(self, known: Mapping[int, Known]) -> list[int]:
        """The live images of ``known`` that both runs judge."""
        return [i for i in known if known[i].live and all(i in side for side in self.guesses)]


def _version(sides: _Sides, known: Mapping[int, Known], labels: str) -> dict[str, Any]:
    """Both runs judged by one state of the labels."""
    shared = sides.shared(known)
    wrong = [
        np.array([side[i] != known[i].class_id for i in shared], dtype=bool)
        for side in sides.guesses
    ]
    judged = [
        {"run": run_id, "wrong": int(bad.sum()), **_interval(bad)}
        for run_id, bad in zip(sides.run_ids, wrong, strict=True)
    ]
    result: dict[str, Any] = {
        "labels": labels,
        "images": len(shared),
        "unjudged": sum(item.live for item in known.values()) - len(shared),
        "before": judged[0],
        "after": judged[1],
        "difference": None,
        "p_value": 1.0,
    }
    if shared:
        found = compare_errors(wrong[0], wrong[1])
        result["difference"] = {
            "points": 100 * found.difference,
            "low": 100 * found.low,
            "high": 100 * found.high,
        }
        result["p_value"] = found.p_value
    return {**result, "sentence": _sentence(result)}


def _changes(then: Mapping[int, Known], now: Mapping[int, Known]) -> dict[str, int]:
    """How many validation images, all live at first, were changed since."""
    pairs = [(then[i], now[i]) for i in then]
    return {
        "relabelled": sum(new.live and old.class_id != new.class_id for old, new in pairs),
        "deleted": sum(not new.live for _, new in pairs),
    }


def _interval(wrong: NDArray[np.bool_]) -> dict[str, float | None]:
    if not len(wrong):
        return {"error": None, "low": None, "high": None}
    low, high = wilson_interval(int(wrong.sum()), len(wrong))
    return {"error": float(wrong.mean()), "low": low, "high": high}


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


def _sentence(result: dict[str, Any]) -> str:
    before, after, number = result["before"], result["after"], result["images"]
    if not number:
        return "The two runs share no validation image, so they cannot be compared."
    images = f"{number} validation images"
    span = result["difference"]
    change = after["wrong"] - before["wrong"]
    error = f"error {span['points']:+.1f} points (95 %: {span['low']:+.1f} to {span['high']:+.1f})"
    if change == 0:
        return f"Both runs are wrong on {after['wrong']} of the same {images}: {error}."
    said = f"{abs(change)} {'fewer' if change < 0 else 'more'} wrong of the same {images}: {error}"
    if result["p_value"] >= 0.05:
        return f"{said}, not distinguishable from chance with {number} images."
    p_value = "p < 0.001" if result["p_value"] < 0.001 else f"p = {result['p_value']:.3f}"
    return f"{said}, more than chance explains ({p_value})."
