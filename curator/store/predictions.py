"""What runs said of images: probabilities as rows of the table ``predictions`` and as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from curator.store import schema
from curator.store.runs import Run, altered


@dataclass(frozen=True)
class Predictions:
    """What a run says of N images, by image id.

    ``labels`` (N,): class id that the run was given; ``probabilities`` (N, K): by models that did
    not see the image, but for the rows of ``in_sample`` (N,); ``fixed`` (N, K): by the exported
    model, which saw only the training images: NaN rows for those; ``label_scores`` (N,): 0..1,
    how much the label is believed, None: its probability.
    """

    image_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    is_label_issue: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    fixed: NDArray[np.float32]
    in_sample: NDArray[np.bool_]
    label_scores: NDArray[np.float64] | None = None

    def piece(self, rows: slice) -> Predictions:
        """Some of the images."""
        return Predictions(
            self.image_ids[rows],
            self.labels[rows],
            self.is_label_issue[rows],
            self.probabilities[rows],
            self.fixed[rows],
            self.in_sample[rows],
            None if self.label_scores is None else self.label_scores[rows],
        )


def unpack_row(blob: object, classes: int, run_id: int) -> NDArray[np.float32]:
    """The probabilities of one image, (K,). Raises ProjectAltered for any other length."""
    if not isinstance(blob, bytes) or len(blob) != 4 * classes:
        raise altered(run_id, f"the probabilities of an image are not {classes} numbers")
    return np.frombuffer(blob, dtype="<f4")


def add_predictions(
    connection: Connection, run_id: int, class_ids: Sequence[int], predictions: Predictions
) -> None:
    """Record what the run says; see :class:`Predictions` for the shapes."""
    said = predictions
    if not len(said.image_ids):
        return
    order = np.argsort(class_ids)
    own = order[np.searchsorted(class_ids, said.labels, sorter=order)]  # (N,) columns
    best = said.probabilities.argmax(axis=1)
    rows = np.arange(len(own))
    score = said.probabilities[rows, own].astype(np.float64)
    if said.label_scores is not None:
        score = said.label_scores
    unknown = np.asarray(np.isnan(said.fixed).any(axis=1))
    columns = {
        "image_id": said.image_ids.tolist(),
        "class_id": said.labels.tolist(),
        "predicted_id": np.asarray(class_ids)[best].tolist(),
        "label_score": score.tolist(),
        "confidence": said.probabilities[rows, best].astype(np.float64).tolist(),
        "loss": (-np.log(np.maximum(score, 1e-12))).tolist(),
        "is_label_issue": said.is_label_issue.astype(int).tolist(),
        "in_sample": said.in_sample.astype(int).tolist(),
        "probabilities": [row.tobytes() for row in said.probabilities.astype("<f4")],
        "fixed_probabilities": [
            None if gap else row.tobytes()
            for gap, row in zip(unknown.tolist(), said.fixed.astype("<f4"), strict=True)
        ],
    }
    connection.execute(
        insert(schema.predictions),
        [
            dict(zip(columns, row, strict=True)) | {"run_id": run_id}
            for row in zip(*columns.values(), strict=True)
        ],
    )


def predictions_of(connection: Connection, run: Run) -> Predictions:
    """All that the run says, by image id."""
    table = schema.predictions
    rows = connection.execute(
        select(
            table.c.image_id,
            table.c.class_id,
            table.c.is_label_issue,
            table.c.in_sample,
            table.c.label_score,
            table.c.probabilities,
            table.c.fixed_probabilities,
        )
        .where(table.c.run_id == run.id)
        .order_by(table.c.image_id)
    ).all()
    classes = len(run.class_ids)
    unknown = np.full(classes, np.nan, "<f4").tobytes()
    return Predictions(
        image_ids=np.array([row.image_id for row in rows], dtype=np.int64),
        labels=np.array([row.class_id for row in rows], dtype=np.int64),
        is_label_issue=np.array([row.is_label_issue for row in rows], dtype=bool),
        probabilities=unpack_rows([row.probabilities for row in rows], classes, run.id),
        fixed=unpack_rows([row.fixed_probabilities or unknown for row in rows], classes, run.id),
        in_sample=np.array([row.in_sample for row in rows], dtype=bool),
        label_scores=np.array([row.label_score for row in rows], dtype=np.float64),
    )


def unpack_rows(blobs: Sequence[bytes], classes: int, run_id: int) -> NDArray[np.float32]:
    """The probabilities of N images, (N, K). Raises ProjectAltered for another length."""
    if not all(type(blob) is bytes and len(blob) == 4 * classes for blob in blobs):
        raise altered(run_id, f"the probabilities of an image are not {classes} numbers")
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, classes)
