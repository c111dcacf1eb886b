"""How strong the regularisation should be, judged on images that were held out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curator.learn.evaluation.calibration import fit_temperature
from curator.learn.evaluation.metrics import log_loss, softmax
from curator.learn.instant.heads import Heads, solve, start_of
from curator.learn.instant.logistic import Problem
from curator.learn.instant.rows import Rows, pieces

CANDIDATES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Steps of about three: between neighbours the held-out log-loss hardly differs."""
ENOUGH_HELD_OUT = 5000
"""Held-out images that settle the choice; with more, fewer of the folds are asked."""
_TOLERANCE = 1e-3  # a rough fit ranks the candidates as a fine one does


@dataclass(frozen=True)
class Candidate:
    """One strength of regularisation and what it reached."""

    l2: float
    log_loss: float
    """On held-out images, after the best temperature: strong regularisation makes heads timid,
    which the temperature mends, and is not to be held against it. Lower is better."""


def choose_l2(problem: Problem, fold_of: NDArray[np.integer]) -> tuple[list[Candidate], Heads]:
    """Try strengths; return what they reached, and the best one's heads to start from.

    ``problem``: one head a fold, whose strength is ignored; ``fold_of`` (N,). The middle strengths
    are fitted in one batch; an end is tried only where its neighbour was the best of them, since
    the held-out loss over the strength has one valley. Where images abound only the first folds
    are held out for this.
    """
    rows = len(fold_of)
    folds = min(problem.heads, -(-ENOUGH_HELD_OUT * problem.heads // rows))
    asked = np.flatnonzero(np.bincount(fold_of, minlength=problem.heads)[:folds])
    if not len(asked):
        asked = np.unique(fold_of)
    lowest, *middle, highest = CANDIDATES
    found = _tried(problem, fold_of, asked, middle)
    best = _best(found)
    ends = {middle[0]: lowest, middle[-1]: highest}
    if best.l2 in ends:
        found |= _tried(problem, fold_of, asked, [ends[best.l2]])
        best = _best(found)
    return sorted(found, key=lambda one: one.l2), found[best]


def _best(found: Iterable[Candidate]) -> Candidate:
    """The lowest loss; of equal ones the strongest regularisation."""
    return min(found, key=lambda one: (one.log_loss, -one.l2))


def _tried(
    problem: Problem,
    fold_of: NDArray[np.integer],
    asked: NDArray[np.integer],
    strengths: Sequence[float],
) -> dict[Candidate, Heads]:
    """Each strength with what its heads of the folds ``asked`` reach on those folds' images."""
    batch = problem.of_heads(np.tile(asked, len(strengths)), np.repeat(strengths, len(asked)))
    fitted = solve(batch, start_of(batch), tolerance=_TOLERANCE)
    judged = np.isin(fold_of, asked)
    place = np.searchsorted(asked, fold_of)
    labels = problem.labels[judged]
    found: dict[Candidate, Heads] = {}
    for number, l2 in enumerate(strengths):
        mine = slice(number * len(asked), (number + 1) * len(asked))
        heads = replace(fitted, weights=fitted.weights[mine], bias=fitted.bias[mine])
        head_of = np.where(judged, place, -1)
        logits = held_out_logits(heads, problem.features, head_of)[judged]
        heat = fit_temperature(logits, labels)
        found[Candidate(l2, log_loss(softmax(logits / heat), labels))] = heads
    return found


def held_out_logits(
    heads: Heads, features: Rows, head_of: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Logits (N, K) of each row by the head that ``head_of`` (N,) names; NaN rows for -1."""
    result = np.full((len(head_of), heads.classes), np.nan, np.float32)
    for rows in pieces(len(head_of)):
        piece, named = features[rows], head_of[rows]
        part = result[rows]
        for head in np.unique(named[named >= 0]):
            chosen = named == head
            part[chosen] = heads.logits(piece[chosen], int(head))
    return result
