"""The figures of a run, as the JSON that is kept with it and shown everywhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.learn import baselines, metrics


def run_figures(
    names: list[str],
    labels: NDArray[np.int64],
    out_of_fold: NDArray[np.float32],
    fixed: NDArray[np.float32],
    held_out: NDArray[np.bool_],
    tiny: NDArray[np.uint8],
) -> dict[str, Any]:
    """Errors, scores by class, confusion and baselines of one run.

    ``names`` (K,); ``labels`` (N,) positions in it; ``out_of_fold`` (N, K) probabilities by heads
    that did not see the image; ``fixed`` (N, K) by the exported head, read only where ``held_out``
    (N,) says that it did not see the image either; ``tiny`` (N, 3072) small pictures, for the
    baseline. Errors are 0..1 with Wilson's 95 % interval, null where there is no image.
    """
    predicted = out_of_fold.argmax(axis=1)
    matrix = metrics.confusion_matrix(labels, predicted, len(names))
    return {
        "out_of_fold": {
            **_error(labels, predicted),
            "log_loss": metrics.log_loss(out_of_fold, labels),
        },
        "valid": _error(labels[held_out], fixed[held_out].argmax(axis=1)),
        "per_class": [
            {
                "label": name,
                "precision": number(row.precision),
                "recall": number(row.recall),
                "f1": number(row.f1),
                "support": row.support,
            }
            for name, row in zip(names, metrics.class_scores(matrix), strict=True)
        ],
        "confusion": matrix.tolist(),
        "baselines": {
            "majority": baselines.majority_error(labels, ~held_out, held_out),
            "nearest_mean_image": baselines.nearest_mean_error(tiny, labels, ~held_out, held_out),
        }
        if held_out.any()
        else {"majority": None, "nearest_mean_image": None},
    }


def _error(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> dict[str, Any]:
    if not len(labels):
        return {"images": 0, "wrong": 0, "error": None, "low": None, "high": None}
    rate = metrics.error_rate(labels, predicted)
    return {
        "images": rate.rows,
        "wrong": rate.wrong,
        "error": rate.value,
        "low": rate.low,
        "high": rate.high,
    }


def number(value: float) -> float | None:
    """A float for JSON, rounded to five digits; not-a-number becomes null."""
    return None if math.isnan(value) else round(float(value), 5)
