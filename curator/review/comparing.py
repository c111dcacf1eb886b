"""Before and after: two runs on the same validation images, by the labels as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from curator.errors import NoRun
from curator.learn.metrics import compare_errors, wilson_interval
from curator.store import images, ledger, runs, schema

if TYPE_CHECKING:
    from curator.project import Project


def compare(
    project: Project, before: int | None = None, after: int | None = None
) -> dict[str, Any]:
    """Errors of two runs (the first and the newest) on validation images that both have seen.

    The heads compared saw training images only, and the labels are the present ones, so both are
    judged by the same truth. Deleted images are left out. ``before`` and ``after`` hold ``run``,
    ``error`` (0..1), ``low``, ``high`` (95 %, Wilson), ``wrong``; ``p_value`` is of the exact
    paired test; ``corrected`` counts validation images whose label was changed by a person.
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
        live = images.live(connection)
        given = dict(connection.execute(select(schema.images.c.id, schema.images.c.class_id)).all())
        said = [runs.predictions_of(connection, run) for run in (first, last)]
        decisions = ledger.count(connection, first.ledger_position, last.ledger_position)
    live = live[live["split"] == schema.VALID]
    label_of = dict(zip(live["image_id"].tolist(), live["class_id"].tolist(), strict=True))
    guesses = []
    for run, predictions in zip((first, last), said, strict=True):
        classes = np.array(run.class_ids)
        usable = ~np.isnan(predictions.fixed).any(axis=1)
        best = classes[predictions.fixed[usable].argmax(axis=1)] if usable.any() else []
        guesses.append(dict(zip(predictions.image_ids[usable].tolist(), list(best), strict=True)))
    shared = sorted(set(label_of) & set(guesses[0]) & set(guesses[1]))
    wrong = [np.array([g[i] != label_of[i] for i in shared], dtype=bool) for g in guesses]
    p_value = compare_errors(wrong[0], wrong[1]).p_value if shared else 1.0
    sides = [
        {"run": run.id, "wrong": int(bad.sum()), **_interval(bad)}
        for run, bad in zip((first, last), wrong, strict=True)
    ]
    result: dict[str, Any] = {
        "images": len(shared),
        "before": sides[0],
        "after": sides[1],
        "p_value": p_value,
        "decisions": decisions,
        "corrected": sum(given[i] != label_of[i] for i in shared),
    }
    return {**result, "sentence": _sentence(result)}


def _interval(wrong: NDArray[np.bool_]) -> dict[str, float | None]:
    if not len(wrong):
        return {"error": None, "low": None, "high": None}
    low, high = wilson_interval(int(wrong.sum()), len(wrong))
    return {"error": float(wrong.mean()), "low": low, "high": high}


def _sentence(result: dict[str, Any]) -> str:
    before, after, number = result["before"], result["after"], result["images"]
    if not number:
        return "The two runs share no validation image, so they cannot be compared."
    change = after["wrong"] - before["wrong"]
    if change == 0:
        return f"Both runs are wrong on {after['wrong']} of the same {number} validation images."
    direction = "fewer" if change < 0 else "more"
    said = f"{abs(change)} {direction} wrong of the same {number} validation images"
    if result["p_value"] >= 0.05:
        return f"{said}: not distinguishable from chance with {number} images."
    return f"{said}: more than chance explains (p = {result['p_value']:.3f})."
