"""How suspicious a given label is, from predicted probabilities.

Every function takes ``probabilities`` (N, K), rows that sum to 1, and ``labels`` (N,) in 0..K-1.
The scores mean what they say only for out-of-fold probabilities; in-sample, a memorised wrong label
looks right. Lower score = more suspicious. The loss is
:func:`curator.learn.evaluation.metrics.cross_entropy`: it orders rows as self-confidence does,
turned round. Formulas: Northcutt, Jiang and Chuang, Confident Learning (2021), as cleanlab computes
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# cleanlab's tolerance, so that flags agree where a probability equals its threshold.
_TOLERANCE = 1e-6
_SMALLEST = 1e-6  # so that nothing is divided by 0
# Above every probability: nothing is confidently of a class that no image is labelled with.
_UNREACHABLE = 2.0


def self_confidence(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """p[given] of each row: (N,), 0..1, lower = more suspicious. Ranks best on human errors."""
    _check(probabilities, labels)
    given: NDArray[np.float64] = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return given


def normalized_margin(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """(p[given] - the largest other p + 1) / 2 of each row: (N,), 0..1, lower = more suspicious.

    Below 0.5 another class is likelier than the given one.
    """
    given = self_confidence(probabilities, labels)
    others = probabilities.astype(np.float64)
    others[np.arange(len(labels)), labels] = -np.inf
    # A single class has no other: its margin is that to 0.
    result: NDArray[np.float64] = (given - np.maximum(others.max(axis=1), 0) + 1) / 2
    return result


def confident_thresholds(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Per class k, the mean p[k] over the rows labelled k: (K,), 0..1; 2 for a class without rows.

    A row is confidently of class k when its p[k] reaches the threshold.
    """
    _check(probabilities, labels)
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, self_confidence(probabilities, labels), minlength=classes)
    means = sums / np.maximum(counts, 1)
    result: NDArray[np.float64] = np.where(
        counts > 0, np.maximum(means, 2 * _TOLERANCE), _UNREACHABLE
    )
    return result


def normalized_entropy(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Entropy of each row over that of an even guess: (N,), 0 (sure) to 1 (no idea)."""
    chances = probabilities.astype(np.float64)
    terms = chances * np.log(np.where(chances > 0, chances, 1))
    result: NDArray[np.float64] = -terms.sum(axis=1) / np.log(max(probabilities.shape[1], 2))
    return result


def confidence_weighted_entropy(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """How sure the prediction is against how much it believes the label: (N,), 0..1.

    log(1 + r) / r of r = entropy / self-confidence: 1 where either is sure of the label, near 0
    where the prediction is torn and gives the label little; lower = more suspicious.
    """
    doubt = normalized_entropy(probabilities)
    given = np.maximum(self_confidence(probabilities, labels), _SMALLEST)
    ratio = np.maximum(doubt / given, _SMALLEST)
    result: NDArray[np.float64] = np.log1p(ratio) / ratio
    return result


def confident_joint(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Rows (K, K) labelled i that are confidently of class j; rows confident of none are left out.

    Off the diagonal it counts what is probably mislabelled, and how: many images labelled i that
    show j are a class whose search words, or whose definition, should be looked at.
    """
    guess, confident = _confident_guess(probabilities, labels)
    classes = probabilities.shape[1]
    cells = labels[confident].astype(np.int64) * classes + guess[confident]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def is_label_issue(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    trusted: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Rows off the diagonal of the confident joint: (N,), True = probably labelled wrong.

    A row counts for the class whose threshold it reaches (of several, for its likeliest class); it
    is an issue when that is not its label and its likeliest class is not its label either. People
    confirm a fifth to a half of such flags: they order the review, they decide nothing. A row that
    is ``trusted`` (N,), because a person confirmed this very label, is never an issue.
    """
    guess, confident = _confident_guess(probabilities, labels)
    issue: NDArray[np.bool_] = confident & (guess != labels)
    issue &= probabilities.argmax(axis=1) != labels
    return issue if trusted is None else issue & ~trusted


def suggestions(probabilities: NDArray[np.floating], count: int = 3) -> NDArray[np.intp]:
    """The ``count`` likeliest classes of each row, likeliest first: (N, min(count, K)).

    Three, not one: the likeliest is the right label in only 33-54 % of confirmed errors.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    return order[:, :count]


def _confident_guess(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The class (N,) that each row is confidently of, and whether (N,) there is one."""
    thresholds = confident_thresholds(probabilities, labels)
    reached = probabilities >= thresholds - _TOLERANCE  # (N, K)
    several = reached.sum(axis=1) > 1
    guess = np.where(several, probabilities.argmax(axis=1), reached.argmax(axis=1))
    confident = np.asarray(reached.any(axis=1))
    return guess, confident


def _check(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise InputError(
            f"Probabilities {probabilities.shape} and labels {labels.shape} do not fit: they must"
            " be (N, K) and (N,).",
            "Pass one label per row of probabilities.",
        )
    classes = probabilities.shape[1]
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InputError(
            f"Labels run from {labels.min()} to {labels.max()}, but there are {classes} classes.",
            f"Use labels 0 to {classes - 1}.",
        )


def as_counted(
    probabilities: NDArray[np.floating], class_ids: Sequence[int], merged: Mapping[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The present classes (J,) and their probabilities (N, J), those of merged ones added up.

    ``class_ids`` (K,): of the columns of ``probabilities`` (N, K); ``merged``: what each merged one
    counts as, by id.
    """
    counted = np.array([merged.get(key, key) for key in class_ids], dtype=np.int64)  # (K,)
    classes = np.array(list(dict.fromkeys(counted.tolist())), dtype=np.int64)
    found = probabilities.astype(np.float64)
    if len(classes) < len(counted):
        found = found @ (counted[:, None] == classes[None, :])
    return classes, found
