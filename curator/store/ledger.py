"""The append-only ledger of decisions, and undo.

A decision says what, when, by whom, the class and state before and after, and the score and run
that the reviewer saw. Rows are never changed or removed: undo appends the inverse. An image's
present class and state are those of its last row (view ``current`` in the schema).
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, select

from curator.errors import InputError, NothingToUndo, UnknownImage
from curator.store import runs, schema
from curator.store.database import Database, now

Action = Literal["keep", "delete", "relabel", "unsure"]
STATE_AFTER: dict[str, str] = {
    "keep": schema.KEPT,
    "relabel": schema.KEPT,
    "delete": schema.DELETED,
    "unsure": schema.UNSURE,
}


@dataclass(frozen=True)
class Decided:
    """What one act changed."""

    batch: int  # 0 when nothing changed
    image_ids: tuple[int, ...]  # the images whose class or state is now another


def reviewer() -> str:
    """The name that decisions are signed with when none is given: the system's user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no user entry, as in some containers
        return "unknown"


def current_of(connection: Connection, image_ids: Sequence[int]) -> dict[int, Any]:
    """The present row (class_id, state) of each image; :class:`UnknownImage` names the missing."""
    found: dict[int, Any] = {}
    query = select(schema.current).where(
        schema.current.c.image_id.in_(bindparam("ids", expanding=True))
    )
    for start in range(0, len(image_ids), 500):  # SQLite limits the variables of a statement
        piece = [i for i in image_ids[start : start + 500] if i <= schema.LARGEST_ID]
        for row in connection.execute(query, {"ids": piece}):
            found[row.image_id] = row
    missing = [str(i) for i in image_ids if i not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise UnknownImage(
            f"There is no image with id {shown}.",
            "Ids are in the first column of `curator rank`. Nothing was decided.",
        )
    return found


def decide(
    database: Database,
    image_ids: Sequence[int],
    action: Action,
    class_id: int | None = None,
    by: str | None = None,
    run_id: int | None = None,
) -> Decided:
    """Record one act on ``image_ids`` as one batch, in one transaction.

    ``class_id`` is needed by, and only by, ``relabel``. ``run_id``: the run whose scores the
    reviewer saw. An image that already is as decided gets no new row, so a second click is no
    second decision. Raises UnknownImage, UnknownRun; then nothing is recorded.
    """
    if action not in STATE_AFTER:
        raise InputError(f"{action!r} is no decision.", f"Use one of {', '.join(STATE_AFTER)}.")
    if (class_id is not None) != (action == "relabel"):
        raise InputError("Relabel needs a class, and the other decisions take none.")
    ids = list(dict.fromkeys(int(i) for i in image_ids))
    with database.write() as connection:
        present = current_of(connection, ids)
        scores = _scores(connection, present, run_id)
        batch = _next_batch(connection)
        rows = []
        for image_id in ids:
            before = present[image_id]
            after = class_id if class_id is not None else before.class_id
            if (after, STATE_AFTER[action]) == (before.class_id, before.state):
                continue
            rows.append(
                _row(batch, by, image_id, action, before, after, STATE_AFTER[action])
                | {"score": scores.get(image_id), "run_id": run_id, "undoes": None}
            )
        if rows:
            connection.execute(insert(schema.decisions), rows)
    return Decided(batch if rows else 0, tuple(row["image_id"] for row in rows))


def undo(database: Database, steps: int = 1, by: str | None = None) -> list[Decided]:
    """Take back the last ``steps`` acts that are still in force, newest first.

    Raises :class:`NothingToUndo` when there is none at all; fewer than asked for is no error.
    """
    undone: list[Decided] = []
    newest = select(func.max(schema.decisions.c.batch)).where(_in_force())
    with database.write() as connection:
        for _ in range(steps):
            batch = connection.execute(newest).scalar()
            if batch is None:
                break
            originals = connection.execute(
                select(schema.decisions).where(schema.decisions.c.batch == batch)
            ).all()
            present = current_of(connection, [row.image_id for row in originals])
            number = _next_batch(connection)
            rows = [
                _row(
                    number,
                    by,
                    row.image_id,
                    "undo",
                    present[row.image_id],
                    row.class_before,
                    row.state_before,
                )
                | {"score": row.score, "run_id": row.run_id, "undoes": row.id}
                for row in originals
            ]
            connection.execute(insert(schema.decisions), rows)
            undone.append(Decided(number, tuple(row.image_id for row in originals)))
    if not undone:
        raise NothingToUndo("There is no decision left to undo.")
    return undone


def count(connection: Connection, after: int = 0, until: int | None = None) -> int:
    """How many decisions are in force, neither undone nor undos, of those with an id in range."""
    query = select(func.count()).select_from(schema.decisions).where(_in_force())
    query = query.where(schema.decisions.c.id > after)
    if until is not None:
        query = query.where(schema.decisions.c.id <= until)
    return int(connection.execute(query).scalar_one())


def _in_force() -> ColumnElement[bool]:
    taken_back = schema.decisions.alias("taken_back")
    undone = select(taken_back.c.id).where(taken_back.c.undoes == schema.decisions.c.id).exists()
    return and_(schema.decisions.c.action != "undo", ~undone)


def position(connection: Connection) -> int:
    """Id of the last decision, 0 when there is none: says which data a run has seen."""
    return int(
        connection.execute(select(func.coalesce(func.max(schema.decisions.c.id), 0))).scalar_one()
    )


def log(database: Database, limit: int | None = None) -> pd.DataFrame:
    """The ledger, newest first: one row a decision, class names instead of ids."""
    before, after = schema.classes.alias("before"), schema.classes.alias("after")
    table = schema.decisions
    query = (
        select(
            table.c.id.label("decision"),
            table.c.batch,
            table.c.at,
            table.c.by,
            table.c.image_id,
            table.c.action,
            before.c.name.label("label_before"),
            after.c.name.label("label_after"),
            table.c.state_before,
            table.c.state_after,
            table.c.score,
            table.c.run_id,
            table.c.undoes,
        )
        .join(before, before.c.id == table.c.class_before)
        .join(after, after.c.id == table.c.class_after)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    with database.read() as connection:
        return pd.DataFrame(
            connection.execute(query).mappings().all(), columns=list(query.selected_columns.keys())
        )


def _row(
    batch: int, by: str | None, image_id: int, action: str, before: Any, after: int, state: str
) -> dict[str, Any]:
    return {
        "batch": batch,
        "at": now(),
        "by": by or reviewer(),
        "image_id": image_id,
        "action": action,
        "class_before": before.class_id,
        "class_after": after,
        "state_before": before.state,
        "state_after": state,
    }


def _next_batch(connection: Connection) -> int:
    last = connection.execute(
        select(func.coalesce(func.max(schema.decisions.c.batch), 0))
    ).scalar_one()
    return int(last) + 1


def _scores(
    connection: Connection, present: Mapping[int, Any], run_id: int | None
) -> dict[int, float]:
    """What the run says of each image's present label, 0..1: the score that the reviewer saw."""
    if run_id is None:
        return {}
    class_ids = runs.get(connection, run_id).class_ids
    ids = list(present)
    query = select(schema.predictions.c.image_id, schema.predictions.c.probabilities).where(
        schema.predictions.c.run_id == run_id,
        schema.predictions.c.image_id.in_(bindparam("ids", expanding=True)),
    )
    scores: dict[int, float] = {}
    for start in range(0, len(ids), 500):
        for row in connection.execute(query, {"ids": ids[start : start + 500]}):
            label = present[row.image_id].class_id
            if label in class_ids:
                probabilities = np.frombuffer(row.probabilities, dtype="<f4")  # (K,)
                scores[row.image_id] = float(probabilities[class_ids.index(label)])
    return scores
