"""Full-batch L-BFGS for several independent smooth convex problems that share one evaluation.

Nocedal & Wright, Numerical Optimization, 2nd edition: algorithm 7.4 (two-loop recursion) for the
direction, strong Wolfe conditions (3.7) for the step, found by bracketing. Each problem keeps its
own pairs, step length and stopping point; only the evaluations are made together, which is where
the time goes. It knows nothing of what is minimised.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

PAIRS = 10  # of past steps that are remembered
_SUFFICIENT_DECREASE = 1e-4
_CURVATURE = 0.9
_TRIALS = 12
_ROUNDING = 1e-6  # relative error of a loss that is computed in float32

Evaluate = Callable[[NDArray[np.float32]], tuple[NDArray[np.float64], NDArray[np.float32]]]


def minimise(
    evaluate: Evaluate,
    start: NDArray[np.float32],
    steps: int,
    tolerance: float,
    on_step: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Minimise F problems of P parameters each; returns the best points (F, P).

    ``evaluate``: points (F, P) to losses (F,) and gradients (F, P). ``start`` (F, P). A problem is
    done when two steps in a row lower its loss by less than ``tolerance``, relative; all are after
    ``steps``. ``on_step`` gets the step's number, 0 for the start, right after the evaluation of
    the accepted points.
    """
    point = start.astype(np.float32)
    loss, gradient = evaluate(point)
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
        downhill = (slope < 0) & (calm < 2)
        direction *= downhill[:, None]
        slope = np.where(downhill, slope, 0)
        first = np.ones(len(point))
        if not moves:  # without curvature known, a first step of length 1 at most
            first = np.minimum(1, 1 / np.maximum(np.abs(gradient).sum(axis=1), 1e-12))
        length, new_loss, new_gradient = _search(evaluate, point, loss, direction, slope, first)
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
        if on_step is not None:
            on_step(step)
        if (calm >= 2).all() or not downhill.any():
            break
    return point


def _direction(
    gradient: NDArray[np.float32],
    moves: list[NDArray[np.float32]],
    changes: list[NDArray[np.float32]],
    rhos: list[NDArray[np.float32]],
) -> NDArray[np.float32]:
    """The two-loop recursion for every problem at once: (F, P)."""
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
    point: NDArray[np.float32],
    loss: NDArray[np.float64],
    direction: NDArray[np.float32],
    slope: NDArray[np.float32],
    first: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Step lengths (F,) that meet the strong Wolfe conditions, with losses and gradients there.

    Each problem doubles its length until it brackets, then halves the bracket. A problem that
    finds no length in _TRIALS stays where it is. The last evaluation is at the points returned.
    """
    low, high = np.zeros(len(loss)), np.full(len(loss), np.inf)
    length = np.where(slope < 0, first, 0)
    open_ = slope < 0
    for trial in range(_TRIALS + 1):
        if trial == _TRIALS:
            length = np.where(open_, 0, length)
        new_loss, new_gradient = evaluate(point + length[:, None].astype(np.float32) * direction)
        new_slope = _dots(new_gradient, direction)
        slack = _ROUNDING * np.abs(loss)
        bound = loss + _SUFFICIENT_DECREASE * length * slope + slack
        # "not <=" rather than ">": a loss that overflowed to NaN is too far as well.
        too_far = open_ & (~(new_loss <= bound) | (new_slope > -_CURVATURE * slope))
        too_near = open_ & ~too_far & (new_slope < _CURVATURE * slope)
        open_ = too_far | too_near
        if not open_.any() or trial == _TRIALS:
            break
        high = np.where(too_far, length, high)
        low = np.where(too_near, length, low)
        middle = np.where(np.isinf(high), 2 * low, (low + np.where(np.isinf(high), 0, high)) / 2)
        length = np.where(open_, middle, length)
    return length, new_loss, new_gradient


def _dots(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row-wise dot products: (F, P), (F, P) to (F,)."""
    result: NDArray[np.float32] = np.einsum("fp,fp->f", left, right)
    return result
