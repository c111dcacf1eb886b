"""The worker process of a project: takes queued jobs from the store, one after the other.

It stands above all stations, since it runs their jobs by name. Started by the page through
:func:`ensure`, in a session of its own, so that it outlives page reloads. While it waits it loads
what training needs, so that a retrain does not pay for it, and ends by itself when nothing was
asked for some minutes.
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

from curator.errors import InputError
from curator.files import sweep_dead
from curator.jobs import locks, marks, runner
from curator.platform import start_detached
from curator.store import jobs
from curator.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.jobs.progress import Listener
    from curator.jobs.report import Report

# Imported when they run: training loads heavy packages that fetching does not need.
JOBS = {
    "sample": "curator.sample.job",
    "import": "curator.collect.imports.job",
    "fetch": "curator.cluster.job",
    "check": "curator.check.job",
    "train": "curator.learn.train",
    "refit": "curator.learn.instant.refit_job",
    "cost": "curator.learn.finetune.cost_job",
    "lr-find": "curator.learn.finetune.rate_job",
    "learning-curve": "curator.learn.curve.measure",
    "backbones": "curator.learn.networks",
    "map": "curator.find.map.job",
    "find": "curator.find.words_job",
    "export": "curator.deliver.folder",
    "export-model": "curator.deliver.bundle",
    "rebuild": "curator.deliver.recipe.rebuild",
    "evaluate": "curator.deliver.evaluate",
}
"""The modules whose ``run`` is a job, by the job's kind."""

IDLE_SECONDS = 600.0
POLL_SECONDS = 0.1
WARM_AFTER_SECONDS = 3.0  # it is started by a page that is being painted and needs the cores itself
WARM_IF_SECONDS = 60.0  # one that idles less is gone too soon for it to pay
WARM_MODULES = ("curator.learn.train", "curator.cluster.job", "curator.check.job")


def ensure(workspace: Workspace) -> None:
    """Start the project's worker unless one is there, or nothing can be written."""
    if workspace.read_only is not None:
        return
    lock = _lock(workspace)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    # A project may come from anyone: what it came with is offered, not run.
    try:
        marks.set_aside(workspace)
    finally:
        lock.release()
    start_detached(
        [sys.executable, "-m", "curator.worker", str(workspace.path)], workspace.log_file
    )


def submit(workspace: Workspace, kind: str, arguments: dict[str, Any]) -> int:
    """Queue a job for the worker, start the worker if needed, and return the job's id.

    The same job twice in the queue is the same wish: its id is returned. So is one that runs,
    unless something was decided or listed since it began, of which it may know nothing.
    Raises InputError, ProjectReadOnly.
    """
    _check_kind(kind)
    workspace.database.require_writable()
    arguments = runner.as_json(arguments)
    locks.reap(workspace)
    newest = jobs.latest(workspace.database, jobs.OPEN)
    if (
        newest is not None
        and (newest.kind, newest.arguments) == (kind, arguments)
        and _serves(workspace, newest)
    ):
        job_id = newest.id
    else:
        job_id = marks.queue(workspace, kind, arguments)
    ensure(workspace)
    return job_id


def _serves(workspace: Workspace, job: jobs.Job) -> bool:
    """Whether an open job will know of all that is there now, and was asked for by this user."""
    if job.state == jobs.RUNNING:
        return jobs.is_up_to_date(workspace.database)
    return marks.is_ours(workspace, job, "to run")


def submit_waiting(workspace: Workspace, job_id: int) -> int:
    """Hand a job that the project came with to the worker: it is this user's wish now.

    Return the new job's id. Raises InputError when no such job waits, and what :func:`submit` does.
    """
    job = marks.take(workspace, job_id)
    return submit(workspace, job.kind, job.arguments)


def run_waiting(workspace: Workspace, job_id: int, listener: Listener | None = None) -> Report:
    """Run a waiting job here and now. Raises InputError when no such job waits."""
    job = marks.take(workspace, job_id)
    return runner.run(workspace, job.kind, function_of(job.kind), job.arguments, listener)


def serve(workspace: Workspace, idle_seconds: float = IDLE_SECONDS) -> None:
    """Run queued jobs until none came for ``idle_seconds``; at once if a worker is there."""
    lock = _lock(workspace)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return
        try:
            sweep_dead(workspace.path)
            with workspace.database.kept_copied():
                _work(workspace, idle_seconds)
        finally:
            lock.release()
        # A job that was queued just before the release saw a worker, and so started none.
        if not workspace.path.exists() or jobs.oldest_queued(workspace.database) is None:
            return


def _work(workspace: Workspace, idle_seconds: float) -> None:
    last_work = time.monotonic()
    warm = idle_seconds < WARM_IF_SECONDS
    while workspace.path.exists():
        if _run_next(workspace):
            last_work = time.monotonic()
        elif time.monotonic() - last_work >= idle_seconds:
            return
        elif not warm and time.monotonic() - last_work >= WARM_AFTER_SECONDS:
            warm = True
            _warm_up()
        else:
            time.sleep(POLL_SECONDS)


def _run_next(workspace: Workspace) -> bool:
    job = jobs.oldest_queued(workspace.database)
    if job is None:
        return False
    if not marks.is_ours(workspace, job, "to run"):
        marks.set_aside(workspace)
        return False
    # Waits for a job that the command line runs; the page shows ours as queued meanwhile.
    with locks.work_lock(workspace):
        jobs.fail_running(workspace.database, locks.DIED)
        if marks.start(workspace, job):
            # The outcome, with the reason of a failure, is in the jobs table.
            with contextlib.suppress(Exception):
                runner.execute(workspace, job.id, job.kind, function_of(job.kind), job.arguments)
    return True


def _warm_up() -> None:
    for name in WARM_MODULES:
        importlib.import_module(name)
    importlib.import_module("curator.learn.train").warm_up()


def function_of(kind: str) -> Callable[..., Report]:
    """The job function of that kind; imports its module. Raises InputError."""
    _check_kind(kind)
    function: Callable[..., Report] = importlib.import_module(JOBS[kind]).run
    return function


def _check_kind(kind: str) -> None:
    if kind not in JOBS:
        raise InputError(f"{kind!r} is no kind of job.", f"Use one of {', '.join(JOBS)}.")


def _lock(workspace: Workspace) -> FileLock:
    return FileLock(workspace.path / locks.WORKER_LOCK)


def main() -> None:
    """``python -m curator.worker PROJECT``."""
    # Ctrl+C in the terminal of the dashboard is for the dashboard.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    workspace = Workspace.open(Path(sys.argv[1]))
    serve(workspace, float(os.environ.get("CURATOR_WORKER_IDLE", IDLE_SECONDS)))


if __name__ == "__main__":
    main()
