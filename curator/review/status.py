"""Where the project stands, station by station: the figures of the rail and of `curator status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from curator.check.report import AddressCounts, address_counts
from curator.records import Record
from curator.store import copies, images, ledger, runs, schema
from curator.store.classes import all_classes, names_by_id

if TYPE_CHECKING:
    from curator.store.run_json import Quality
    from curator.store.workspace import Workspace

STATES = (schema.NEW, schema.KEPT, schema.UNSURE, *schema.OUT)


@dataclass(frozen=True)
class NewestRun(Record):
    """The newest run: what it is, where it ran and why there, and how good it is."""

    run: int
    backbone: str
    recipe: str
    choice: str
    out_of_fold: Quality
    valid: Quality
    error: float | None
    """0..1, of the images ``judged_on``; None where there was no such image."""
    judged_on: str


@dataclass(frozen=True)
class Status(Record):
    """Where a project stands."""

    project: str
    """Its name."""
    path: str
    read_only: str | None
    """Why the project cannot be written; None when it can."""
    damage: str | None
    """What the last copying found wrong with the database; None when nothing."""
    images: int
    """Live ones."""
    classes: dict[str, int]
    """Live images of each class."""
    states: dict[str, int]
    """Images in each of :data:`STATES`."""
    addresses: AddressCounts
    unchecked: int
    """Images that no check or training has grouped with their near-duplicates yet."""
    decisions: int
    """Those in force, undone ones not counted."""
    run: NewestRun | None
    left: int
    """Images that the run which ranks flags as label issues and nobody decided on yet."""
    stale: int
    """Images whose label or presence changed since the newest run was trained."""


def status(workspace: Workspace) -> Status:
    """Count where the project stands."""
    now = schema.current.c
    with workspace.database.read() as connection:
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
        run = None
        left = stale = 0
        if newest is not None:
            found = runs.get(connection, newest)
            run = _described(found)
            left = _flagged(connection, runs.ranking_id(connection))
            stale = _changed(connection, newest)
    return Status(
        project=workspace.name,
        path=str(workspace.path),
        read_only=None if workspace.read_only is None else str(workspace.read_only),
        damage=copies.damage_of(workspace.database.path),
        images=sum(per_class.values()),
        classes={names[class_id]: number for class_id, number in per_class.items()},
        states=states,
        addresses=addresses,
        unchecked=unchecked,
        decisions=decisions,
        run=run,
        left=left,
        stale=stale,
    )


def _described(run: runs.Run) -> NewestRun:
    out_of_fold, valid = run.figures("out_of_fold"), run.figures("valid")
    # A network that was fine-tuned without folds has no error out-of-fold.
    whole = out_of_fold["error"] is not None
    return NewestRun(
        run=run.id,
        backbone=run.backbone,
        recipe=run.recipe,
        choice=run.settings.get("choice", ""),
        out_of_fold=out_of_fold,
        valid=valid,
        error=out_of_fold["error"] if whole else valid["error"],
        judged_on="out-of-fold" if whole else "on the validation images",
    )


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
