"""The joint loss of several multinomial logistic regressions on the same features, with gradient.

Every head counts rows with weights of its own; one pass over the features, in pieces of rows,
serves all heads that are asked for, so ``features`` may be memory-mapped. Per head, with z the
standardised features of a row, w its class weights, b its biases and the mean weighted by the
head's row weights, the loss is

    mean(-log softmax(z @ w.T + b)[label]) + l2 / 2 * sum(w ** 2) + BIAS_L2 / 2 * sum(b ** 2)

The sum over rows may be taken apart (:class:`Sums`), and its parts computed wherever their rows
lie: :mod:`curator.learn.instant.spread`. What minimises it is :mod:`curator.learn.instant.lbfgs`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from curator.errors import InputError
from curator.learn.instant.rows import ROWS_AT_A_TIME, Rows, pieces

BIAS_L2 = 1e-3
"""Keeps the bias of a class that a head never saw finite; too weak to move the others."""

FLOOR = 0.3
"""Times the median deviation of all columns that a column's is taken for at least. A column that is
all but constant would otherwise be blown up, and one new picture that has something there gets a
logit of a thousand: ``docs/experiments.md``, "Columns that are all but constant"."""
_LARGEST = 1e15  # beyond, squares leave float32


@dataclass(frozen=True)
class Sums:
    """What some rows add to the losses of A heads and to their gradients."""

    figures: NDArray[np.float64]
    """(3, A): weighted training loss, then loss and errors of held-out rows."""
    towards_raw: NDArray[np.float32]
    """(A * K, D), the derivative by weights for raw features."""
    towards_bias: NDArray[np.float32]
    """(A * K,)"""

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.figures + other.figures,
            self.towards_raw + other.towards_raw,
            self.towards_bias + other.towards_bias,
        )


_numbers = itertools.count()


class Problem:
    """The loss of F heads; remembers each head's figures of its last evaluation."""

    def __init__(
        self,
        features: Rows,
        labels: NDArray[np.integer],
        weights: NDArray[np.floating],
        held_out: NDArray[np.bool_],
        classes: int,
        l2: NDArray[np.floating],
        standard: tuple[NDArray[np.float32], NDArray[np.float32]],
        summing: Summing | None = None,
    ) -> None:
        """Take ``weights`` and ``held_out`` (F, N), ``l2`` (F,), and mean and deviation (D,).

        ``summing`` sums over the rows; None: here, in pieces.
        """
        self.features, self.classes = features, classes
        self.summing = summing
        self.labels = labels.astype(np.intp)
        self.reweigh(weights)
        self.held_out = held_out
        self.held_out_rows = held_out.sum(axis=1)  # (F,)
        self.l2 = l2.astype(np.float32)
        self.mean, self.scale = standard
        self.heads = len(weights)
        self.train_loss = np.zeros(self.heads)
        self.valid_loss = np.zeros(self.heads)
        self.error_rate = np.zeros(self.heads)

    def reweigh(self, weights: NDArray[np.floating]) -> None:
        """Count rows by other ``weights`` (F, N)."""
        self.number = next(_numbers)  # of these weights, whichever problem has them
        self.weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

    def of_heads(self, heads: NDArray[np.intp], l2: NDArray[np.floating]) -> Problem:
        """The problem of those ``heads`` (A,), each possibly several times, with ``l2`` (A,)."""
        weights, held_out = self.weights[heads], self.held_out[heads]
        return Problem(
            self.features,
            self.labels,
            weights,
            held_out,
            self.classes,
            l2,
            (self.mean, self.scale),
            self.summing,
        )

    def part(self, rows: slice, features: Rows) -> Problem:
        """The same of some rows alone, with their ``features``: its sums are a part of these."""
        found = copy.copy(self)
        found.features, found.labels, found.summing = features, self.labels[rows], None
        found.weights, found.held_out = self.weights[:, rows], self.held_out[:, rows]
        return found

    def split(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (A, K, D) in standardised space and bias (A, K), views of ``points``."""
        weights = points[:, : -self.classes].reshape(len(points), self.classes, -1)
        return weights, points[:, -self.classes :]

    def evaluate(
        self, points: NDArray[np.float32], heads: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Loss (A,) and gradient (A, K * (D + 1)) of ``points``, the state of those ``heads``."""
        weights, bias = self.split(points)
        summing = self.summing or Problem.sums
        found = summing(self, points, heads)
        sums, towards_bias = found.figures, found.towards_bias
        # Raw weights are weights / scale, and the offset holds -raw @ mean: the chain rule.
        towards_raw = found.towards_raw - np.outer(towards_bias, self.mean)
        l2 = self.l2[heads]
        gradient = np.empty_like(points)
        weight_gradient, bias_gradient = self.split(gradient)
        weight_gradient[:] = towards_raw.reshape(weights.shape) / self.scale
        weight_gradient += l2[:, None, None] * weights
        bias_gradient[:] = towards_bias.reshape(bias.shape) + BIAS_L2 * bias
        held_out_rows = np.maximum(self.held_out_rows[heads], 1)
        self.train_loss[heads] = sums[0]
        self.valid_loss[heads] = sums[1] / held_out_rows
        self.error_rate[heads] = sums[2] / held_out_rows
        penalty = l2 / 2 * np.einsum("fkd,fkd->f", weights, weights)
        penalty = penalty + BIAS_L2 / 2 * np.einsum("fk,fk->f", bias, bias)
        return sums[0] + penalty, gradient

    def sums(self, points: NDArray[np.float32], heads: NDArray[np.intp]) -> Sums:
        """What the rows add up to at ``points``, the state of those ``heads``."""
        width = len(heads) * self.classes
        found = Sums(
            np.zeros((3, len(heads))),
            np.zeros((width, len(self.mean)), np.float32),
            np.zeros(width, np.float32),
        )
        for rows, piece, logits in self._logits(points):
            residuals = self._residuals(logits, rows, heads, found.figures)
            np.add(found.towards_raw, residuals @ piece, out=found.towards_raw)
            np.add(found.towards_bias, residuals.sum(axis=1), out=found.towards_bias)
        return found

    def leading(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether no class is likelier than the label: (F, N), by every head for every row."""
        leads = np.empty((len(points), len(self.labels)), bool)
        for rows, _, logits in self._logits(points):
            scores = logits.reshape(len(points), self.classes, -1)
            labels = self.labels[rows]
            given = scores[:, labels, np.arange(len(labels))]
            leads[:, rows] = given >= scores.max(axis=1)
        return leads

    def _logits(
        self, points: NDArray[np.float32]
    ) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.float32]]]:
        """Per piece of rows: which, their features (n, D), and the logits (A * K, n)."""
        weights, bias = self.split(points)
        raw = (weights / self.scale).reshape(-1, weights.shape[2])  # (A * K, D)
        offset = bias.reshape(-1, 1) - (raw @ self.mean)[:, None]
        for rows in pieces(len(self.labels)):
            piece = self.features[rows]
            logits = np.matmul(raw, piece.T, dtype=np.float32)
            logits += offset
            yield rows, piece, logits

    def _residuals(
        self,
        logits: NDArray[np.float32],
        rows: slice,
        heads: NDArray[np.intp],
        sums: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Derivative of the loss by the logits (A * K, n) of one piece of rows; overwrites them.

        Adds to ``sums`` (3, A): weighted training loss, and loss and errors of held-out rows.
        """
        scores = logits.reshape(len(heads), self.classes, -1)  # (A, K, n)
        labels = self.labels[rows]  # (n,)
        weights, held_out = self.weights[heads, rows], self.held_out[heads, rows]  # (A, n)
        each = np.arange(len(labels))
        scores -= scores.max(axis=1, keepdims=True)
        given = scores[:, labels, each]  # (A, n)
        # No credit for ties.
        hits = (given == 0) & ((scores == 0).sum(axis=1) == 1)
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)  # (A, n)
        losses = np.log(total) - given
        sums[0] += np.einsum("fn,fn->f", weights, losses, dtype=np.float64)
        sums[1] += losses.sum(axis=1, where=held_out, dtype=np.float64)
        sums[2] += (held_out & ~hits).sum(axis=1)
        scores *= (weights / total)[:, None, :]
        scores[:, labels, each] -= weights
        return logits


Summing: TypeAlias = Callable[[Problem, "NDArray[np.float32]", "NDArray[np.intp]"], Sums]
"""Gives :meth:`Problem.sums` of a problem, of points and of the heads whose state they are."""


def standard_of(features: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation per column, (D,) and (D,), in one pass; no deviation is below FLOOR.

    A constant column's is 1. Reads no labels, so that standardising held-out rows with the rest
    leaks none. Raises :class:`InputError` that names the rows which hold NaN, infinite or absurdly
    large values.
    """
    rows = len(features)
    # Sums of squares lose digits far from the mean: everything is counted from a guess of it.
    with np.errstate(invalid="ignore", over="ignore"):
        guess = features[: min(rows, ROWS_AT_A_TIME)].mean(axis=0, dtype=np.float64)
        guess = guess.astype(np.float32)
        sums, squares = np.zeros(len(guess)), np.zeros(len(guess))
        for part in pieces(rows):
            offset = features[part] - guess
            sums += offset.sum(axis=0)
            squares += np.einsum("nd,nd->d", offset, offset)
    if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
        _refuse(features)
    away = sums / rows
    mean = guess + away
    scale = np.sqrt(np.maximum(squares / rows - away**2, 0))
    # Rounding leaves a constant column a deviation just above 0, which would blow it up.
    constant = scale <= 1e-6 * np.abs(mean) + 1e-12
    if not constant.all():
        scale = np.maximum(scale, FLOOR * np.median(scale[~constant]))
    scale[constant] = 1
    return mean.astype(np.float32), scale.astype(np.float32)


def _refuse(features: Rows) -> None:
    """Raise :class:`InputError` with the rows that spoil the sums."""
    bad: list[int] = []
    for part in pieces(len(features)):
        with np.errstate(invalid="ignore"):
            fine = (np.abs(features[part]) < _LARGEST).all(axis=1)
        bad += (part.start + np.flatnonzero(~fine)).tolist()
    named = ", ".join(str(row) for row in bad[:5]) + (", ..." if len(bad) > 5 else "")
    raise InputError(
        f"The features of {len(bad)} of {len(features)} images hold NaN, infinite or absurdly "
        f"large values (rows {named}).",
        "Delete the feature cache of this backbone, so that the images are encoded again; if the "
        "same rows stay, look at those images.",
    )
