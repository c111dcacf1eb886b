"""Instant heads: multinomial logistic regression on features that are computed already.

All heads of a round (one per fold, and one per extra mask) are fitted together: full-batch L-BFGS
(:mod:`curator.learn.instant.lbfgs`) over all rows, each head counting the rows of its own mask. One
pass over the features then serves every head. Works in pieces of rows, so ``features`` may be
memory-mapped.

Per head, with z the standardised features of a row, w its class weights, b its biases and the mean
taken over the head's training rows, the loss is

    mean(-log softmax(z @ w.T + b)[label]) + l2 / 2 * sum(w ** 2) + BIAS_L2 / 2 * sum(b ** 2)

Standardisation uses the mean and deviation of all rows, held-out ones included: it reads no labels,
so out-of-fold predictions leak none.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError, NotEnoughData
from curator.learn.instant.lbfgs import minimise
from curator.learn.instant.logistic import Problem, standard_of
from curator.learn.instant.rows import Rows, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DEFAULT_L2 = 0.03
"""Where nothing better is known; :mod:`curator.learn.instant.regularisation` chooses by the data,
since no constant serves. Held-out log-loss, calibrated, at 0.01, 0.03, 0.1, 0.3 (bundled backbone,
5 folds): 1,797 digits of ten classes 0.130, 0.137, 0.156, 0.192; with 10 % wrong labels 0.867,
0.839, 0.813, 0.819; 480 bears 0.126, 0.123, 0.121, 0.120; with 10 % wrong labels 0.554, 0.547,
0.535, 0.520.
Average precision of the wrong labels follows: 0.946, 0.961, 0.972, 0.973 and 0.889, 0.901, 0.915,
0.936."""

_STEP_LIMIT = 200
_FEW_ROWS = 1024
TOLERANCE = 3e-4
"""Relative decrease of the loss under which a head is done, two steps in a row. Measured on digits
and bears: the out-of-fold log-loss is within 0.7 % of that at 1e-5, for half the steps."""


@dataclass(frozen=True)
class Step:
    """The heads after one step of the fit; every array is (F,), one value per head."""

    step: int
    """Counted from 0, the starting point."""
    train_loss: NDArray[np.float64]
    """Mean cross-entropy over the head's training rows, without the L2 term."""
    valid_loss: NDArray[np.float64]
    """Mean cross-entropy over the rows outside its mask; NaN where there are none."""
    error_rate: NDArray[np.float64]
    """Share of the rows outside its mask whose likeliest class is not the label; may be NaN."""
    seconds: float
    """Since the fit began."""


@dataclass(frozen=True)
class Heads:
    """F fitted heads over D features and K classes, in standardised space."""

    weights: NDArray[np.float32]
    """(F, K, D)"""
    bias: NDArray[np.float32]
    """(F, K)"""
    mean: NDArray[np.float32]
    """(D,), subtracted from the features."""
    scale: NDArray[np.float32]
    """(D,), the features are divided by it; positive."""

    @property
    def classes(self) -> int:
        """K."""
        return int(self.bias.shape[1])

    def folded(self, head: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (K, D) and bias (K,) that take raw features, standardisation folded in."""
        weights = self.weights[head] / self.scale
        return weights, self.bias[head] - weights @ self.mean

    def logits(self, features: NDArray[np.float32], head: int) -> NDArray[np.float32]:
        """Scores (N, K) of raw ``features`` (N, D); their softmax is :meth:`probabilities`."""
        if features.ndim != 2 or features.shape[1] != self.mean.shape[0]:
            raise InputError(
                f"The head takes features (N, {self.mean.shape[0]}), not {features.shape}.",
                "Use the features of the backbone that the head was fitted on.",
            )
        weights, bias = self.folded(head)
        out = np.empty((len(features), self.classes), np.float32)
        for rows in pieces(len(features)):
            out[rows] = features[rows] @ weights.T + bias
        return out

    def probabilities(self, features: NDArray[np.float32], head: int) -> NDArray[np.float32]:
        """Probabilities (N, K) by head number ``head``; rows sum to 1.

        A class without training rows in the head's mask gets a small, finite probability (about
        the odds of BIAS_L2), never an error or NaN.
        """
        logits = self.logits(features, head)
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits


def fit_heads(
    features: Rows,
    labels: NDArray[np.integer],
    masks: NDArray[np.bool_],
    classes: int,
    l2: float = DEFAULT_L2,
    warm: Heads | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Heads:
    """Fit one head per row of ``masks``.

    ``features`` (N, D) raw, may be a memory map; ``labels`` (N,) in 0..classes-1; ``masks`` (F, N),
    True for the rows that a head learns from. ``warm``: heads to start from, of any earlier round
    with the same D and classes (others are ignored); the optimum does not depend on it.
    ``on_step`` is called at the start and after every accepted step.

    Raises :class:`InputError` for shapes that do not fit and for features that are not finite,
    :class:`NotEnoughData` for a head without training rows.
    """
    _check(features, labels, masks, classes)
    strength = np.full(len(masks), l2)
    weights = masks.astype(np.float32)
    problem = Problem(features, labels, weights, ~masks, classes, strength, standard_of(features))
    return solve(problem, start_of(problem, warm), on_step)


def start_of(problem: Problem, warm: Heads | None = None) -> NDArray[np.float32]:
    """The starting points (F, K * (D + 1)): zeros, or the warm heads."""
    heads, width = problem.heads, len(problem.mean)
    weights = np.zeros((heads, problem.classes, width), np.float32)
    bias = np.zeros((heads, problem.classes), np.float32)
    if warm is not None and warm.weights.shape[1:] == weights.shape[1:]:
        # Standardised weights as they are: through raw ones, a column whose deviation vanished with
        # a deleted image would get a weight a thousand times too large.
        source = np.minimum(np.arange(heads), len(warm.weights) - 1)
        weights, bias = warm.weights[source], warm.bias[source]
    start = np.concatenate([weights.reshape(heads, -1), bias], axis=1)
    # Heads that went wrong once must not spoil every round after.
    return start if np.isfinite(start).all() else np.zeros_like(start)


def solve(
    problem: Problem,
    start: NDArray[np.float32],
    on_step: Callable[[Step], None] | None = None,
    tolerance: float = TOLERANCE,
) -> Heads:
    """The heads that minimise ``problem``, from the points ``start`` (F, K * (D + 1)).

    Raises :class:`InputError` when a head's loss is not finite at its end.
    """
    began = time.perf_counter()

    def report(step: int) -> None:
        if on_step is not None:
            on_step(_state(problem, step, time.perf_counter() - began))

    with threads_for(len(problem.labels)):
        found = minimise(problem.evaluate, start, _STEP_LIMIT, tolerance, report)
    if not (np.isfinite(found).all() and np.isfinite(problem.train_loss).all()):
        raise InputError(
            f"The loss of the heads became {problem.train_loss.max()}.",
            f"Use a larger l2 than {problem.l2.min():g}; if that does not help, delete the feature "
            "cache of this backbone.",
        )
    weights, bias = problem.split(found)
    return Heads(weights.copy(), bias.copy(), problem.mean, problem.scale)


def threads_for(rows: int) -> AbstractContextManager[object]:
    """Keep few rows on one thread.

    Products this small gain little by a second thread, and on a busy machine its waiting for the
    other costs more than the fit: 500 images took 2.1 s so, and 0.15 s on one.
    """
    if rows > _FEW_ROWS:
        return nullcontext()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


def _state(problem: Problem, step: int, seconds: float) -> Step:
    """The figures of the last evaluation."""
    unknown = problem.held_out_rows == 0
    return Step(
        step,
        problem.train_loss.copy(),
        np.where(unknown, np.nan, problem.valid_loss),
        np.where(unknown, np.nan, problem.error_rate),
        seconds,
    )


def _check(
    features: Rows,
    labels: NDArray[np.integer],
    masks: NDArray[np.bool_],
    classes: int,
) -> None:
    rows = len(features)
    fitting = labels.shape == (rows,) and masks.ndim == 2 and masks.shape[1] == rows
    if len(features.shape) != 2 or not fitting:
        raise InputError(
            f"Features {features.shape}, labels {labels.shape} and masks {masks.shape} do not fit:"
            " they must be (N, D), (N,) and (F, N).",
            "Pass one label per row of features, and one mask value per row and head.",
        )
    if rows and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InputError(
            f"Labels run from {labels.min()} to {labels.max()}, but there are {classes} classes.",
            f"Use labels 0 to {classes - 1}.",
        )
    if len(masks) == 0 or not masks.any(axis=1).all():
        raise NotEnoughData(
            "A head has no image to learn from.", "Label more images, or use fewer folds."
        )
