"""A part of the map: which images lie in it, and how many wrong labels are likely among them.

P(wrong) = sigmoid(a - log(K - 1) + b s + r), where s is the log-odds of the other classes by the
out-of-fold probabilities and r is what sets this region apart: a label that is wrong with odds e^a
and then any of K - 1 others is this one with odds e^(a + s) / (K - 1), by Bayes' rule, and b is for
probabilities that labels of others made too mild. Priors of a, b and r are normal; what people
decided sharpens them, and r what they decided within the region (MAP by Newton's method, Laplace's
approximation around it). The interval is of the number itself: draws of the parameters, and of each
label by them. `benchmarks/map.py` tells how often it holds the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.errors import InputError
from curator.find.map.scores import label_scores
from curator.phrasing import many
from curator.records import Record
from curator.store import runs, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

# Mean and spread of the log-odds that any label is wrong, of b and of r before anybody decided;
# docs/experiments.md
PRIOR = (np.array([-1.8, 1.3, 0.0]), np.array([1.0, 0.4, 0.4]))
_DRAWS = 2000
_EDGE = 1e-3  # of a probability: beyond, its log-odds say nothing more
_STEPS = 50
_JUDGED = ("keep", "relabel", "none", "several")


@dataclass(frozen=True, kw_only=True)
class WrongShare(Record):
    """How many wrong labels are likely in a selection."""

    sentence: str
    images: int
    """Images of the selection that are live."""
    decided: int
    """Those that a person decided on: right."""
    judged: int
    """Those that nobody decided on and that the run judged: what the number is of."""
    wrong: float | None
    """Labels that are likely wrong; None where it cannot be said."""
    low: int | None
    high: int | None
    """The 95 % interval."""


def inside(points: NDArray[np.floating], polygon: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which ``points`` (n, 2) lie in the ``polygon`` (k, 2), k > 2: (n,), by the even-odd rule.

    Raises InputError for what is no polygon.
    """
    corners = np.asarray(polygon, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise InputError(
            f"A polygon of shape {corners.shape} encloses nothing.",
            "Pass three corners or more, each as (x, y).",
        )
    if not np.isfinite(corners).all():
        raise InputError("A corner of the polygon is no number.", "Pass numbers, -1 to 1.")
    places = np.asarray(points, dtype=np.float64)
    found = np.zeros(len(places), dtype=bool)
    box = ((places >= corners.min(axis=0)) & (places <= corners.max(axis=0))).all(axis=1)
    x, y = places[box].T
    crossed = np.zeros(len(x), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            between = (y1 > y) != (y2 > y)
            crossed ^= between & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    found[box] = crossed
    return found


def wrong_within(workspace: Workspace, image_ids: NDArray[np.int64]) -> WrongShare:
    """How many labels are likely wrong among these images, with an interval.

    Deleted images do not count. Raises ProjectAltered.
    """
    image_ids = np.unique(np.asarray(image_ids, dtype=np.int64))
    with workspace.database.read() as connection:
        ids, states = _states(connection)
        own = np.isin(ids, image_ids)
        live = own & ~np.isin(states, schema.OUT)
        open_ = live & np.isin(states, schema.UNDECIDED)
        number, decided = int(live.sum()), int((live & ~open_).sum())
        key = runs.ranking_id(connection)
        if key is None:
            return _unsaid(number, decided, "no run was trained yet: `curator train PROJECT`")
        run = runs.get(connection, key)
        scores, _ = label_scores(connection, run, ids[open_])
        scores = scores[~np.isnan(scores)]
        shown, wrong, within = _answers(connection, image_ids)
    if not number or (not len(scores) and decided < number):
        why = "no image is selected" if not number else "the run judged none of these images"
        return _unsaid(number, decided, why)
    mean, low, high = estimate(scores, shown, wrong, within, len(run.class_ids))
    said = f"About {round(mean)} of {many(number, 'label')} are likely wrong ({low} to {high})."
    if decided:
        said += f" {many(decided, 'label')} of them a person decided on."
    if unknown := number - decided - len(scores):
        said += f" {many(unknown, 'image')} the run has not judged and left out."
    return WrongShare(
        sentence=said,
        images=number,
        decided=decided,
        judged=len(scores),
        wrong=mean,
        low=low,
        high=high,
    )


def estimate(
    scores: NDArray[np.floating],
    shown: NDArray[np.floating],
    wrong: NDArray[np.bool_],
    within: NDArray[np.bool_],
    classes: int,
) -> tuple[float, int, int]:
    """How many labels with these ``scores`` (n,), p[label] out-of-fold, are wrong; 95 % interval.

    ``shown``, ``wrong``, ``within`` (m,): of labels that people decided on the score, whether it
    was wrong, and whether its image is in the region. ``classes``: K. The same input gives the same
    answer.
    """
    mode, spread = _fitted(_columns(shown, within), wrong, classes)
    random = np.random.default_rng(0)
    drawn = mode + random.standard_normal((_DRAWS, 3)) @ np.linalg.cholesky(spread).T
    columns = _columns(scores, np.ones(len(scores), dtype=bool))
    # Many labels share a score to three digits: counted together, whatever the region's size.
    bins = np.round(columns[:, 1], 1)
    each, counts = np.unique(bins, return_counts=True)
    unique = np.stack([np.ones(len(each)), each, np.ones(len(each))], axis=1)
    shares = _sigmoid(drawn @ unique.T)  # (draws, bins)
    totals = random.binomial(counts, shares).sum(axis=1)
    low, high = np.quantile(totals, (0.025, 0.975))
    return float((shares @ counts).mean()), int(np.floor(low)), int(np.ceil(high))


def _columns(scores: NDArray[np.floating], within: NDArray[np.bool_]) -> NDArray[np.float64]:
    p = np.clip(1 - np.asarray(scores, dtype=np.float64), _EDGE, 1 - _EDGE)
    return np.stack([np.ones(len(p)), np.log(p / (1 - p)), within.astype(float)], axis=1)


def _fitted(
    columns: NDArray[np.float64], wrong: NDArray[np.bool_], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The likeliest parameters (3,) and their covariance (3, 3)."""
    middle, width = PRIOR
    middle = middle - np.array([np.log(max(1, classes - 1)), 0, 0])
    precision = np.diag(width**-2.0)
    found = middle.copy()
    for _ in range(_STEPS):
        share = _sigmoid(columns @ found)
        slope = columns.T @ (wrong - share) - precision @ (found - middle)
        bend = (columns * (share * (1 - share))[:, None]).T @ columns + precision
        step = np.linalg.solve(bend, slope)
        found = found + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-8:
            break
    share = _sigmoid(columns @ found)
    bend = (columns * (share * (1 - share))[:, None]).T @ columns + precision
    return found, np.asarray(np.linalg.inv(bend), dtype=np.float64)


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -40, 40)))
    return found


def _states(connection: Connection) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    table = schema.current.c
    rows = connection.execute(select(table.image_id, table.state).order_by(table.image_id)).all()
    return (
        np.array([row.image_id for row in rows], dtype=np.int64),
        np.array([row.state for row in rows], dtype=str),
    )


def _answers(
    connection: Connection, image_ids: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Of the images whose last decision was on a label with a score: it, wrong, and in the region.

    What was deleted says nothing of a label, and what was undone nothing at all.
    """
    made, now = schema.decisions.c, schema.current.c
    query = (
        select(made.image_id, made.score, made.class_before, made.class_after, made.action)
        .join_from(schema.current, schema.decisions, made.id == now.decision_id)
        .where(made.score.is_not(None), made.action.in_(_JUDGED), now.state != schema.UNSURE)
    )
    rows = connection.execute(query).all()
    ids = np.array([row.image_id for row in rows], dtype=np.int64)
    wrong = [row.action == "none" or row.class_before != row.class_after for row in rows]
    return (
        np.array([row.score for row in rows], dtype=np.float64),
        np.array(wrong, dtype=bool),
        np.isin(ids, image_ids),
    )


def _unsaid(number: int, decided: int, why: str) -> WrongShare:
    return WrongShare(
        sentence=f"How many labels are wrong cannot be said: {why}.",
        images=number,
        decided=decided,
        judged=0,
        wrong=None,
        low=None,
        high=None,
    )
