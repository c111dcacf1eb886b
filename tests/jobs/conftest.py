"""A slow web server and projects whose lists point to it; workers that end with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock, Timeout

from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import Served, serving
from curator.store import jobs
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NUMBER = 40
PATIENCE = 60.0  # seconds until a wait is given up; reached only when something is broken
# Slow enough that a test can act in the middle: 40 pictures, four at a time, 0.15 s each.
SETTINGS = {"allow_private": True, "threads": 4, "per_host": 4}


@pytest.fixture
def slow_server() -> Iterator[Served]:
    """Serve 40 pictures of two classes, each after a pause; two addresses are dead."""
    items = [
        Item(
            path=f"/{number}.png",
            listed="ab"[number % 2],
            truth=None,
            fault="dead" if number in {7, 30} else "slow",
            body=encoded(picture(number)),
            status=404 if number in {7, 30} else 200,
            delay=0.15,
        )
        for number in range(NUMBER)
    ]
    with serving(items) as served:
        yield served


@pytest.fixture
def listed(slow_server: Served, tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """Give a function that makes a project with the slow server's lists, nothing fetched yet."""
    made: list[Project] = []

    def make(name: str) -> Project:
        project = Project.create(tmp_path / name, ["a", "b"])
        for label in ("a", "b"):
            project.add(label, "\n".join(slow_server.addresses(label)))
        made.append(project)
        return project

    yield make
    for project in made:
        stop_workers(project)
        project.close()


@pytest.fixture(autouse=True)
def _idle_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers end by themselves soon after the last job."""
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0.5")


def stop_workers(project: Project) -> None:
    """Kill what still works on the project, by the process id that its job recorded."""
    job = jobs.latest(project.database, (jobs.RUNNING,))
    if job is not None and job.process not in {None, os.getpid()}:
        assert job.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(job.process, signal.SIGTERM)
    wait_for(lambda: is_free(project, "worker.lock"), "the worker to end")


def is_free(project: Project, lock: str) -> bool:
    """Say whether nobody holds that lock of the project."""
    trial = FileLock(project.path / lock)
    try:
        trial.acquire(timeout=0)
    except Timeout:
        return False
    trial.release()
    return True


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; fail with ``what`` when it never does."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)


def content(project: Project) -> set[tuple[str, str, str]]:
    """Give (address's path, state, content) of every source: what a fetch has to bring."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT origin, state, COALESCE(reason, ''), COALESCE(sha256, '') "
            "FROM sources LEFT JOIN images ON images.id = sources.image_id"
        ).all()
    return {
        (origin.rpartition("/")[2], f"{state} {reason}", sha) for origin, state, reason, sha in rows
    }
