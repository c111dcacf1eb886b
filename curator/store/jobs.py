"""The table of long work: queued, running, done, failed, cancelled; and offered, not asked for.

Knows nothing of processes, locks or keys: see ``curator.jobs`` for who runs what. What a row holds
may be anybody's: a cell that is not what it should be counts as empty.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from curator.phrasing import utf8
from curator.store import schema
from curator.store.database import Database, now
from curator.store.undo import IMPORT

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
OFFERED = "offered"  # found in the project, asked for by nobody here: run when the user says so
OPEN = (QUEUED, RUNNING)
_BEGAN_WITH = "job_began_with"  # in the table of single values: only one job runs at a time
MOST_SHOWN = 100  # jobs that :func:`of_states` gives
_LONGEST = 4 << 20  # characters of a JSON cell; a training table of 1,000 epochs has 0.2 million


@dataclass(frozen=True)
class Job:
    """One row of the jobs table. ``done`` and ``total`` count items; ``total`` may be unknown."""

    id: int
    kind: str
    arguments: dict[str, Any]
    state: str
    done: int
    total: int | None
    message: str
    counts: dict[str, int]
    table: list[dict[str, Any]]
    cancel: bool
    process: int | None
    created_at: str
    started_at: str | None
    heartbeat: float | None
    ended_at: str | None
    result: dict[str, Any] | None
    error: str | None
    mark: str | None
    """What tells that this user asked for it; see :mod:`curator.jobs.marks`."""

    @property
    def is_open(self) -> bool:
        """Queued or running."""
        return self.state in OPEN


def _job(row: Any) -> Job:
    values = dict(row._mapping)
    for key in ("arguments", "counts", "result"):
        found = _parsed(values[key])
        values[key] = found if isinstance(found, dict) else {}
    values["result"] = values["result"] or None
    table = _parsed(values["table"])
    values["table"] = (
        [row for row in table if isinstance(row, dict)] if isinstance(table, list) else []
    )
    values["counts"] = {
        name: number for name, number in values["counts"].items() if isinstance(number, int)
    }
    values["cancel"] = bool(values["cancel"])
    for key, kinds, otherwise in _CELLS:
        if not isinstance(values[key], kinds):
            values[key] = otherwise
    if not _is_time(values["created_at"]):
        values["created_at"] = _LONG_AGO
    if not _is_time(values["ended_at"]):
        values["ended_at"] = None
    return Job(**values)


_LONG_AGO = "2000-01-01T00:00:00.000+00:00"
_CELLS: tuple[tuple[str, type | tuple[type, ...], Any], ...] = (
    ("kind", str, ""),
    ("state", str, FAILED),
    ("message", str, ""),
    ("done", int, 0),
    ("total", int, None),
    ("process", int, None),
    ("heartbeat", (int, float), None),
    ("error", str, None),
    ("mark", str, None),
)


def _is_time(cell: Any) -> bool:
    try:
        return datetime.fromisoformat(cell).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _parsed(cell: Any) -> Any:
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None


def signed_text(job: Job) -> str:
    """What makes a job the one that was asked for, as one text."""
    return json.dumps([job.id, job.kind, job.arguments, job.created_at], sort_keys=True)


Sign = Callable[[Job], str]


def queue(
    database: Database, kind: str, arguments: Mapping[str, object], sign: Sign | None = None
) -> int:
    """Add a job for the worker, which runs it only with its mark; return its id."""
    return _add(database, sign, kind=kind, arguments=json.dumps(arguments), state=QUEUED)


def begin(
    database: Database, kind: str, arguments: Mapping[str, object], sign: Sign | None = None
) -> int:
    """Add a job that runs in this process from now on; return its id."""
    return _add(database, sign, kind=kind, arguments=json.dumps(arguments), **_running())


def _running() -> dict[str, Any]:
    return {
        "state": RUNNING,
        "process": os.getpid(),
        "started_at": now(),
        "heartbeat": time.time(),
    }


def _add(database: Database, sign: Sign | None, **values: Any) -> int:
    table = schema.jobs
    with database.write() as connection:
        key = connection.execute(
            insert(table).values(created_at=values.get("started_at") or now(), **values)
        ).inserted_primary_key
        assert key is not None
        if values["state"] == RUNNING:
            _note_beginning(connection)
        if sign is not None:
            row = connection.execute(select(table).where(table.c.id == key[0])).one()
            connection.execute(
                update(table).where(table.c.id == key[0]).values(mark=sign(_job(row)))
            )
        return int(key[0])


def of_states(database: Database, states: tuple[str, ...]) -> list[Job]:
    """The oldest :data:`MOST_SHOWN` jobs of those states, oldest first."""
    table = schema.jobs
    query = select(table).where(table.c.state.in_(states)).order_by(table.c.id).limit(MOST_SHOWN)
    with database.read() as connection:
        return [_job(row) for row in connection.execute(query)]


def offer(database: Database, job_id: int) -> None:
    """Take a job out of the queue: it waits until the user asks for it."""
    with database.write() as connection:
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state == QUEUED)
            .values(state=OFFERED)
        )


def get(database: Database, job_id: int) -> Job:
    """One job by id."""
    with database.read() as connection:
        return _job(connection.execute(select(schema.jobs).where(schema.jobs.c.id == job_id)).one())


def latest(
    database: Database,
    states: tuple[str, ...] | None = None,
    kind: str | None = None,
    without: tuple[str, ...] = (),
) -> Job | None:
    """The newest job, of those ``states`` and of that ``kind`` if given, and none ``without``.

    Offered ones are nobody's wish yet and come only when asked for.
    """
    query = select(schema.jobs).order_by(schema.jobs.c.id.desc()).limit(1)
    if states:
        query = query.where(schema.jobs.c.state.in_(states))
    else:
        query = query.where(schema.jobs.c.state != OFFERED)
    if kind:
        query = query.where(schema.jobs.c.kind == kind)
    if without:
        query = query.where(schema.jobs.c.kind.not_in(without))
    with database.read() as connection:
        row = connection.execute(query).first()
    return _job(row) if row else None


def written(database: Database, kind: str) -> tuple[Path | None, dict[str, Any]]:
    """The folder that the newest finished job of a kind wrote, if it is still there; its result."""
    last = latest(database, (DONE,), kind)
    result = {} if last is None else last.result or {}
    folder = Path(str(result.get("folder", "")))
    return (folder if folder.is_absolute() and folder.is_dir() else None), result


def oldest_queued(database: Database) -> Job | None:
    """The job that is next."""
    query = (
        select(schema.jobs).where(schema.jobs.c.state == QUEUED).order_by(schema.jobs.c.id).limit(1)
    )
    with database.read() as connection:
        row = connection.execute(query).first()
    return _job(row) if row else None


def start(database: Database, job_id: int, mark: str = "") -> bool:
    """Mark a queued job as running in this process; False when it was cancelled meanwhile.

    ``mark``: its mark from now on.
    """
    with database.write() as connection:
        changed = connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state == QUEUED)
            .values(mark=mark, **_running())
        )
        if changed.rowcount:
            _note_beginning(connection)
        return bool(changed.rowcount)


def _note_beginning(connection: Connection) -> None:
    connection.execute(delete(schema.meta).where(schema.meta.c.key == _BEGAN_WITH))
    began = {"key": _BEGAN_WITH, "value": _asked_of(connection)}
    connection.execute(insert(schema.meta).values(began))


def is_up_to_date(database: Database) -> bool:
    """Whether nothing was decided, renamed or listed since the job that started last started.

    What jobs bring themselves, images and imported files, does not count.
    """
    with database.read() as connection:
        began = connection.execute(
            select(schema.meta.c.value).where(schema.meta.c.key == _BEGAN_WITH)
        ).scalar()
        return bool(began == _asked_of(connection))


def _asked_of(connection: Connection) -> str:
    """The last of what people did by now; differs whenever they did something since."""
    decisions, acts, sources = schema.decisions.c, schema.class_acts.c, schema.sources.c
    newest = (
        select(func.max(decisions.id)).where(decisions.action != IMPORT),
        select(func.max(acts.id)).where(acts.action != IMPORT),
        select(func.max(sources.id)).where(sources.kind != "file"),
    )
    return json.dumps([connection.execute(query).scalar() for query in newest])


def report(database: Database, job_id: int, **values: Any) -> bool:
    """Write progress and a heartbeat; return whether the job was asked to stop."""
    for key in ("counts", "table"):
        if key in values:
            values[key] = json.dumps(values[key])
    if "message" in values:  # may name a file whose name is no UTF-8
        values["message"] = utf8(values["message"])
    with database.write() as connection:
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id)
            .values(heartbeat=time.time(), **values)
        )
        return bool(
            connection.execute(
                select(schema.jobs.c.cancel).where(schema.jobs.c.id == job_id)
            ).scalar_one()
        )


def end(
    database: Database,
    job_id: int,
    state: str,
    result: Mapping[str, object] | None = None,
    error: str | None = None,
) -> None:
    """Record the outcome."""
    with database.write() as connection:
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id)
            .values(
                state=state,
                ended_at=now(),
                result=None if result is None else json.dumps(result),
                error=None if error is None else utf8(error),
            )
        )


def cancel(database: Database, job_id: int) -> None:
    """Ask a job to stop: a queued or offered one ends at once, a running one between two items."""
    with database.write() as connection:
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state.in_((QUEUED, OFFERED)))
            .values(state=CANCELLED, ended_at=now())
        )
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state == RUNNING)
            .values(cancel=1)
        )


def fail_running(database: Database, error: str) -> int:
    """Mark every running job as failed: the caller knows that nobody runs them. Their number."""
    with database.write() as connection:
        changed = connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.state == RUNNING)
            .values(state=FAILED, ended_at=now(), error=error)
        )
        return int(changed.rowcount)
