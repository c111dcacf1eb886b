"""Which live images are most suspicious, by the out-of-fold probability of their present label."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from curator.check.outliers import stored_scores
from curator.frames import pd
from curator.review.queue.judgement import judge
from curator.store import images, runs, schema
from curator.store.classes import all_classes, merged_ids, names_by_id
from curator.store.predictions import predictions_of
from curator.trust import original_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

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


def scored(workspace: Workspace, run_id: int | None = None) -> pd.DataFrame:
    """Every image, deleted ones too, with what a run says of its present label.

    By default the newest run whose predictions are all out-of-fold.

    Columns of :func:`curator.store.images.with_sources`, and:
    ``label_score``  0..1, low = suspicious: probability of the present label, by head and kernel
                     together where the recipe is `instant`; NaN for an image that the run has not
                     seen, or a label it does not know
    ``in_sample``    whether that is by a model which saw the image, and so says little
    ``predicted``    likeliest label; ``confidence`` its probability, 0..1
    ``loss``         -log(label_score), nats
    ``is_label_issue``  flagged by the confident joint, and not confirmed by a person
    ``suggestions``  the three likeliest labels with probabilities, likeliest first
    ``outlier_score``  0..1, low = unlike the others of its label; NaN before a check
    """
    with workspace.database.read() as connection:
        run = runs.ranking(connection) if run_id is None else runs.get(connection, run_id)
        table = with_outlier_scores(connection, images.with_sources(connection))
        said = predictions_of(connection, run)
        names = names_by_id(connection)
        offered = {item.id for item in all_classes(connection)}
        merged = merged_ids(connection)
    id_of = {name: class_id for class_id, name in names.items()}
    row_of = {image_id: row for row, image_id in enumerate(said.image_ids.tolist())}
    rows = np.array([row_of.get(i, -1) for i in table["image_id"].tolist()], dtype=np.int64)
    known = rows >= 0
    labels = np.array([id_of[label] for label in table["label"].tolist()], dtype=np.int64)
    assert said.label_scores is not None  # as they are kept
    rows_known = rows[known]
    scores = (said.labels[rows_known], said.label_scores[rows_known])
    judged = judge(said.probabilities[rows_known], run.class_ids, labels[known], merged, scores)

    def column(values: NDArray[Any], missing: Any) -> NDArray[Any]:
        every = np.full(len(table), missing, dtype=values.dtype if missing == 0 else object)
        every[known] = values
        return every

    table["label_score"] = column(judged.label_score, np.nan).astype(float)
    table["in_sample"] = column(said.in_sample[rows_known], 0)
    guessed = np.array([names[class_id] for class_id in judged.predicted.tolist()], dtype=object)
    table["predicted"] = column(guessed, None)
    table["confidence"] = column(judged.confidence, np.nan).astype(float)
    table["loss"] = column(judged.loss, np.nan).astype(float)
    flagged = column(said.is_label_issue[rows_known], 0)
    table["is_label_issue"] = flagged & (table["state"] != schema.KEPT).to_numpy(dtype=bool)
    every = iter(judged.likeliest(offered))
    table["suggestions"] = pd.Series(
        [
            [(names[key], share) for key, share in next(every)] if seen else []
            for seen in known.tolist()
        ],
        index=table.index,
        dtype=object,
    )
    return table


def with_outlier_scores(connection: Connection, table: pd.DataFrame) -> pd.DataFrame:
    """``table`` with the column ``outlier_score`` of the last check; NaN where there is none."""
    table["outlier_score"] = table["image_id"].map(stored_scores(connection)).astype(float)
    return table


def rank(workspace: Workspace, top: int | None = None, run_id: int | None = None) -> pd.DataFrame:
    """Live images, most suspicious first, with the columns :data:`RANK_COLUMNS`.

    ``label_score`` as in :func:`scored`; images that the run has not seen come last.
    ``suggested_label`` is the likeliest label where it is another than the present one, else "".
    ``path``: of the original; within a shard an address of fsspec. Raises NoRun.
    """
    table = scored(workspace, run_id)
    table = table[~table["state"].isin(schema.OUT)]
    table = table.sort_values(["label_score", "image_id"], na_position="last")
    table["path"] = [
        _path(workspace, *named) for named in zip(table["file"], table["sha256"], strict=True)
    ]
    differs = table["predicted"].notna() & (table["predicted"] != table["label"])
    table["suggested_label"] = table["predicted"].where(differs, "")
    ranked = table[RANK_COLUMNS].reset_index(drop=True)
    return ranked if top is None else ranked.head(top)


def _path(workspace: Workspace, file: object, sha256: str) -> str:
    """Where an original can be opened, within a shard by fsspec; "" for a name that is none."""
    parts = original_parts(file)
    if parts is None:
        return ""
    path, _, size = parts
    where = str(workspace.originals / path)
    return where if size is None else f"tar://{sha256}{PurePosixPath(str(file)).suffix}::{where}"
