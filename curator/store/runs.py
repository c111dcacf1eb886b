"""Runs and what each said of every image."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from curator.errors import NoRun, UnknownRun
from curator.store import schema
from curator.store.database import Database, now
from curator.store.images import frame


@dataclass(frozen=True)
class Run:
    """One trained model. ``settings["classes"]`` are its class ids, in the order of its outputs."""

    id: int
    at: str
    recipe: str
    backbone: str
    ledger_position: int
    settings: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    out_of_fold: bool
    """Whether every prediction is by a model that did not see the image."""

    @property
    def class_ids(self) -> list[int]:
        """Class ids in the order of the model's outputs, length K."""
        return [int(i) for i in self.settings["classes"]]


@dataclass(frozen=True)
class Predictions:
    """What a run says of N images, by image id.

    ``labels`` (N,): class id that the run was given; ``probabilities`` (N, K): by models that did
    not see the image, but for the rows of ``in_sample`` (N,); ``fixed`` (N, K): by the exported
    model, which saw only the training images: NaN rows for those.
    """

    image_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    is_label_issue: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    fixed: NDArray[np.float32]
    in_sample: NDArray[np.bool_]


def _run(row: Any) -> Run:
    values = dict(row._mapping)
    for key in ("settings", "metrics", "history"):
        values[key] = json.loads(values[key])
    return Run(**values | {"out_of_fold": bool(values["out_of_fold"])})


def never_trained() -> NoRun:
    """The error of every step that needs a run; a new one each time, as it carries a traceback."""
    return NoRun("No run was trained in this project yet.", "Train first: `curator train PROJECT`.")


def latest_id(connection: Connection) -> int | None:
    """Id of the newest run, None before the first."""
    found = connection.execute(select(func.max(schema.runs.c.id))).scalar()
    return None if found is None else int(found)


def ranking_id(connection: Connection) -> int | None:
    """Id of the newest run that ranks images: whose predictions are all out-of-fold; or None."""
    query = select(func.max(schema.runs.c.id)).where(schema.runs.c.out_of_fold == 1)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def ranking(connection: Connection) -> Run:
    """The newest run that ranks images. Raises NoRun."""
    found = ranking_id(connection)
    if found is None:
        raise never_trained()
    return get(connection, found)


def get(connection: Connection, run_id: int | None = None) -> Run:
    """A run by id, or the newest. Raises UnknownRun, NoRun."""
    newest = latest_id(connection)
    if newest is None:
        raise never_trained()
    wanted = newest if run_id is None else run_id
    row = None
    if wanted <= newest:
        row = connection.execute(select(schema.runs).where(schema.runs.c.id == wanted)).first()
    if row is None:
        raise UnknownRun(f"There is no run {run_id}.", f"Runs are numbered up to {newest}.")
    return _run(row)


def all_runs(connection: Connection) -> list[Run]:
    """Every run, oldest first."""
    return [_run(row) for row in connection.execute(select(schema.runs).order_by(schema.runs.c.id))]


def add(connection: Connection, **values: Any) -> int:
    """Record a run; return its id. Its predictions belong into the same transaction.

    ``values``: recipe, backbone, ledger_position, out_of_fold; and settings, metrics, history,
    which are kept as JSON.
    """
    texts = {key: json.dumps(values.pop(key)) for key in ("settings", "metrics", "history")}
    key = connection.execute(
        insert(schema.runs).values(at=now(), **texts, **values)
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


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
        probabilities=_matrix([row.probabilities for row in rows], classes),
        fixed=_matrix([row.fixed_probabilities or unknown for row in rows], classes),
        in_sample=np.array([row.in_sample for row in rows], dtype=bool),
    )


def _matrix(blobs: Sequence[bytes], columns: int) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, columns)


def table(database: Database) -> pd.DataFrame:
    """All runs, oldest first: run, at, recipe, backbone, images, decisions known, and errors.

    ``out_of_fold_error`` is over every image that the run saw, missing for a run without folds;
    ``valid_error`` over the fixed validation images by a model that saw only training images; both
    0..1, with the ends of their 95 % intervals.
    """
    with database.read() as connection:
        found = all_runs(connection)
        if not found:
            return frame(connection, select(schema.runs.c.id.label("run")))
    rows = []
    for run in found:
        out_of_fold, valid = run.metrics["out_of_fold"], run.metrics["valid"]
        rows.append(
            {
                "run": run.id,
                "at": run.at,
                "recipe": run.recipe,
                "backbone": run.backbone,
                "images": run.settings.get("images", out_of_fold["images"]),
                "ledger_position": run.ledger_position,
                "out_of_fold_error": out_of_fold["error"],
                "out_of_fold_low": out_of_fold["low"],
                "out_of_fold_high": out_of_fold["high"],
                "valid_images": valid["images"],
                "valid_error": valid["error"],
                "valid_low": valid["low"],
                "valid_high": valid["high"],
                "seconds": run.metrics["seconds"],
            }
        )
    return pd.DataFrame(rows)
