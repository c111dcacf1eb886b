"""What a run's probabilities say of images by their present labels and the present classes.

Probabilities are stored by the classes that the run knew. A class that was merged since counts as
the one it was merged into: their probabilities are added. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.learn.evaluation.label_quality import as_counted, suggestions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

SMALLEST = 1e-12  # probability whose loss is the largest there is


@dataclass(frozen=True)
class Judged:
    """N images; class ids are present ones (or of classes that are no longer offered).

    ``class_ids`` (J,) and ``probabilities`` (N, J): every class that the run knew, merged ones
    added up. ``label_score`` (N,): 0..1, low = suspicious; ``label_share`` (N,): the label's
    probability, which is the same where one model judged. Both are NaN where the run does not know
    the label. ``predicted`` (N,) class ids, ``confidence`` (N,) their probability, 0..1.
    """

    class_ids: list[int]
    probabilities: NDArray[np.float64]
    label_score: NDArray[np.float64]
    label_share: NDArray[np.float64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @property
    def loss(self) -> NDArray[np.float64]:
        """-log(label_score), nats, (N,); NaN where there is no score."""
        result: NDArray[np.float64] = -np.log(np.maximum(self.label_score, SMALLEST))
        return result

    def likeliest(self, offered: Collection[int], count: int = 3) -> list[list[tuple[int, float]]]:
        """For each image up to ``count`` (class id, probability 0..1), likeliest first.

        Only classes that are ``offered``.
        """
        chosen = [place for place, key in enumerate(self.class_ids) if key in offered]
        shares = self.probabilities[:, chosen]
        order = suggestions(shares, count)
        return [
            [(self.class_ids[chosen[place]], float(row[place])) for place in best]
            for row, best in zip(shares, order.tolist(), strict=True)
        ]


def judge(
    probabilities: NDArray[np.float32],
    class_ids: Sequence[int],
    labels: NDArray[np.int64],
    merged: Mapping[int, int],
    scores: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None,
) -> Judged:
    """Read ``probabilities`` (N, K) of ``class_ids`` (K,) for the present ``labels`` (N,).

    ``merged``: as of :func:`curator.store.classes.merged_ids`. ``scores``: the labels (N,) that the
    run saw and its scores (N,) of them, which stand where a label is still the same. The prediction
    is the run's own, so that it is the same here as where the database counts.
    """
    counted = np.array([merged.get(key, key) for key in class_ids], dtype=np.int64)  # (K,)
    columns, folded = as_counted(probabilities, class_ids, merged)
    rows = np.arange(len(labels))
    predicted = counted[probabilities.argmax(axis=1)]
    own = labels[:, None] == columns[None, :]  # (N, J)
    share = np.where(own.any(axis=1), np.where(own, folded, 0.0).sum(axis=1), np.nan)
    score = share
    if scores is not None and not merged:
        score = np.where(scores[0] == labels, scores[1], share)
    best = (predicted[:, None] == columns[None, :]).argmax(axis=1)
    return Judged(columns.tolist(), folded, score, share, predicted, folded[rows, best])
