"""Killed and stopped processes: what they leave, and what is said of them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from curator import worker
from curator.errors import JobSilent
from curator.files import replacing_folder, write_atomic
from curator.jobs import health
from curator.project import Project
from curator.store import jobs
from curator.store.database import Database
from curator.store.reading import refused
from curator.store.sqlite import File
from tests.jobs.conftest import is_free, wait_for
from tests.security.test_damage import curator
from tests.widgets.kernel import on_loop
from widgets.app import Dashboard

if TYPE_CHECKING:
    from collections.abc import Iterator

posix = pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")

EXPORTER = """
import sys
from pathlib import Path
from curator.files import replacing_folder, write_atomic
with replacing_folder(Path(sys.argv[1])) as folder:
    write_atomic(folder / "first.txt", b"1")
    print("begun", flush=True)
    sys.stdin.readline()
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process and wait for its first line."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline()
    return child


def test_exports_are_for_others_to_read(tmp_path: Path) -> None:
    """Files and folders have the modes that the user's umask gives to any file."""
    before = os.umask(0o022)
    try:
        with replacing_folder(tmp_path / "out") as folder:
            write_atomic(folder / "model.bin", b"weights")
        os.umask(0o027)
        write_atomic(tmp_path / "group.txt", b"x")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    if os.name == "posix":
        assert modes == {"out": 0o755, "model.bin": 0o644, "group.txt": 0o640}


def test_parts_of_a_killed_export_go_with_the_next(tmp_path: Path) -> None:
    """The next export into that place removes them, and never those of a process that lives."""
    killed = started(EXPORTER, tmp_path / "one")
    living = started(EXPORTER, tmp_path / "two")
    killed.kill()
    killed.communicate()
    (tmp_path / ".part-of-another-program").mkdir()
    assert len(list(tmp_path.glob(".part-????????????????"))) == 2
    with replacing_folder(tmp_path / "three") as folder:
        write_atomic(folder / "a.txt", b"a")
    assert len(list(tmp_path.glob(".part-????????????????"))) == 1
    living.communicate("go\n", timeout=60)
    assert living.returncode == 0
    assert (tmp_path / "two" / "first.txt").read_bytes() == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".part-of-another-program",
        "three",
        "two",
    ]


@posix
def test_links_among_the_parts_are_not_followed(tmp_path: Path) -> None:
    """A planted link with the name of a part leads the sweeping nowhere."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "letter.txt").write_text("mine")
    place = tmp_path / "place"
    place.mkdir()
    (place / ".part-0123456789abcdef").symlink_to(victim)
    (place / ".part-0123456789abcdef.lock").write_text("")
    (place / ".part-fedcba9876543210.lock").symlink_to(victim / "letter.txt")
    with replacing_folder(place / "out"):
        pass
    assert (victim / "letter.txt").read_text() == "mine"


@pytest.mark.slow
def test_unfinished_files_in_the_project_are_swept(small: Project) -> None:
    """What a dead process was writing goes with the next job; what a living one writes stays."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [
        small.path / f".new-{dead.pid}.db",
        small.path / f".new-{dead.pid}.db-wal",
        small.path / "features" / "key" / f".part-{dead.pid}-0123",
        small.path / "runs" / "1" / f".part-{dead.pid}-4567",
        small.path / "inbox" / f".part-{dead.pid}-89ab",
    ]
    kept = [small.path / "inbox" / f".part-{os.getpid()}-89ab", small.path / ".part-mine"]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    small.check()
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in kept)


def test_a_creation_that_was_killed_can_be_done_again(tmp_path: Path) -> None:
    """Its folder is no project, and not another's: `new` makes it whole."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = tmp_path / "p"
    Project.create(folder, ["a"]).close()
    (folder / "project.db").rename(folder / f".new-{dead.pid}.db")
    with Project.create(folder, ["b"]) as project:
        assert project.class_names() == ["b"]


WORKING = """
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
@posix
def test_status_says_that_the_job_died(small: Project) -> None:
    """After `kill -9` the command line says so, with what to do, and never "running"."""
    child = started(WORKING, small.path)
    child.kill()
    child.communicate()
    said = curator("status", small.path)
    assert (said.returncode, said.stderr) == (0, "")
    assert (
        "last job: check, failed: The process that ran this job ended without a word" in said.stdout
    )
    assert "start it again" in said.stdout


@pytest.fixture
def stopped(small: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give a worker that was stopped in the middle of a job, silent for longer than allowed."""
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0")
    monkeypatch.setattr(health, "SILENT_SECONDS", 3.0)
    monkeypatch.setenv("CURATOR_STATE", str(small.path.parent / "state"))
    job_id = worker.submit(small, "sample", {})
    wait_for(lambda: jobs.get(small.database, job_id).process is not None, "the worker to begin")
    process = jobs.get(small.database, job_id).process
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    wait_for(lambda: health.look(small) is not None, "the silence to be long enough")
    yield process
    with closing(small):
        if not is_free(small, "worker.lock"):
            os.kill(process, signal.SIGKILL)


@posix
@pytest.mark.slow
def test_a_stopped_worker_is_told_and_ended_on_the_page(small: Project, stopped: int) -> None:
    """The job bar names the process; its button ends it, and the job can be started again."""

    def act() -> None:
        dashboard = Dashboard(str(small.path))
        bar: Any = dashboard.jobbar

        def told() -> bool:
            dashboard.following.look()
            return bool(bar.state["job"]["silent"])

        wait_for(told, "the bar to tell")
        shown = bar.state["job"]
        assert shown["open"]
        assert shown["process"] == stopped
        assert "has not answered for" in shown["silent"]
        bar._received(bar, {"do": "end"}, [])
        shown = bar.state["job"]
        assert (shown["open"], shown["state"], shown["again"]) == (False, "failed", True)
        assert is_free(small, "work.lock")
        again = jobs.get(small.database, worker.submit(small, "check", {}))
        wait_for(lambda: not jobs.get(small.database, again.id).is_open, "the next job to end")
        assert jobs.get(small.database, again.id).state == jobs.DONE
        wait_for(lambda: is_free(small, "worker.lock"), "the worker to end")
        dashboard.leave()

    on_loop(act)


@posix
@pytest.mark.slow
def test_a_stopped_worker_is_told_and_ended_on_the_command_line(
    small: Project, stopped: int
) -> None:
    """`status` says that it does not answer and for how long; `stop` ends it."""
    wait_for(
        lambda: "has not answered for" in curator("status", small.path).stdout, "status to tell"
    )
    said = curator("stop", small.path)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"Process {stopped}, which had not answered for" in said.stdout
    after = curator("status", small.path)
    assert "failed: The process that ran this job ended" in after.stdout
    assert curator("stop", small.path).stdout == "No job is running.\n"


@posix
@pytest.mark.slow
def test_a_process_that_is_not_surely_ours_is_left_alone(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script of the user's own is told, and not ended; nor is whoever has its number now."""
    monkeypatch.setattr(health, "SILENT_SECONDS", 3.0)
    child = started(WORKING, small.path)
    child.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: health.look(small) is not None, "the silence to be long enough")
        with pytest.raises(JobSilent, match=f"Process {child.pid} does not answer"):
            health.end(small)
        other = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()", str(small.path)],
            stdin=subprocess.PIPE,
        )
        with small.database.write() as connection:
            connection.exec_driver_sql(f"UPDATE jobs SET process = {other.pid}")
        with pytest.raises(JobSilent):
            health.end(small)
        other.communicate()
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGCONT)
        child.communicate("go\n", timeout=60)
    assert child.returncode == 0


@posix
@pytest.mark.slow
def test_a_worker_that_was_stopped_before_its_job_is_found(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that nobody takes up, because the worker stands still, is no riddle either."""
    monkeypatch.setattr(health, "SILENT_SECONDS", 1.0)
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "60")
    first = worker.submit(small, "check", {})
    wait_for(lambda: not jobs.get(small.database, first).is_open, "the first job to end")
    process = jobs.get(small.database, first).process
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0")
    job_id = worker.submit(small, "check", {})
    wait_for(lambda: health.look(small) is not None, "the stopped worker to be seen")
    silence = health.look(small)
    assert silence is not None
    assert (silence.job.id, silence.process) == (job_id, process)
    assert health.end(small) is not None
    assert is_free(small, "worker.lock")
    worker.submit(small, "check", {})
    wait_for(lambda: not jobs.get(small.database, job_id).is_open, "the job to end")
    wait_for(lambda: is_free(small, "worker.lock"), "the worker to end")


def test_a_read_only_project_tells_of_a_silent_job_without_writing(small: Project) -> None:
    """Of a backup that was taken in the middle of a job, "running" is not the last word."""
    job_id = jobs.queue(small.database, "train", {})
    jobs.start(small.database, job_id)
    with small.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET heartbeat = heartbeat - 7200")
    path = small.path / "project.db"
    with Project(small.path, Database(path, File(path, refused(path)))) as backup:
        silence = health.look(backup)
        assert silence is not None
        assert "gave no sign of life for 2.0 hours. Its process has died" in silence.sentence
    assert jobs.get(small.database, job_id).state == jobs.RUNNING
