"""Jobs that a project came with are not run when it is opened; they are offered."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from curator import worker
from curator.errors import InputError
from curator.jobs import marks
from curator.project import Project
from curator.store import jobs
from tests.conftest import copy_project
from tests.jobs.conftest import is_free, wait_for
from tests.security.attack import alter, asked, curator, queue_job
from widgets.jobbar import JobBar


def serve(project: Path) -> None:
    """Run the project's worker until it has nothing to do."""
    done = subprocess.run(
        [sys.executable, "-m", "curator.worker", str(project)],
        env=os.environ | {"CURATOR_WORKER_IDLE": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_queued_job_is_not_run(hostile: Path, home: Path) -> None:
    """Worker and commands leave it, and say what it is; it runs when the victim says so."""
    out = hostile.parent / "out"
    queue_job(hostile, "export", out=str(out))
    queue_job(hostile, "import", folder=str(home))
    serve(hostile)
    assert asked(hostile, "SELECT kind, state FROM jobs WHERE id > 1") == [
        ("export", "offered"),
        ("import", "offered"),
    ]
    said = curator("status", hostile).stdout
    assert f'waiting, not asked for by you: export with {{"out": "{out}"}}' in said
    assert "`curator waiting PROJECT --run 2` or `--dismiss 2`" in said
    curator("check", hostile)
    assert not out.exists()
    assert curator("waiting", hostile, "--dismiss", "3").returncode == 0
    assert curator("waiting", hostile, "--run", "2").returncode == 0
    assert (out / "manifest.csv").exists()
    assert curator("waiting", hostile).stdout == "No job is waiting.\n"
    assert curator("waiting", hostile, "--run", "2").returncode == 2


@pytest.mark.slow
def test_the_page_offers_it(hostile: Path) -> None:
    """The page shows what the project came with, runs nothing, and does as it is told."""
    queue_job(hostile, "check")
    queue_job(hostile, "sample")
    with Project.open(hostile) as project:
        bar = JobBar({})
        worker.ensure(project)
        bar.follow(project, "collect")
        bar.offer(project)
        assert [offer["text"] for offer in bar.state["offers"]] == ["check", "sample"]
        assert not (bar.state["job"] or {"open": False})["open"]
        marks.dismiss(project, 3)
        job_id = worker.submit_waiting(project, 2)
        wait_for(lambda: not jobs.get(project.database, job_id).is_open, "the check")
        assert jobs.get(project.database, job_id).state == jobs.DONE
        assert project.waiting_jobs() == []
        assert asked(hostile, "SELECT DISTINCT kind FROM jobs WHERE state = 'done'") == [
            ("import",),
            ("check",),
        ]


def test_a_job_marked_running_or_failed_is_not_run_either(hostile: Path, home: Path) -> None:
    """One of a dead process is failed, and no button starts again what was not asked for here."""
    queue_job(hostile, "export", job_state="running", out=str(home / "out"))
    with Project.open(hostile) as project:
        worker.serve(project, 0)
        bar = JobBar({})
        alter(hostile, "UPDATE jobs SET heartbeat = 1 WHERE id = 2")
        job = bar.follow(project, "collect")
        assert job is not None
        assert job.state == jobs.FAILED
        assert not bar.state["job"]["again"]
        wait_for(lambda: is_free(project, "worker.lock"), "the worker to end")


@pytest.mark.slow
def test_the_same_wish_of_the_user_is_a_job_of_its_own(hostile: Path) -> None:
    """A job like the one that waits is run when the user asks for it, and not taken for it."""
    queue_job(hostile, "check")
    with Project.open(hostile) as project:
        job_id = worker.submit(project, "check", {})
        assert job_id == 3
        wait_for(lambda: not jobs.get(project.database, job_id).is_open, "the check")
        assert [job.id for job in project.waiting_jobs()] == [2]


@pytest.mark.slow
def test_own_jobs_outlive_processes_but_not_a_copy(small_folder: Path, tmp_path: Path) -> None:
    """A queued job is run by a later worker; in a copy elsewhere it is offered."""
    path = copy_project(small_folder, tmp_path / "mine")
    with Project.open(path) as project:
        job_id = marks.queue(project, "check", {})
    copy = shutil.copytree(path, tmp_path / "copy")
    serve(path)
    serve(copy)
    with Project.open(path) as project, Project.open(copy) as other:
        assert jobs.get(project.database, job_id).state == jobs.DONE
        assert [job.id for job in other.waiting_jobs()] == [job_id]


@pytest.mark.slow
def test_a_job_that_was_run_is_not_run_again(small_folder: Path, tmp_path: Path) -> None:
    """Whoever got the project with its marks and gives it back makes no old job run."""
    path = copy_project(small_folder, tmp_path / "mine")
    with Project.open(path) as project:
        job_id = marks.queue(project, "check", {})
        worker.serve(project, 0)
        assert marks.was_asked(project, jobs.get(project.database, job_id))
    alter(path, f"UPDATE jobs SET state = 'queued' WHERE id = {job_id}")
    serve(path)
    assert asked(path, f"SELECT state FROM jobs WHERE id = {job_id}") == [("offered",)]


@pytest.mark.parametrize(
    "change",
    ['arguments = \'{"retry": "all"}\'', "kind = 'check'", "created_at = '2027'", "mark = NULL"],
)
def test_a_marked_job_is_run_as_it_was_asked_for(
    change: str, small_folder: Path, tmp_path: Path
) -> None:
    """What is changed in a queued job takes its mark away."""
    path = copy_project(small_folder, tmp_path / "mine")
    with Project.open(path) as project:
        job_id = marks.queue(project, "fetch", {})
        assert project.waiting_jobs() == []
        alter(path, f"UPDATE jobs SET {change} WHERE id = {job_id}")
        assert [job.id for job in project.waiting_jobs()] == [job_id]


def test_the_key_is_the_users_alone(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies outside of every project, and no other user can read it."""
    monkeypatch.setenv("CURATOR_STATE", str(tmp_path / "state"))
    path = copy_project(small_folder, tmp_path / "mine")
    with Project.open(path) as project:
        marks.queue(project, "check", {})
    key = tmp_path / "state" / "jobs.key"
    assert len(key.read_bytes()) == 32
    if os.name == "posix":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not any(key.read_bytes() in found.read_bytes() for found in path.glob("*.*"))


CELLS = {
    "deep arguments": ("arguments", "[" * 100_000),
    "arguments that are a list": ("arguments", "[1]"),
    "huge arguments": ("arguments", json.dumps({"out": "x" * 5_000_000})),
    "no JSON": ("counts", "{"),
    "a kind of another world": ("kind", "\x1b]0;evil\x07"),
    "no time": ("created_at", "yesterday"),
    "a table of words": ("table", '["a", {"b": 1}]'),
    "words for numbers": ("total", "1;background:red"),
}


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_a_row_of_rubbish_is_shown_and_not_run(cell: str, hostile: Path) -> None:
    """Whatever a row of the table holds, page and status go on."""
    column, value = CELLS[cell]
    queue_job(hostile, "check")
    with Project.open(hostile) as project:
        with project.database.write() as connection:
            connection.exec_driver_sql(f'UPDATE jobs SET "{column}" = ? WHERE id = 2', (value,))
        [job] = project.waiting_jobs()
        assert job.sentence.isprintable()
        bar = JobBar({})
        bar.offer(project)
        bar.follow(project, "collect")
        assert len(bar.state["offers"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [{"out": 5}, {"surprise": 1}, {"project": "x"}, {"kind": "fetch"}, {"out": None}],
)
def test_arguments_are_checked_when_the_victim_agrees(
    arguments: dict[str, object], hostile: Path
) -> None:
    """A job that is run after all gets no argument that it does not take."""
    queue_job(hostile, "export", **arguments)
    with Project.open(hostile) as project, pytest.raises(InputError):
        worker.run_waiting(project, 2)
