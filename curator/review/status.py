"""Where the project stands, station by station: the figures of the rail and of `curator status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from curator.check.report import address_counts
from curator.store import images, ledger, runs, schema

if TYPE_CHECKING:
    from curator.project import Project


def status(project: Project) -> dict[str, Any]:
    """Counts as JSON: images by class and state, addresses, decisions, newest run, what is left.

    ``unchecked``: images that no check or training has grouped with their near-duplicates yet.
    ``left``: images that the run which ranks flags as label issues and nobody decided on yet.
    ``stale``: images whose label or presence changed since the newest run was trained.
    ``decisions``: those in force, undone ones not counted.
    """
    with project.database.read() as connection:
        per_class: dict[str, int] = dict(
            connection.execute(
                select(schema.classes.c.name, func.count(schema.current.c.image_id))
                .select_from(
                    schema.classes.outerjoin(
                        schema.current,
                        (schema.current.c.class_id == schema.classes.c.id) & images.LIVE,
                    )
                )
                .group_by(schema.classes.c.id)
                .order_by(schema.classes.c.position)
            ).all()
        )
        states: dict[str, int] = dict(
            connection.execute(
                select(schema.current.c.state, func.count()).group_by(schema.current.c.state)
            ).all()
        )
        addresses = address_counts(connection)
        decisions = ledger.count(connection)
        unchecked = connection.execute(
            select(func.count())
            .select_from(schema.images)
            .where(or_(schema.images.c.group_id.is_(None), schema.images.c.split.is_(None)))
        ).scalar_one()
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
                "out_of_fold": found.metrics["out_of_fold"],
                "valid": found.metrics["valid"],
            }
            left = _flagged(connection, runs.ranking_id(connection))
            stale = _changed(connection, newest)
    return {
        "project": project.name,
        "path": str(project.path),
        "images": sum(per_class.values()),
        "classes": per_class,
        "states": states,
        "addresses": addresses,
        "unchecked": unchecked,
        "decisions": decisions,
        "run": run,
        "left": left,
        "stale": stale,
    }


def _flagged(connection: Any, run_id: int | None) -> int:
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


def _changed(connection: Any, run_id: int) -> int:
    """Images whose label or presence is not what the run was trained on."""
    table = schema.predictions
    other = or_(
        schema.current.c.state == schema.DELETED, schema.current.c.class_id != table.c.class_id
    )
    seen = select(table.c.image_id).where(table.c.run_id == run_id)
    changed = (
        select(func.count())
        .select_from(table.join(schema.current, schema.current.c.image_id == table.c.image_id))
        .where(table.c.run_id == run_id, other)
    )
    unseen = (
        select(func.count())
        .select_from(schema.current)
        .where(schema.current.c.image_id.not_in(seen), images.LIVE)
    )
    return sum(int(connection.execute(query).scalar_one()) for query in (changed, unseen))
