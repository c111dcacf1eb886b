"""Folds for out-of-fold predictions: stratified by label, near-duplicates together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assign_folds(
    labels: NDArray[np.integer], groups: NDArray[np.integer], folds: int = 5, seed: int = 0
) -> NDArray[np.intp]:
    """The fold, 0..folds-1, of each row: (N,).

    ``labels`` (N,) of any integers; ``groups`` (N,): rows of one group (near-duplicates) always
    share a fold. Equal input gives equal output.

    Groups go, larger ones first and equal ones in an order drawn from ``seed``, each to the fold
    that so far holds the smallest share of the group's classes, then the fewest rows. With groups
    of one, a class's counts per fold differ by at most one. A class with fewer groups than folds
    is spread over as many folds as it has groups; with a single group, the head that predicts it
    never saw its class (:meth:`curator.learn.heads.Heads.probabilities` says what comes out).

    Raises :class:`InputError` for fewer than two folds or shapes that do not fit.
    """
    if folds < 2:
        raise InputError(f"{folds} folds cannot hold anything out.", "Use at least 2.")
    if labels.ndim != 1 or labels.shape != groups.shape:
        raise InputError(
            f"Labels {labels.shape} and groups {groups.shape} differ.",
            "Pass one of each per image.",
        )
    result = np.zeros(len(labels), np.intp)
    if len(labels) == 0:
        return result
    _, classes, class_sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.split(np.argsort(numbers, kind="stable"), np.cumsum(sizes)[:-1])
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    shares = [[0.0] * folds for _ in class_sizes]  # of each class, per fold
    totals = [0] * folds
    for number in order:
        rows = members[number]
        present = [int(value) for value in classes[rows]]
        best = min(
            range(folds),
            key=lambda fold: (
                # Rounded: shares that are equal must not differ by an order of summation.
                round(sum(shares[value][fold] for value in set(present)), 9),
                totals[fold],
            ),
        )
        result[rows] = best
        totals[best] += len(rows)
        for value in present:
            shares[value][best] += 1 / int(class_sizes[value])
    return result
