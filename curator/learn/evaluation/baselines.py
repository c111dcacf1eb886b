"""What a model must beat: errors that need no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from curator.errors import NotEnoughData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from curator.encode.feature_cache import StoredRows

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
    tiny: NDArray[np.uint8] | StoredRows,
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
    means = np.stack([_mean(tiny, np.flatnonzero(train & (labels == value))) for value in values])
    rows = np.flatnonzero(valid)
    wrong = 0
    for piece in _pieces(rows):
        pixels = tiny[piece].astype(np.float32)
        distances = np.stack([np.abs(pixels - mean).sum(axis=1) for mean in means], axis=1)
        wrong += int((values[distances.argmin(axis=1)] != labels[piece]).sum())
    return wrong / len(rows)


def _mean(tiny: NDArray[np.uint8] | StoredRows, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Of those images, (D,)."""
    total = sum(tiny[piece].sum(axis=0, dtype=np.float64) for piece in _pieces(rows))
    return np.asarray(total / len(rows), dtype=np.float32)


def _pieces(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (rows[at : at + _ROWS_AT_A_TIME] for at in range(0, len(rows), _ROWS_AT_A_TIME))


def _refuse_empty(train: NDArray[np.bool_], valid: NDArray[np.bool_]) -> None:
    if not train.any() or not valid.any():
        raise NotEnoughData(
            f"A baseline needs training and validation images; here are {int(train.sum())} and"
            f" {int(valid.sum())}.",
            "Add images, so that both parts of the split hold some.",
        )
