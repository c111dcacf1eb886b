"""Probabilities that mean what they say: one temperature for all logits.

Guo and others, On Calibration of Modern Neural Networks (2017): the logits are divided by one
number, fitted on predictions of rows that the model did not see. The order of the classes in a row
stays, so no error rate changes. One number fitted on N rows flatters by about 1 / (2 N) of log-loss
(half a nat per fitted parameter in all), which is nothing beside the spread of the loss itself; so
it may be fitted on the very out-of-fold logits that it then calibrates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curator.errors import InputError, NotEnoughData
from curator.learn.evaluation.metrics import softmax

COLDEST, HOTTEST = 0.05, 20.0
"""Bounds: where every prediction is right the best temperature is 0, and no probability is."""
_ROUNDS = 60


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature, COLDEST..HOTTEST, that minimises the log-loss of softmax(logits / it).

    ``logits`` (N, K) of rows that the model did not learn from; ``labels`` (N,) in 0..K-1. Above 1
    the model was too sure of itself, below 1 not sure enough. The loss is convex in 1 / temperature
    (a log-sum-exp of linear functions), so its root of the derivative is found by Newton's method
    kept inside a shrinking bracket.

    Raises :class:`NotEnoughData` for no rows, :class:`InputError` for shapes that do not fit or
    logits that are not finite.
    """
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise InputError(
            f"Logits {logits.shape} and labels {labels.shape} do not fit: they must be (N, K) and"
            " (N,).",
            "Pass one label per row of logits.",
        )
    if not len(labels):
        raise NotEnoughData("There is no prediction to calibrate on.", "Label some images first.")
    scores = logits.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    if not np.isfinite(scores).all():
        raise InputError("Some logits are NaN or infinite.", "Fit the heads again.")
    given = float(scores[np.arange(len(labels)), labels].mean())
    low, high = 1 / HOTTEST, 1 / COLDEST
    inverse = 1.0
    for _ in range(_ROUNDS):
        powers = np.exp(scores * inverse)
        powers /= powers.sum(axis=1, keepdims=True)
        means = np.einsum("nk,nk->n", powers, scores)
        slope = float(means.mean()) - given
        bend = float((np.einsum("nk,nk,nk->n", powers, scores, scores) - means**2).mean())
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / bend if bend > 0 else -1.0
        following = step if low < step < high else (low + high) / 2
        if abs(following - inverse) < 1e-6 * inverse:
            break
        inverse = following
    return 1 / inverse


def calibrated_apart(
    logits: NDArray[np.floating], labels: NDArray[np.integer], part_of: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Probabilities (N, K), each row's by the temperature that the other parts' rows give.

    So no figure of these probabilities is of rows that their temperature was fitted on. ``part_of``
    (N,): near-duplicates share a part. A part without others is left as it is. Raises as
    :func:`fit_temperature`.
    """
    found = np.empty(logits.shape, np.float32)
    for part in np.unique(part_of):
        own = part_of == part
        heat = 1.0 if own.all() else fit_temperature(logits[~own], labels[~own])
        found[own] = softmax(logits[own] / heat)
    return found
