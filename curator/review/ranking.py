"""Which live images are most suspicious, by the out-of-fold probability of their present label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from curator.check.outliers import stored_scores
from curator.learn.scores import suggestions
from curator.store import images, runs, schema
from curator.store.classes import names_by_id

if TYPE_CHECKING:
    from curator.project import Project

RANK_COLUMNS = [
    "image_id",
    "source",
    "path",
    "label",
    "label_score",
    "is_label_issue",
    "suggested_label",
    "split",
]


def scored(project: Project, run_id: int | None = None) -> pd.DataFrame:
    """Every image, deleted ones too, with what a run says of its present label.

    By default the newest run whose predictions are all out-of-fold.

    Columns of :func:`curator.store.images.with_sources`, and:
    ``label_score``  0..1, low = suspicious: probability of the present label; NaN for an image that
                     the run has not seen, or a label it does not know
    ``in_sample``    whether that is by a model which saw the image, and so says little
    ``predicted``    likeliest label; ``confidence`` its probability, 0..1
    ``loss``         -log(label_score), nats
    ``is_label_issue``  flagged by the confident joint, and not confirmed by a person
    ``suggestions``  the three likeliest labels with probabilities, likeliest first
    ``outlier_score``  0..1, low = unlike the others of its label; NaN before a check
    """
    with project.database.read() as connection:
        run = runs.ranking(connection) if run_id is None else runs.get(connection, run_id)
        table = with_outlier_scores(connection, images.with_sources(connection))
        said = runs.predictions_of(connection, run)
        names = names_by_id(connection)
    labels = [names[class_id] for class_id in run.class_ids]
    column = {name: position for position, name in enumerate(labels)}
    row_of = {image_id: row for row, image_id in enumerate(said.image_ids.tolist())}
    rows = np.array([row_of.get(i, -1) for i in table["image_id"].tolist()], dtype=np.int64)
    known = rows >= 0
    probabilities = np.full((len(table), len(labels)), np.nan, dtype=np.float64)  # (N, K)
    probabilities[known] = said.probabilities[rows[known]]
    own = np.array([column.get(label, -1) for label in table["label"].tolist()], dtype=np.int64)
    score = np.where(own >= 0, probabilities[np.arange(len(table)), own], np.nan)
    filled = np.where(known[:, None], probabilities, 0.0)
    order = suggestions(filled)  # (N, 3)
    flagged = np.zeros(len(table), dtype=bool)
    flagged[known] = said.is_label_issue[rows[known]]
    in_sample = np.zeros(len(table), dtype=bool)
    in_sample[known] = said.in_sample[rows[known]]
    flagged &= (table["state"] != schema.KEPT).to_numpy(dtype=bool)
    table["label_score"] = score
    table["in_sample"] = in_sample
    table["predicted"] = [
        labels[best] if seen else None for best, seen in zip(order[:, 0], known, strict=True)
    ]
    table["confidence"] = np.where(known, filled.max(axis=1, initial=0.0), np.nan)
    table["loss"] = -np.log(np.maximum(score, 1e-12))
    table["is_label_issue"] = flagged
    table["suggestions"] = pd.Series(
        [
            [(labels[k], float(filled[row, k])) for k in best] if known[row] else []
            for row, best in enumerate(order)
        ],
        index=table.index,
        dtype=object,
    )
    return table


def with_outlier_scores(connection: Connection, table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with the column ``outlier_score`` of the last check; NaN where there is none."""
    table["outlier_score"] = table["image_id"].map(stored_scores(connection)).astype(float)
    return table


def rank(project: Project, top: int | None = None, run_id: int | None = None) -> pd.DataFrame:
    """Live images, most suspicious first, with the columns :data:`RANK_COLUMNS`.

    ``label_score`` as in :func:`scored`; images that the run has not seen come last.
    ``suggested_label`` is the likeliest label where it is another than the present one, else "".
    Raises NoRun.
    """
    table = scored(project, run_id)
    table = table[table["state"] != schema.DELETED]
    table = table.sort_values(["label_score", "image_id"], na_position="last")
    table["path"] = [str(project.originals / file) for file in table["file"]]
    differs = table["predicted"].notna() & (table["predicted"] != table["label"])
    table["suggested_label"] = table["predicted"].where(differs, "")
    ranked = table[RANK_COLUMNS].reset_index(drop=True)
    return ranked if top is None else ranked.head(top)
