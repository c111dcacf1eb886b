"""The figures of a run, as the JSON that is kept with it and shown everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curator.encode.feature_cache import StoredRows
from curator.learn.evaluation import baselines, metrics
from curator.learn.evaluation.reliability import Bin, calibration
from curator.store.run_json import ClassFigures, Metrics, Quality

OUT_OF_FOLD, VALIDATION = "out-of-fold", "validation"
NOTHING: Quality = {
    "images": 0,
    "wrong": 0,
    "error": None,
    "low": None,
    "high": None,
    "log_loss": None,
    "brier": None,
    "brier_low": None,
    "brier_high": None,
    "calibration_error": None,
    "calibration_by_chance": None,
}
"""Of no image."""


def run_figures(
    names: list[str],
    labels: NDArray[np.int64],
    out_of_fold: NDArray[np.float32] | None,
    fixed: NDArray[np.float32],
    held_out: NDArray[np.bool_],
    tiny: NDArray[np.uint8] | StoredRows,
    temperature: float | None = None,
) -> Metrics:
    """Errors, calibration, scores by class, confusion and baselines of one run.

    ``names`` (K,); ``labels`` (N,) positions in it; ``out_of_fold`` (N, K) probabilities by heads
    that did not see the image, None for a run without folds; ``fixed`` (N, K) by the exported head,
    read only where ``held_out`` (N,) says that it did not see the image either; ``tiny`` (N, 3072)
    small pictures, for the baseline; ``temperature``: what the logits were divided by, kept as it
    is. Rates are 0..1 with 95 % intervals, null where there is no image.

    ``judged_on`` says of which images ``macro_f1``, ``per_class``, ``confusion`` and
    ``reliability`` are: of all, out-of-fold, or without folds of the validation images.
    """
    valid = _quality(labels[held_out], fixed[held_out])
    if out_of_fold is None:
        truth, said = labels[held_out], fixed[held_out]
        quality, judged = _quality(labels[:0], fixed[:0]), valid
    else:
        truth, said = labels, out_of_fold
        quality = judged = _quality(truth, said)
    matrix = metrics.confusion_matrix(truth, said.argmax(axis=1), len(names))
    per_class = class_figures(names, truth, said)
    average = metrics.macro_f1(matrix)
    return {
        "judged_on": VALIDATION if out_of_fold is None else OUT_OF_FOLD,
        "out_of_fold": quality.figures,
        "valid": valid.figures,
        "temperature": temperature,
        "macro_f1": {
            "value": number(average.value),
            "low": number(average.low),
            "high": number(average.high),
        },
        "per_class": per_class,
        "confusion": matrix.tolist(),
        "reliability": [
            {
                "from": number(row.low),
                "to": number(row.high),
                "confidence": number(row.confidence),
                "accuracy": number(row.accuracy),
                "images": row.count,
            }
            for row in judged.bins
        ],
        "baselines": {
            "majority": baselines.majority_error(labels, ~held_out, held_out),
            "nearest_mean_image": baselines.nearest_mean_error(tiny, labels, ~held_out, held_out),
        }
        if held_out.any()
        else {"majority": None, "nearest_mean_image": None},
    }


def figures_of(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Quality:
    """Error, log-loss, Brier score, calibration error of (N, K) probabilities of labels (N,)."""
    return _quality(labels, probabilities).figures


def class_figures(
    names: list[str], labels: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> list[ClassFigures]:
    """Precision, recall and F1 of each of K classes, from (N, K) probabilities of labels (N,)."""
    matrix = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), len(names))
    return [
        {
            "label": name,
            "precision": number(row.precision),
            "recall": number(row.recall),
            "f1": number(row.f1),
            "support": row.support,
        }
        for name, row in zip(names, metrics.class_scores(matrix), strict=True)
    ]


@dataclass(frozen=True)
class _Quality:
    figures: Quality
    bins: list[Bin]


def _quality(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> _Quality:
    """Error, log-loss, Brier score and calibration error of (N, K) probabilities."""
    if not len(labels):
        return _Quality(NOTHING.copy(), [])
    rate = metrics.error_rate(labels, probabilities.argmax(axis=1))
    brier = metrics.brier_score(probabilities, labels)
    found = calibration(probabilities, labels)
    figures: Quality = {
        "images": rate.rows,
        "wrong": rate.wrong,
        "error": rate.value,
        "low": rate.low,
        "high": rate.high,
        "log_loss": metrics.log_loss(probabilities, labels),
        "brier": number(brier.value),
        "brier_low": number(brier.low),
        "brier_high": number(brier.high),
        "calibration_error": number(found.error),
        "calibration_by_chance": number(found.by_chance),
    }
    return _Quality(figures, found.bins)


def number(value: float) -> float | None:
    """A float for JSON, rounded to five digits; not-a-number becomes null."""
    return None if math.isnan(value) else round(float(value), 5)
