"""The worker process of a project: takes queued jobs from the store, one after the other.

Started by the page through :func:`ensure`, in a session of its own, so that it outlives page
reloads. While it waits it loads what training needs, so that a retrain does not pay for it, and
ends by itself when nothing was asked for some minutes.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from curator.files import sweep_dead
from curator.jobs import marks, runner
from curator.platform import start_detached
from curator.store import copies, jobs

if TYPE_CHECKING:
    from curator.project import Project

IDLE_SECONDS = 600.0
POLL_SECONDS = 0.1
WARM_MODULES = ("curator.learn.train", "curator.collect.fetch", "curator.check.run")


def ensure(project: Project) -> None:
    """Start the project's worker unless one is there, or nothing can be written."""
    if project.read_only is not None:
        return
    lock = _lock(project)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    # A project may come from anyone: what it came with is offered, not run.
    try:
        marks.set_aside(project)
    finally:
        lock.release()
    start_detached(
        [sys.executable, "-m", "curator.jobs.worker", str(project.path)], project.log_file
    )


def submit(project: Project, kind: str, arguments: dict[str, Any]) -> int:
    """Queue a job for the worker, start the worker if needed, and return the job's id.

    The same job twice in the queue is the same wish: its id is returned. So is one that runs,
    unless something was decided or listed since it began, of which it may know nothing.
    Raises InputError, ProjectReadOnly.
    """
    runner.check_kind(kind)
    project.database.require_writable()
    arguments = runner.as_json(arguments)
    runner.reap(project)
    newest = jobs.latest(project.database, jobs.OPEN)
    if (
        newest is not None
        and (newest.kind, newest.arguments) == (kind, arguments)
        and _serves(project, newest)
    ):
        job_id = newest.id
    else:
        job_id = marks.queue(project, kind, arguments)
    ensure(project)
    return job_id


def _serves(project: Project, job: jobs.Job) -> bool:
    """Whether an open job will know of all that is there now, and was asked for by this user."""
    if job.state == jobs.RUNNING:
        return jobs.is_up_to_date(project.database)
    return marks.is_ours(project, job, "to run")


def serve(project: Project, idle_seconds: float = IDLE_SECONDS) -> None:
    """Run queued jobs until none came for ``idle_seconds``; at once if a worker is there."""
    lock = _lock(project)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        try:
            sweep_dead(project.path)
            with copies.keeping(project.database.path):
                _work(project, idle_seconds)
        finally:
            lock.release()
        # A job that was queued just before the release saw a worker, and so started none.
        if not project.path.exists() or jobs.oldest_queued(project.database) is None:
            return


def _work(project: Project, idle_seconds: float) -> None:
    last_work = time.monotonic()
    warm = False
    while project.path.exists():
        if _run_next(project):
            last_work = time.monotonic()
        elif time.monotonic() - last_work >= idle_seconds:
            return
        elif not warm:
            warm = True
            _warm_up()
        else:
            time.sleep(POLL_SECONDS)


def _run_next(project: Project) -> bool:
    job = jobs.oldest_queued(project.database)
    if job is None:
        return False
    if not marks.is_ours(project, job, "to run"):
        marks.set_aside(project)
        return False
    # Waits for a job that the command line runs; the page shows ours as queued meanwhile.
    with runner.work_lock(project):
        jobs.fail_running(project.database, runner.DIED)
        if marks.start(project, job):
            # The outcome, with the reason of a failure, is in the jobs table.
            with contextlib.suppress(Exception):
                runner.execute(project, job.id, job.kind, job.arguments)
    return True


def _warm_up() -> None:
    for name in WARM_MODULES:
        importlib.import_module(name)
    importlib.import_module("curator.learn.train").warm_up()


def _lock(project: Project) -> FileLock:
    return FileLock(project.path / runner.WORKER_LOCK)


def main() -> None:
    """``python -m curator.jobs.worker PROJECT``."""
    from curator.project import Project

    # Ctrl+C in the terminal of the dashboard is for the dashboard.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    project = Project.open(Path(sys.argv[1]))
    serve(project, float(os.environ.get("CURATOR_WORKER_IDLE", IDLE_SECONDS)))


if __name__ == "__main__":
    main()
