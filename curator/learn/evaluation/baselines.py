"""What a model must beat: errors that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.errors import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_AT_A_TIME = 4096


def majority_error(
    labels: NDArray[np.integer], train: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> float:
    """Error rate, 0..1, on the ``valid`` rows of always saying the commonest training label.

    ``labels`` (N,); ``train`` and ``valid`` (N,) masks. Of equally common labels the lowest counts.
    Raises :class:`NotEnoughData` when either mask is empty.
    """
    _refuse_empty(train, valid)
    values, counts = np.unique(labels[train], return_counts=True)
    return float((labels[valid] != values[counts.argmax()]).mean())


def nearest_mean_error(
    tiny: NDArray[np.uint8],
    labels: NDArray[np.integer],
    train: NDArray[np.bool_],
    valid: NDArray[np.bool_],
) -> float:
    """Error rate, 0..1, of saying the class whose mean training image is nearest.

    ``tiny`` (N, D): images of equal size, values 0..255; distance is L1 (fastbook, chapter 4).
    ``labels`` (N,); ``train`` and ``valid`` (N,) masks. Of equally near classes the lowest counts.
    Raises :class:`NotEnoughData` when either mask is empty.
    """
    _refuse_empty(train, valid)
    values = np.unique(labels[train])
    means = np.stack(
        [tiny[train & (labels == value)].mean(axis=0, dtype=np.float64) for value in values]
    ).astype(np.float32)  # (K, D)
    rows = np.flatnonzero(valid)
    wrong = 0
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        piece = rows[start : start + _ROWS_AT_A_TIME]
        pixels = tiny[piece].astype(np.float32)
        distances = np.stack([np.abs(pixels - mean).sum(axis=1) for mean in means], axis=1)
        wrong += int((values[distances.argmin(axis=1)] != labels[piece]).sum())
    return wrong / len(rows)


def _refuse_empty(train: NDArray[np.bool_], valid: NDArray[np.bool_]) -> None:
    if not train.any() or not valid.any():
        raise NotEnoughData(
            f"A baseline needs training and validation images; here are {int(train.sum())} and"
            f" {int(valid.sum())}.",
            "Add images, so that both parts of the split hold some.",
        )
