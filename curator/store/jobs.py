"""The table of long work: queued, running, done, failed, cancelled.

Knows nothing of processes or locks: see ``curator.jobs`` for who runs what.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from curator.store import schema
from curator.store.database import Database, now
from curator.words import utf8

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
OPEN = (QUEUED, RUNNING)


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

    @property
    def is_open(self) -> bool:
        """Queued or running."""
        return self.state in OPEN


def _job(row: Any) -> Job:
    values = dict(row._mapping)
    for key in ("arguments", "counts", "table"):
        values[key] = json.loads(values[key])
    values["result"] = json.loads(values["result"]) if values["result"] else None
    values["cancel"] = bool(values["cancel"])
    return Job(**values)


def queue(database: Database, kind: str, arguments: dict[str, Any]) -> int:
    """Add a job for the worker; return its id."""
    with database.write() as connection:
        result = connection.execute(
            insert(schema.jobs).values(
                kind=kind, arguments=json.dumps(arguments), state=QUEUED, created_at=now()
            )
        )
        key = result.inserted_primary_key
        assert key is not None
        return int(key[0])


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
    """The newest job, of those ``states`` and of that ``kind`` if given, and none ``without``."""
    query = select(schema.jobs).order_by(schema.jobs.c.id.desc()).limit(1)
    if states:
        query = query.where(schema.jobs.c.state.in_(states))
    if kind:
        query = query.where(schema.jobs.c.kind == kind)
    if without:
        query = query.where(schema.jobs.c.kind.not_in(without))
    with database.read() as connection:
        row = connection.execute(query).first()
    return _job(row) if row else None


def oldest_queued(database: Database) -> Job | None:
    """The job that is next."""
    query = (
        select(schema.jobs).where(schema.jobs.c.state == QUEUED).order_by(schema.jobs.c.id).limit(1)
    )
    with database.read() as connection:
        row = connection.execute(query).first()
    return _job(row) if row else None


def start(database: Database, job_id: int) -> bool:
    """Mark a queued job as running in this process; False when it was cancelled meanwhile."""
    with database.write() as connection:
        changed = connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state == QUEUED)
            .values(state=RUNNING, process=os.getpid(), started_at=now(), heartbeat=time.time())
        )
        return bool(changed.rowcount)


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
    result: dict[str, Any] | None = None,
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
    """Ask a job to stop: a queued one ends at once, a running one between two items."""
    with database.write() as connection:
        connection.execute(
            update(schema.jobs)
            .where(schema.jobs.c.id == job_id, schema.jobs.c.state == QUEUED)
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
