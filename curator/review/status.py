"""Where the project stands, station by station: the figures of the rail and of `curator status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from curator.check.report import address_counts
from curator.store import copies, images, ledger, runs, schema
from curator.store.classes import all_classes, names_by_id

if TYPE_CHECKING:
    from curator.project import Project


STATES = (schema.NEW, schema.KEPT, schema.UNSURE, *schema.OUT)


def status(project: Project) -> dict[str, Any]:
    """Counts as JSON: images by class and state, addresses, decisions, newest run, what is left.

    ``states``: images in each of :data:`STATES`. ``unchecked``: images that no check or training
    has grouped with their near-duplicates yet. ``left``: images that the run which ranks flags as
    label issues and nobody decided on yet. ``stale``: images whose label or presence changed since
    the newest run was trained. ``decisions``: those in force, undone ones not counted. ``error`` of
    the run, 0..1, is that of the images ``judged_on``; None where there was no such image.
    ``read_only``: why the project cannot be written, None when it can. ``damage``: what the last
    copying found wrong with the database, None when nothing.
    """
    now = schema.current.c
    with project.database.read() as connection:
        per_class = dict.fromkeys((item.id for item in all_classes(connection)), 0)
        states = dict.fromkeys(STATES, 0)
        query = select(now.state, now.class_id, func.count()).group_by(now.state, now.class_id)
        for state, class_id, number in connection.execute(query):
            states[state] += number
            if state not in schema.OUT:
                per_class[class_id] += number
        names = names_by_id(connection)
        addresses = address_counts(connection)
        decisions = ledger.count(connection)
        unchecked = _count(connection, schema.images.c.group_id.is_(None)) + _count(
            connection, schema.images.c.split.is_(None), schema.images.c.group_id.is_not(None)
        )
        newest = runs.latest_id(connection)
        run: dict[str, Any] | None = None
        left = stale = 0
        if newest is not None:
            found = runs.get(connection, newest)
            run = {
                "run": found.id,
                "backbone": found.backbone,
                "recipe": found.recipe,
                "choice": found.settings.get("choice", ""),
                "out_of_fold": found.figures("out_of_fold"),
                "valid": found.figures("valid"),
                **_judged(found),
            }
            left = _flagged(connection, runs.ranking_id(connection))
            stale = _changed(connection, newest)
    return {
        "project": project.name,
        "path": str(project.path),
        "damage": copies.damage_of(project.database.path),
        "read_only": None if project.read_only is None else str(project.read_only),
        "images": sum(per_class.values()),
        "classes": {names[class_id]: number for class_id, number in per_class.items()},
        "states": states,
        "addresses": addresses,
        "unchecked": unchecked,
        "decisions": decisions,
        "run": run,
        "left": left,
        "stale": stale,
    }


def _judged(run: runs.Run) -> dict[str, Any]:
    """The one error of a run: a network fine-tuned without folds has none out-of-fold."""
    whole = run.figures("out_of_fold")["error"]
    if whole is not None:
        return {"error": whole, "judged_on": "out-of-fold"}
    return {"error": run.figures("valid")["error"], "judged_on": "on the validation images"}


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(schema.images).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _flagged(connection: Connection, run_id: int | None) -> int:
    table = schema.predictions
    return int(
        connection.execute(
            select(func.count())
            .select_from(table.join(schema.current, schema.current.c.image_id == table.c.image_id))
            .where(
                table.c.run_id == run_id,
                table.c.is_label_issue == 1,
                schema.current.c.state == schema.NEW,
            )
        ).scalar_one()
    )


def _changed(connection: Connection, run_id: int) -> int:
    """Images whose label or presence is not what the run was trained on.

    Those that it saw and that are not the same now, and the live ones that it has not seen.
    """
    said, now = schema.predictions.c, schema.current.c
    live = case((images.LIVE, 1), else_=0)
    same = case((and_(images.LIVE, now.class_id == said.class_id), 1), else_=0)
    seen, live_and_seen, unchanged = connection.execute(
        select(func.count(), func.sum(live), func.sum(same))
        .select_from(schema.predictions)
        .join(schema.current, now.image_id == said.image_id)
        .where(said.run_id == run_id)
    ).one()
    every = connection.execute(select(func.count()).where(images.LIVE)).scalar_one()
    return int(seen - (unchanged or 0) + every - (live_and_seen or 0))
