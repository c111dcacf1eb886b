"""The worker process: real ones, started, killed and left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator import worker
from curator.collect.http.client import FetchSettings
from curator.jobs import locks
from curator.store import jobs, ledger_log, runs
from tests.jobs.conftest import SETTINGS, content, is_free, stop_workers, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.jobs.progress import Progress
    from curator.project import Project

pytestmark = pytest.mark.slow  # starts processes or loads whole networks


def ended(project: Project, job_id: int) -> bool:
    """Say whether a job is over."""
    return not jobs.get(project.database, job_id).is_open


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(listed: Callable[[str], Project]) -> None:
    """Killed in the middle of a fetch and started again, the set is that of an undisturbed run."""
    undisturbed, disturbed = listed("undisturbed"), listed("disturbed")
    undisturbed.fetch(FetchSettings(**SETTINGS))
    job_id = worker.submit(disturbed, "fetch", {"settings": SETTINGS})
    wait_for(lambda: disturbed.status().addresses.fetched >= 5, "the worker to fetch some")
    process = jobs.get(disturbed.database, job_id).process
    assert process is not None
    assert process != os.getpid()
    os.kill(process, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    wait_for(lambda: is_free(disturbed, "work.lock"), "the lock to be freed")
    assert locks.reap(disturbed) == 1
    assert jobs.get(disturbed.database, job_id).state == jobs.FAILED
    before = disturbed.status().addresses
    assert before.pending > 0

    again = worker.submit(disturbed, "fetch", {"settings": SETTINGS})
    assert again != job_id
    wait_for(lambda: ended(disturbed, again), "the second fetch to end")
    job = jobs.get(disturbed.database, again)
    assert (job.state, job.error) == (jobs.DONE, None)
    assert job.result is not None
    assert job.result["asked"] == before.pending
    assert content(disturbed) == content(undisturbed)
    stored = {path.stem for path in disturbed.originals.rglob("*.png")}
    assert stored == {sha for _, _, sha in content(undisturbed) if sha}


def test_the_same_wish_twice_is_one_job(listed: Callable[[str], Project]) -> None:
    """A second click on the same button gives the same job; another wish is another job."""
    project = listed("twice")
    first = worker.submit(project, "fetch", {"settings": SETTINGS})
    assert worker.submit(project, "fetch", {"settings": SETTINGS}) == first
    wait_for(lambda: jobs.get(project.database, first).state == jobs.RUNNING, "the fetch to start")
    assert worker.submit(project, "fetch", {"settings": SETTINGS}) == first
    other = worker.submit(project, "check", {})
    assert other != first
    jobs.cancel(project.database, first)
    wait_for(lambda: ended(project, first) and ended(project, other), "both jobs to end")
    assert jobs.get(project.database, first).state == jobs.CANCELLED
    assert jobs.get(project.database, other).state == jobs.DONE


def test_what_is_decided_while_a_refit_runs_is_learnt_by_the_next(sample_copy: Project) -> None:
    """Asked for again after a decision, a refit waits behind the running one, and only one does."""
    worst = sample_copy.rank(4)["image_id"].tolist()
    sample_copy.decide(worst[:2], "delete")
    asked: list[int] = []

    def go_on_reviewing(progress: Progress) -> None:
        if asked or progress.message != "training the head":
            return
        asked.append(worker.submit(sample_copy, "refit", {}))  # nothing came since: the same wish
        sample_copy.decide(worst[2:], "delete")
        asked.extend(worker.submit(sample_copy, "refit", {}) for _ in range(2))

    sample_copy.refit(listener=go_on_reviewing)
    first, behind, again = asked
    assert jobs.get(sample_copy.database, first).state == jobs.DONE
    assert behind == again != first
    wait_for(lambda: ended(sample_copy, behind), "the second refit to end")
    with sample_copy.database.read() as connection:
        assert runs.ranking(connection).ledger_position == ledger_log.position(connection)
    stop_workers(sample_copy)


def test_a_path_is_a_path_for_the_worker_too(
    small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative Path means the folder of who asked, and is the same wish as its text."""
    monkeypatch.chdir(tmp_path)
    job_id = worker.submit(small, "export", {"out": Path("curated")})
    monkeypatch.chdir(small.path)
    wait_for(lambda: ended(small, job_id), "the export to end")
    assert (tmp_path / "curated" / "manifest.csv").is_file()
    assert jobs.get(small.database, job_id).arguments == {"out": str(tmp_path / "curated")}
    stop_workers(small)


def test_the_worker_ends_when_idle_and_another_takes_over(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing to do a worker ends by itself; the next job starts a new one."""
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0")
    processes = set()
    for _ in range(2):
        job_id = worker.submit(small, "check", {})
        wait_for(lambda number=job_id: ended(small, number), "the check to end")  # type: ignore[misc]
        job = jobs.get(small.database, job_id)
        assert job.state == jobs.DONE
        processes.add(job.process)
        wait_for(lambda: is_free(small, "worker.lock"), "the worker to end")
    assert len(processes) == 2


def test_a_second_worker_goes_at_once(small: Project) -> None:
    """A worker that finds another one on the project ends without touching a job."""
    lock = locks.FileLock(small.path / "worker.lock")
    with lock:
        job_id = jobs.queue(small.database, "check", {})
        done = subprocess.run(
            [sys.executable, "-m", "curator.worker", str(small.path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert jobs.get(small.database, job_id).state == jobs.QUEUED


def test_a_failing_job_does_not_stop_the_worker(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a job that fails the same worker does the next one, and the failure has its reason."""
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "2")
    bad = worker.submit(small, "import", {"folder": str(small.path / "nowhere")})
    good = worker.submit(small, "check", {})
    wait_for(lambda: ended(small, bad) and ended(small, good), "both jobs to end")
    failed, done = jobs.get(small.database, bad), jobs.get(small.database, good)
    assert failed.state == jobs.FAILED
    assert failed.error is not None
    assert "nowhere" in failed.error
    assert done.state == jobs.DONE
    assert failed.process == done.process
    wait_for(lambda: is_free(small, "worker.lock"), "the worker to end")


def test_the_worker_outlives_who_started_it(small: Project) -> None:
    """A job goes on when the process that asked for it, such as the page's, is killed."""
    code = (
        "import os, signal, sys\n"
        "from curator import worker\n"
        "from curator.project import Project\n"
        "project = Project.open(sys.argv[1])\n"
        "group = os.getpgrp() if os.name == 'posix' else 0\n"
        "print(worker.submit(project, 'check', {}), group, flush=True)\n"
        "sys.stdin.readline()\n"
    )
    page = subprocess.Popen(
        [sys.executable, "-c", code, str(small.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert page.stdout is not None
    job_id, group = map(int, page.stdout.readline().split())
    if os.name == "posix":
        os.killpg(group, signal.SIGKILL)  # as Jupyter ends a kernel
    else:
        page.kill()
    page.communicate()
    wait_for(lambda: ended(small, job_id), "the check to end")
    assert jobs.get(small.database, job_id).state == jobs.DONE
    wait_for(lambda: is_free(small, "worker.lock"), "the worker to end")
