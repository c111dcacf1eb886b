"""Full-batch L-BFGS for several independent smooth convex problems that share one evaluation.

Nocedal & Wright, Numerical Optimization, 2nd edition: algorithm 7.4 (two-loop recursion) for the
direction, strong Wolfe conditions (3.7) for the step, found by bracketing with secants of the
slope. Each problem keeps its own pairs, step length and stopping point; only the evaluations are
made together, which is where the time goes, and only of problems that are not done. It knows
nothing of what is minimised.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

PAIRS = 10  # of past steps that are remembered
_SUFFICIENT_DECREASE = 1e-4
_CURVATURE = 0.9
_TRIALS = 12
_ROUNDING = 1e-6  # relative error of a loss that is computed in float32
_FARTHEST = 100.0  # times the last length, where no length is known to be too long

Evaluate = Callable[
    [NDArray[np.float32], NDArray[np.intp]], tuple[NDArray[np.float64], NDArray[np.float32]]
]


def minimise(
    evaluate: Evaluate,
    start: NDArray[np.float32],
    steps: int,
    tolerance: float,
    on_step: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Minimise F problems of P parameters each; returns the best points (F, P).

    ``evaluate``: points (A, P) and the numbers (A,) of the problems they belong to, to losses (A,)
    and gradients (A, P). ``start`` (F, P). A problem is done when two steps in a row lower its loss
    by less than ``tolerance``, relative; all are after ``steps``. ``on_step`` gets the step's
    number, 0 for the start, when the last evaluation of every problem is that of its accepted
    point.
    """
    best = start.astype(np.float32)
    active = np.arange(len(best))
    point = best.copy()
    loss, gradient = evaluate(point, active)
    if on_step is not None:
        on_step(0)
    # Newest last; a pair that lacks positive curvature has rho 0 and takes no part.
    moves: list[NDArray[np.float32]] = []
    changes: list[NDArray[np.float32]] = []
    rhos: list[NDArray[np.float32]] = []
    calm = np.zeros(len(point), int)  # steps in a row with hardly any decrease
    for step in range(1, steps + 1):
        direction = _direction(gradient, moves, changes, rhos)
        slope = _dots(gradient, direction)
        downhill = slope < 0
        direction *= downhill[:, None]
        slope = np.where(downhill, slope, 0)
        first = np.ones(len(point))
        if not moves:  # without curvature known, a first step of length 1 at most
            first = np.minimum(1, 1 / np.maximum(np.abs(gradient).sum(axis=1), 1e-12))
        length, new_loss, new_gradient = _search(
            partial(_evaluate_among, evaluate, active),
            (point, loss, gradient),
            direction,
            slope,
            first,
        )
        move = length[:, None].astype(np.float32) * direction
        change = new_gradient - gradient
        curvature = _dots(move, change)
        usable = curvature > 1e-10 * np.maximum(_dots(change, change), 1e-30)
        rho = np.where(usable, 1 / np.where(usable, curvature, 1), 0)
        moves, changes, rhos = (
            [*moves, move][-PAIRS:],
            [*changes, change][-PAIRS:],
            [*rhos, rho.astype(np.float32)][-PAIRS:],
        )
        decrease = (loss - new_loss) / np.maximum(np.abs(loss), 1e-12)
        calm = np.where(decrease < tolerance, calm + 1, 0)
        point, loss, gradient = point + move, new_loss, new_gradient
        best[active] = point
        if on_step is not None:
            on_step(step)
        going = downhill & (calm < 2)
        if not going.any():
            break
        if not going.all():
            active, calm = active[going], calm[going]
            point, loss, gradient = point[going], loss[going], gradient[going]
            moves, changes, rhos = (
                [values[going] for values in kept] for kept in (moves, changes, rhos)
            )
    return best


def _evaluate_among(
    evaluate: Evaluate,
    active: NDArray[np.intp],
    points: NDArray[np.float32],
    among: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Evaluate those problems ``among`` the active ones."""
    return evaluate(points, active[among])


def _direction(
    gradient: NDArray[np.float32],
    moves: list[NDArray[np.float32]],
    changes: list[NDArray[np.float32]],
    rhos: list[NDArray[np.float32]],
) -> NDArray[np.float32]:
    """The two-loop recursion for every problem at once: (A, P)."""
    direction = -gradient
    factors: list[NDArray[np.float32]] = []
    for move, change, rho in zip(reversed(moves), reversed(changes), reversed(rhos), strict=True):
        factor = rho * _dots(move, direction)
        direction -= factor[:, None] * change
        factors.append(factor)
    if moves:
        squared = _dots(changes[-1], changes[-1])
        known = (rhos[-1] > 0) & (squared > 0)
        size = 1 / np.where(known, rhos[-1] * np.where(known, squared, 1), 1)
        direction *= size[:, None].astype(np.float32)
    for move, change, rho, factor in zip(moves, changes, rhos, reversed(factors), strict=True):
        direction += (factor - rho * _dots(change, direction))[:, None] * move
    return direction


def _search(
    evaluate: Evaluate,
    begin: tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float32]],
    direction: NDArray[np.float32],
    slope: NDArray[np.float32],
    first: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Step lengths (A,) that meet the strong Wolfe conditions, with losses and gradients there.

    ``begin``: points, losses and gradients at length 0. Each problem goes where the secant of its
    slope is 0, kept inside its bracket. One that finds no length in _TRIALS stays where it is.
    """
    point, loss, gradient = begin
    low, high = np.zeros(len(loss)), np.full(len(loss), np.inf)
    length = np.where(slope < 0, first, 0)
    new_loss, new_gradient = loss.copy(), gradient.copy()
    open_ = np.flatnonzero(slope < 0)
    for trial in range(_TRIALS + 1):
        if trial == _TRIALS:
            length[open_] = 0
        tried = length[open_]
        there = point[open_] + tried[:, None].astype(np.float32) * direction[open_]
        new_loss[open_], new_gradient[open_] = evaluate(there, open_)
        now = _dots(new_gradient[open_], direction[open_]).astype(np.float64)
        begun = slope[open_]
        slack = _ROUNDING * np.abs(loss[open_])
        bound = loss[open_] + _SUFFICIENT_DECREASE * tried * begun + slack
        # "not <=" rather than ">": a loss that overflowed to NaN is too far as well.
        too_far = ~(new_loss[open_] <= bound) | (now > -_CURVATURE * begun)
        too_near = ~too_far & (now < _CURVATURE * begun)
        high[open_] = np.where(too_far, tried, high[open_])
        low[open_] = np.where(too_near, tried, low[open_])
        missed = too_far | too_near
        if not missed.any() or trial == _TRIALS:
            break
        length[open_] = _next_length(low[open_], high[open_], tried, begun, now)
        length[open_] = np.where(missed, length[open_], tried)
        open_ = open_[missed]
    return length, new_loss, new_gradient


def _next_length(
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    tried: NDArray[np.float64],
    begun: NDArray[np.float32],
    now: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where the slope, ``begun`` at 0 and ``now`` at ``tried``, would be 0; inside the bracket."""
    bracketed = np.isfinite(high)
    width = np.where(bracketed, high, 0) - low
    least = np.where(bracketed, low + 0.1 * width, 2 * tried)
    most = np.where(bracketed, low + 0.9 * width, _FARTHEST * tried)
    bend = now - begun
    usable = np.isfinite(bend) & (bend > 0)
    secant = np.where(usable, -tried * begun / np.where(usable, bend, 1), (least + most) / 2)
    # Without any bend in sight the farthest length is as good a guess as any.
    secant = np.where(~usable & ~bracketed, most, secant)
    result: NDArray[np.float64] = np.clip(secant, least, most)
    return result


def _dots(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row-wise dot products: (A, P), (A, P) to (A,)."""
    result: NDArray[np.float32] = np.einsum("fp,fp->f", left, right)
    return result
