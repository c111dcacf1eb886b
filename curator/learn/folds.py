"""Folds for out-of-fold predictions: stratified by label, near-duplicates together.

Folds stay as they are when a few images are relabelled, added or removed, so that heads which are
fitted again start next to where they end. What an image's place among the others depends on is
its key alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError
from curator.hashing import draws

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assign_folds(
    labels: NDArray[np.integer],
    groups: NDArray[np.integer],
    folds: int = 5,
    seed: int = 0,
    keys: NDArray[np.integer] | None = None,
) -> NDArray[np.intp]:
    """The fold, 0..folds-1, of each row: (N,).

    ``labels`` (N,) of any integers; ``groups`` (N,): rows of one group (near-duplicates) always
    share a fold. ``keys`` (N,): a number per image that it keeps for life, such as the first bytes
    of its hash; the row's number when None. Equal input gives equal output; with keys, the order
    of the rows does not matter to single images, and one changed label moves a handful of others.

    Groups of several rows go first, larger ones before, each to the fold that so far holds the
    smallest share of the group's classes, then the fewest rows. The single rows of a class, in an
    order drawn from ``seed`` and key, fill the folds up one after the other, so that the class's
    counts differ by at most one where the groups allow. A class with fewer groups than folds is
    spread over as many folds as it has groups; with a single group, the head that predicts it never
    saw its class (:meth:`curator.learn.instant.heads.Heads.probabilities` says what comes out).

    Raises :class:`InputError` for fewer than two folds or shapes that do not fit.
    """
    if folds < 2:
        raise InputError(f"{folds} folds cannot hold anything out.", "Use at least 2.")
    if keys is None:
        keys = np.arange(len(labels))
    if labels.ndim != 1 or labels.shape != groups.shape or labels.shape != keys.shape:
        raise InputError(
            f"Labels {labels.shape}, groups {groups.shape} and keys {keys.shape} differ.",
            "Pass one of each per image.",
        )
    result = np.zeros(len(labels), np.intp)
    if len(labels) == 0:
        return result
    _, classes, class_sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    drawn = draws(keys, seed)
    counts = np.zeros((len(class_sizes), folds), np.intp)
    single = sizes[numbers] == 1
    _place_groups(result, counts, (classes, class_sizes, numbers, drawn), ~single)
    for value in range(len(class_sizes)):
        rows = np.flatnonzero(single & (classes == value))
        rows = rows[np.argsort(drawn[rows], kind="stable")]
        wanted = _filling(counts[value], counts.sum(axis=0), len(rows))
        result[rows] = np.repeat(np.arange(folds), wanted)
        counts[value] += wanted
    return result


def _place_groups(
    result: NDArray[np.intp],
    counts: NDArray[np.intp],
    known: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.uint64]],
    several: NDArray[np.bool_],
) -> None:
    """Give the rows of ``several`` (N,), whole groups, their folds; count them by class."""
    classes, class_sizes, numbers, drawn = known
    rows = np.flatnonzero(several)
    if not len(rows):
        return
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    members = np.split(rows, np.flatnonzero(np.diff(numbers[rows])) + 1)
    members.sort(key=lambda group: (-len(group), int(drawn[group].min())))
    for group in members:
        present = classes[group]
        # Rounded: shares that are equal must not differ by an order of summation.
        found = np.unique(present)
        share = (counts[found] / class_sizes[found][:, None]).sum(axis=0).round(9)
        best = np.lexsort((counts.sum(axis=0), share))[0]
        result[group] = best
        np.add.at(counts, (present, best), 1)


def _filling(held: NDArray[np.intp], totals: NDArray[np.intp], rows: int) -> NDArray[np.intp]:
    """How many of ``rows`` each fold gets, so that what it holds (folds,) becomes level."""
    low, high = int(held.min()), int(held.min()) + rows
    while low < high:  # the highest level to which the rows can fill all folds
        middle = (low + high + 1) // 2
        if np.maximum(middle - held, 0).sum() <= rows:
            low = middle
        else:
            high = middle - 1
    wanted: NDArray[np.intp] = np.maximum(low - held, 0)
    # What does not divide evenly goes to the folds with the fewest rows of any class.
    spare = rows - int(wanted.sum())
    wanted[np.lexsort((totals, held + wanted))[:spare]] += 1
    return wanted
