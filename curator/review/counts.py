"""The counts behind a project's status; what follows from them is judged in status.py.

Whatever number the page or the command line gives of the project as a whole is one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from curator.check.counts import AddressCounts, address_counts
from curator.records import Record
from curator.review.advice.stopping import RANKED
from curator.store import copies, images, jobs, ledger_log, runs, schema
from curator.store.classes import all_classes, names_by_id

if TYPE_CHECKING:
    from curator.store.run_json import Quality
    from curator.store.workspace import Workspace

EXPORTS = ("export", "export-model")
STATES = (*schema.LIVE_STATES, *schema.LEFT_OUT)


@dataclass(frozen=True)
class NewestRun(Record):
    """The run in use: what it is, where it ran and why there, and how good it is."""

    run: int
    title: str
    """"run 6", or "run 6, an automatic refit" where nobody asked for it."""
    backbone: str
    recipe: str
    choice: str
    out_of_fold: Quality
    valid: Quality
    error: float | None
    """0..1, of the images ``judged_on``; None where there was no such image."""
    judged_on: str
    low: float | None
    high: float | None
    """Ends of the error's 95 % interval."""
    guessing: float | None
    """0..1, the error of always saying the commonest class; None where it is not known."""
    chosen: bool
    """Whether the user chose it; else it is the newest that was asked for."""


@dataclass(frozen=True)
class Counts(Record):
    """What there is of everything."""

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
    unlabelled: int
    """Images that came without a label and have none yet; no other number counts them."""
    addresses: AddressCounts
    unchecked: int
    """Images that no check or training has grouped with their near-duplicates yet."""
    decisions: int
    """Those in force, undone ones not counted."""
    run: NewestRun | None
    """The run in use: exported, and what the page and the command line speak of."""
    left: int
    """Images that the run which ranks flags as label issues and nobody decided on yet."""
    stale: int
    """Images whose label or presence is not what ``run`` was trained on."""
    looked: bool
    """Whether somebody left a page of a queue that a run orders, or judged by a score elsewhere."""
    brought: int | None
    """Images, new or known, that the newest fetch or import gave; None before the first."""
    brought_failed: int
    """Addresses or files of it that gave none."""
    exported: bool
    """Whether the data or the model was written, and nothing was decided or trained since, nor
    another run taken into use than the one whose model was."""


def count(workspace: Workspace) -> Counts:
    """Count what there is."""
    now = schema.current.c
    with workspace.database.read() as connection:
        per_class = dict.fromkeys((item.id for item in all_classes(connection)), 0)
        states = dict.fromkeys(STATES, 0)
        unlabelled = 0
        query = select(now.state, now.class_id, func.count()).group_by(now.state, now.class_id)
        for state, class_id, number in connection.execute(query):
            if state in states:
                states[state] += number
            unlabelled += number if state == schema.UNLABELLED else 0
            if state not in schema.OUT:
                per_class[class_id] += number
        names = names_by_id(connection)
        addresses = address_counts(connection)
        decisions = ledger_log.count(connection)
        unchecked = _count(connection, schema.images.c.group_id.is_(None)) + _count(
            connection, schema.images.c.split.is_(None), schema.images.c.group_id.is_not(None)
        )
        run = None
        left = stale = 0
        if runs.latest_id(connection) is not None:
            run = _described(runs.to_export(connection), runs.chosen(connection) is not None)
            left = _flagged(connection, runs.ranking_id(connection))
            stale = _changed(connection, run.run)
        looked = _looked(connection)
        changed_at = _changed_at(connection)
    brought, brought_failed = _brought(workspace)
    exports = [jobs.latest(workspace.database, (jobs.DONE,), kind) for kind in EXPORTS]
    written = [job for job in exports if job and job.ended_at and job.ended_at >= changed_at]
    models = {(job.result or {}).get("run") for job in written if job.kind == "export-model"}
    return Counts(
        project=workspace.name,
        path=str(workspace.path),
        read_only=None if workspace.read_only is None else str(workspace.read_only),
        damage=copies.damage_of(workspace.database.path),
        images=sum(per_class.values()),
        classes={names[class_id]: number for class_id, number in per_class.items()},
        states=states,
        unlabelled=unlabelled,
        addresses=addresses,
        unchecked=unchecked,
        decisions=decisions,
        run=run,
        left=left,
        stale=stale,
        looked=looked,
        brought=brought,
        brought_failed=brought_failed,
        exported=bool(written) and models <= {None if run is None else run.run},
    )


def _described(run: runs.Run, chosen: bool) -> NewestRun:
    out_of_fold, valid = run.figures("out_of_fold"), run.figures("valid")
    # A network that was fine-tuned without folds has no error out-of-fold.
    whole = out_of_fold["error"] is not None
    judged = out_of_fold if whole else valid
    return NewestRun(
        run=run.id,
        title=run.title,
        backbone=run.backbone,
        recipe=run.recipe,
        choice=run.settings.get("choice", ""),
        out_of_fold=out_of_fold,
        valid=valid,
        error=judged["error"],
        judged_on="out-of-fold" if whole else "on the validation images",
        low=judged["low"],
        high=judged["high"],
        guessing=_guessing(run),
        chosen=chosen,
    )


def _guessing(run: runs.Run) -> float | None:
    """Error of always saying the commonest label, of the very images that the run was judged on."""
    rows: Any = run.metrics.get("per_class")  # whatever somebody else's project holds
    try:
        images_of = [int(row["support"]) for row in rows]
        return 1 - max(images_of) / sum(images_of)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _looked(connection: Connection) -> bool:
    page = select(schema.pages.c.id).where(schema.pages.c.queue.in_(RANKED)).limit(1)
    ledger_row = schema.decisions.c
    judged = (
        select(ledger_row.id)
        .join(schema.current, schema.current.c.decision_id == ledger_row.id)
        .where(
            ledger_row.score.is_not(None),
            # A deletion may have any reason, as that of a copy.
            schema.current.c.state.in_([schema.KEPT, schema.SEVERAL, schema.NONE]),
        )
        .limit(1)
    )
    return any(connection.execute(query).first() is not None for query in (page, judged))


def _changed_at(connection: Connection) -> str:
    """When something was last decided or trained; "" before that."""
    asked = (
        select(func.coalesce(func.max(table.c.at), "")) for table in (schema.decisions, schema.runs)
    )
    return max(str(connection.execute(query).scalar_one()) for query in asked)


def _brought(workspace: Workspace) -> tuple[int | None, int]:
    """Images that the newest fetch or import gave, and what failed of it."""
    ended = [jobs.latest(workspace.database, (jobs.DONE,), kind) for kind in ("fetch", "import")]
    job = max((job for job in ended if job), key=lambda job: job.id, default=None)
    if job is None:
        return None, 0
    result: dict[str, Any] = job.result or {}
    failed = result.get("failed")
    numbers = failed.values() if isinstance(failed, dict) else [failed]
    got = [result.get("images"), result.get("same")]
    return sum(_number(value) for value in got), sum(_number(value) for value in numbers)


def _number(value: object) -> int:
    """A count as a job's result gives it; 0 for anything else."""
    return value if isinstance(value, int) else 0


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(schema.images).where(*conditions)
    return int(connection.execute(query).scalar_one())


def flagged(workspace: Workspace) -> int:
    """Images that the run which ranks flags as label issues and nobody decided on yet."""
    with workspace.database.read() as connection:
        return _flagged(connection, runs.ranking_id(connection))


def _flagged(connection: Connection, run_id: int | None) -> int:
    return sum(flagged_by_class(connection, run_id).values())


def flagged_by_class(connection: Connection, run_id: int | None) -> dict[int, int]:
    """Those of :func:`flagged`, by the id of their present class."""
    table, now = schema.predictions, schema.current.c
    query = (
        select(now.class_id, func.count().label("number"))
        .select_from(table.join(schema.current, now.image_id == table.c.image_id))
        .where(table.c.run_id == run_id, table.c.is_label_issue == 1, now.state == schema.NEW)
        .group_by(now.class_id)
    )
    return {row.class_id: row.number for row in connection.execute(query)}


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
    every = images.number_learnable(connection)
    return int(seen - (unchanged or 0) + every - (live_and_seen or 0))
