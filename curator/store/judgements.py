"""Each time that a run was judged on the test images: recorded, and counted.

Who looks at the test error and goes on choosing has chosen by it; how often it was looked at tells
how much that can be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, func, insert, select

from curator.errors import ProjectAltered
from curator.records import Record
from curator.store import images, ledger_log, schema
from curator.store.database import Database, now
from curator.store.run_json import ClassFigures, Quality
from curator.store.undo import reviewer


@dataclass(frozen=True)
class Judgement(Record):
    """How a run did on the test images."""

    run: int
    at: str
    by: str
    quality: Quality
    per_class: tuple[ClassFigures, ...]
    unknown: int
    """Test images of classes that the run does not know; they are not counted."""


def record(
    connection: Connection,
    run_id: int,
    quality: Quality,
    per_class: list[ClassFigures],
    unknown: int,
    by: str | None = None,
) -> None:
    """Keep a judgement."""
    metrics = {"quality": quality, "per_class": per_class, "unknown": unknown}
    connection.execute(
        insert(schema.judgements).values(
            run_id=run_id,
            at=now(),
            by=by or reviewer(),
            ledger_position=ledger_log.position(connection),
            metrics=json.dumps(metrics),
        )
    )


def newest(connection: Connection, run_id: int) -> Judgement | None:
    """The last judgement of a run; None where it was never judged. Raises ProjectAltered."""
    table = schema.judgements
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    try:
        metrics = json.loads(row.metrics)
        quality = {name: metrics["quality"].get(name) for name in Quality.__annotations__}
        if not all(value is None or isinstance(value, (int, float)) for value in quality.values()):
            raise TypeError
        per_class = tuple(
            cast("ClassFigures", {name: one.get(name) for name in ClassFigures.__annotations__})
            for one in metrics["per_class"]
        )
        unknown = int(metrics["unknown"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProjectAltered(
            f"What run {run_id} did on the test images cannot be read.",
            "The project was altered: take it from a copy, or evaluate the run again.",
        ) from error
    return Judgement(run_id, row.at, row.by, cast("Quality", quality), per_class, unknown)


def of_run(database: Database, run_id: int) -> tuple[int, Judgement | None, int]:
    """How often a run was judged, the last judgement, and from how many test images it learnt."""
    with database.read() as connection:
        learnt = len(learnt_from(connection, run_id))
        return times(connection, run_id), newest(connection, run_id), learnt


def times(connection: Connection, run_id: int | None = None) -> int:
    """How often a run, or any run, was judged on the test images."""
    query = select(func.count()).select_from(schema.judgements)
    if run_id is not None:
        query = query.where(schema.judgements.c.run_id == run_id)
    return int(connection.execute(query).scalar_one())


def learnt_from(connection: Connection, run_id: int) -> set[int]:
    """Ids of the live test images that a run was trained, calibrated or chosen on.

    They were put aside after it; of the others it has said nothing yet.
    """
    said = schema.predictions.c
    query = (
        images.present(schema.images.c.id)
        .join(schema.predictions, said.image_id == schema.images.c.id)
        .where(images.LIVE, schema.images.c.split == schema.TEST, said.run_id == run_id)
    )
    return set(connection.execute(query).scalars())
