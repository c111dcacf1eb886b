"""Who works on a project: its two locks, and telling that whoever held one has died.

A lock is the system's: it is free again when its holder ends, however it ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from curator.errors import JobRunning
from curator.store import jobs
from curator.store.reading import refused
from curator.store.workspace import Workspace

DIED = (
    "The process that ran this job ended without a word (killed, or the machine went down). "
    "Nothing that was saved is lost: start it again and it goes on."
)


WORK_LOCK, WORKER_LOCK = "work.lock", "worker.lock"


def work_lock(workspace: Workspace) -> FileLock:
    """The lock that whoever runs a long job holds."""
    return FileLock(workspace.path / WORK_LOCK)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a project's folder while its database is replaced. Raises JobRunning."""
    if not folder.is_dir():
        yield  # there is nothing to hold, as whoever asked is about to say
        return
    with contextlib.ExitStack() as held:
        for name in (WORKER_LOCK, WORK_LOCK):
            try:
                held.enter_context(FileLock(folder / name).acquire(timeout=1))
            except Timeout as error:
                raise JobRunning(
                    f"Another process works on {folder}.",
                    "Close the dashboard, wait for that process to end, and run this again.",
                ) from error
            except OSError as error:
                raise refused(folder / name, error) from error
        yield


def reap(workspace: Workspace) -> int:
    """Mark jobs as failed whose process died; return how many there were."""
    if jobs.latest(workspace.database, (jobs.RUNNING,)) is None:
        return 0
    lock = work_lock(workspace)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return 0
    try:
        return jobs.fail_running(workspace.database, DIED)
    finally:
        lock.release()
