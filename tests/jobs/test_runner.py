"""Jobs in the foreground: what is recorded, who may run, and how one is stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator import worker
from curator.check.counts import AddressCounts
from curator.collect.http.client import FetchSettings
from curator.errors import BadFolder, InputError, JobCancelled, JobRunning
from curator.jobs import locks, runner
from curator.store import jobs
from tests.jobs.conftest import NUMBER, SETTINGS, content, is_free, wait_for
from tests.pictures import write_folders
from tests.running import run_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from curator.jobs.progress import Progress
    from curator.project import Project


@pytest.mark.slow
def test_a_finished_job_is_on_record(small: Project) -> None:
    """Kind, arguments, counts, times and the answer of a job are in the store afterwards."""
    answer = small.check()
    job = jobs.latest(small.database)
    assert job is not None
    assert (job.kind, job.arguments, job.state, job.error) == ("check", {}, jobs.DONE, None)
    assert job.result == json.loads(json.dumps(answer.to_dict()))
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at <= job.started_at <= job.ended_at
    assert not job.is_open
    assert is_free(small, "work.lock")


def test_the_listener_hears_how_far_it_is(small: Project, tmp_path: Path) -> None:
    """The command line's bar gets the step in words, and counts up to the total."""
    heard: list[tuple[str, int, int | None]] = []
    small.import_files(
        tmp_path.parent / tmp_path.name / "small" / "originals",
        listener=lambda progress: heard.append((progress.message, progress.done, progress.total)),
    )
    assert heard[0] == ("importing originals", 0, 30)
    assert heard[-1] == ("importing originals", 30, 30)
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)


@pytest.mark.slow
def test_a_job_that_fails_says_why(small: Project) -> None:
    """The error reaches the caller, its sentence is on record, and the lock is free again."""
    with pytest.raises(BadFolder):
        small.import_files(small.path / "nowhere")
    job = jobs.latest(small.database)
    assert job is not None
    assert job.state == jobs.FAILED
    assert job.error is not None
    assert "nowhere is not a folder" in job.error
    assert small.check().images == 30


def test_an_unforeseen_failure_is_in_the_log(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug shows as one sentence with the log's place; the traceback is in the log."""
    monkeypatch.setattr("curator.check.job.prepare", None)
    with pytest.raises(TypeError):
        run_job(small, "check")
    job = jobs.latest(small.database)
    assert job is not None
    assert job.state == jobs.FAILED
    assert job.error is not None
    assert job.error.startswith("TypeError")
    assert str(small.log_file) in job.error
    assert "Traceback" in small.log_file.read_text()


def test_an_argument_that_a_job_does_not_take_is_refused(small: Project) -> None:
    """An unknown argument, and one of a wrong type, are refused by name and nothing is done."""
    with pytest.raises(InputError, match="'surprise' is no argument of the job check"):
        run_job(small, "check", surprise=1)
    with pytest.raises(InputError, match=r"out=\['a'\] cannot be given to the job export"):
        run_job(small, "export", out=["a"])


def test_an_unknown_kind_is_refused(small: Project) -> None:
    """A kind that there is not is refused with those that there are, and not recorded."""
    with pytest.raises(InputError, match=r"'dance' is no kind of job.*fetch"):
        run_job(small, "dance")
    with pytest.raises(InputError, match="'dance'"):
        worker.submit(small, "dance", {})
    assert jobs.latest(small.database, jobs.OPEN) is None


@pytest.mark.slow
def test_arguments_may_be_paths_and_numbers_of_numpy(small: Project, tmp_path: Path) -> None:
    """What a table or pathlib gives is taken; what no job takes is a named error."""
    answer = small.export(tmp_path / "curated")
    assert answer.folder == str(tmp_path / "curated")
    job = jobs.latest(small.database)
    assert job is not None
    assert job.arguments["out"] == str(tmp_path / "curated")
    folder = write_folders(tmp_path / "new", {"cat": 1})
    assert small.import_files(folder).sentence
    plain = runner.as_json({"run_id": np.int64(3), "settings": {"rate": np.float32(0.5)}})
    assert json.loads(json.dumps(plain)) == {"run_id": 3, "settings": {"rate": 0.5}}
    with pytest.raises(InputError, match="The argument out of a job cannot be a object"):
        run_job(small, "export", out=object())
    with pytest.raises(InputError, match="cannot be a ndarray"):
        worker.submit(small, "export", {"out": np.zeros(2)})


HOLDER = """
import sys
from curator.project import Project
def hold(progress):
    if not heard:
        heard.append(True)
        print("running", flush=True)
        sys.stdin.readline()
heard = []
with Project.open(sys.argv[1]) as project:
    project.check(listener=hold)
"""


@pytest.mark.slow
def test_only_one_long_job_at_a_time(small: Project) -> None:
    """While another process works on the project, the error says which job, and nothing starts."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(small.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "running\n"
    before = jobs.latest(small.database)
    with pytest.raises(JobRunning, match="check"):
        small.train()
    assert locks.reap(small) == 0  # it is running, not dead
    after = jobs.latest(small.database)
    assert after is not None
    assert before is not None
    assert after.id == before.id
    small.decide([1], "keep")  # reviewing goes on meanwhile
    holder.communicate("go\n", timeout=60)
    assert holder.returncode == 0
    job = jobs.latest(small.database)
    assert job is not None
    assert (job.kind, job.state) == ("check", jobs.DONE)


@pytest.mark.slow
def test_cancel_by_the_flag_keeps_what_was_done(listed: Callable[[str], Project]) -> None:
    """The flag in the store stops a fetch between two images; starting again brings the rest."""
    project = listed("cancelled")

    def cancel_after_some(progress: Progress) -> None:
        if progress.done >= 10:
            jobs.cancel(project.database, progress.job_id)

    with pytest.raises(JobCancelled, match="kept"):
        project.fetch(FetchSettings(**SETTINGS), listener=cancel_after_some)
    job = jobs.latest(project.database)
    assert job is not None
    assert job.state == jobs.CANCELLED
    states = project.status().addresses
    done = states.fetched + sum(states.failed.values())
    assert 10 <= done < NUMBER
    assert done + states.pending == NUMBER
    answer = project.fetch(FetchSettings(**SETTINGS))
    assert answer.asked == states.pending
    assert project.status().addresses == AddressCounts(
        pending=0, fetched=NUMBER - 2, failed={"dead": 2}
    )


@pytest.mark.slow
def test_ctrl_c_is_a_cancel(listed: Callable[[str], Project]) -> None:
    """Interrupts, several of them, leave a cancelled job and all that was fetched."""
    project = listed("interrupted")

    def interrupt(progress: Progress) -> None:
        if progress.done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project.fetch(FetchSettings(**SETTINGS), listener=interrupt)
    job = jobs.latest(project.database)
    assert job is not None
    assert job.state == jobs.CANCELLED
    assert project.status().addresses.fetched >= 8
    project.fetch(FetchSettings(**SETTINGS))
    assert {state for _, state, _ in content(project)} == {"fetched ", "failed dead"}


def test_cancelling_a_queued_job_ends_it_at_once(small: Project) -> None:
    """A job that waits is cancelled without ever starting."""
    job_id = jobs.queue(small.database, "check", {})
    jobs.cancel(small.database, job_id)
    assert jobs.get(small.database, job_id).state == jobs.CANCELLED
    assert not jobs.start(small.database, job_id)
    assert jobs.oldest_queued(small.database) is None


@pytest.mark.slow
def test_the_heartbeat_goes_on_while_a_step_computes(small: Project) -> None:
    """Without any progress to report, the job's heartbeat moves all the same."""
    moved = threading.Event()

    def wait_in_the_step(progress: Progress) -> None:
        if not moved.is_set():
            first = jobs.get(small.database, progress.job_id).heartbeat
            assert first is not None
            wait_for(
                lambda: jobs.get(small.database, progress.job_id).heartbeat > first,  # type: ignore[operator]
                "the heartbeat to move",
            )
            moved.set()

    small.check(listener=wait_in_the_step)
    assert moved.is_set()


def test_reap_finds_what_a_killed_process_left(small: Project) -> None:
    """A job that is marked running while nobody holds the lock is marked as failed, once."""
    job_id = jobs.queue(small.database, "train", {})
    jobs.start(small.database, job_id)
    assert locks.reap(small) == 1
    job = jobs.get(small.database, job_id)
    assert job.state == jobs.FAILED
    assert job.error is not None
    assert "start it again" in job.error
    assert locks.reap(small) == 0
