"""Runs and what each said of every image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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

    @property
    def class_ids(self) -> list[int]:
        """Class ids in the order of the model's outputs, length K."""
        return [int(i) for i in self.settings["classes"]]


@dataclass(frozen=True)
class Predictions:
    """What a run says of N images, by image id.

    ``labels`` (N,): class id that the run was given; ``out_of_fold`` (N, K): probabilities by
    heads that did not see the image; ``fixed`` (N, K): by the exported head, which saw only the
    training images: NaN rows for those.
    """

    image_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    is_label_issue: NDArray[np.bool_]
    out_of_fold: NDArray[np.float32]
    fixed: NDArray[np.float32]


def _run(row: Any) -> Run:
    values = dict(row._mapping)
    for key in ("settings", "metrics", "history"):
        values[key] = json.loads(values[key])
    return Run(**values)


def never_trained() -> NoRun:
    """The error of every step that needs a run; a new one each time, as it carries a traceback."""
    return NoRun("No run was trained in this project yet.", "Train first: `curator train PROJECT`.")


def latest_id(connection: Connection) -> int | None:
    """Id of the newest run, None before the first."""
    found = connection.execute(select(func.max(schema.runs.c.id))).scalar()
    return None if found is None else int(found)


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


def add(
    connection: Connection,
    recipe: str,
    backbone: str,
    ledger_position: int,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
) -> int:
    """Record a run; return its id. Its predictions belong into the same transaction."""
    key = connection.execute(
        insert(schema.runs).values(
            at=now(),
            recipe=recipe,
            backbone=backbone,
            ledger_position=ledger_position,
            settings=json.dumps(settings),
            metrics=json.dumps(metrics),
            history=json.dumps(history),
        )
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


def add_predictions(
    connection: Connection, run_id: int, class_ids: Sequence[int], predictions: Predictions
) -> None:
    """Record what the run says; see :class:`Predictions` for the shapes."""
    position = {class_id: column for column, class_id in enumerate(class_ids)}
    rows = []
    for row, image_id in enumerate(predictions.image_ids.tolist()):
        probabilities = predictions.out_of_fold[row]
        predicted = int(probabilities.argmax())
        score = float(probabilities[position[int(predictions.labels[row])]])
        fixed = predictions.fixed[row]
        rows.append(
            {
                "run_id": run_id,
                "image_id": image_id,
                "class_id": int(predictions.labels[row]),
                "predicted_id": class_ids[predicted],
                "label_score": score,
                "confidence": float(probabilities[predicted]),
                "loss": float(-np.log(max(score, 1e-12))),
                "is_label_issue": int(predictions.is_label_issue[row]),
                "probabilities": probabilities.astype("<f4").tobytes(),
                "fixed_probabilities": None
                if np.isnan(fixed).any()
                else fixed.astype("<f4").tobytes(),
            }
        )
    if rows:
        connection.execute(insert(schema.predictions), rows)


def predictions_of(connection: Connection, run: Run) -> Predictions:
    """All that the run says, by image id."""
    table = schema.predictions
    rows = connection.execute(
        select(
            table.c.image_id,
            table.c.class_id,
            table.c.is_label_issue,
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
        out_of_fold=_matrix([row.probabilities for row in rows], classes),
        fixed=_matrix([row.fixed_probabilities or unknown for row in rows], classes),
    )


def _matrix(blobs: Sequence[bytes], columns: int) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, columns)


def table(database: Database) -> pd.DataFrame:
    """All runs, oldest first: run, at, recipe, backbone, images, decisions known, and errors.

    ``out_of_fold_error`` is over every image that the run saw, ``valid_error`` over the fixed
    validation images by a head that saw only training images; both 0..1, with the ends of their
    95 % intervals.
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
                "images": out_of_fold["images"],
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
