"""The database file: what is refused, unchanged, and what two processes and a kill leave."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from curator.errors import NotAProject, ProjectExists, ProjectTooNew
from curator.hashing import sha256_of
from curator.project import Project


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start another interpreter on ``code``."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def contents(folder: Path) -> dict[str, str]:
    """Give the hash of every file below ``folder``."""
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_newer_project_is_refused_and_stays_as_it_is(small: Project) -> None:
    """A project of a newer version is refused with its version, and no byte of it changes."""
    small.close()
    with sqlite3.connect(small.path / "project.db") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    before = contents(small.path)
    with pytest.raises(ProjectTooNew, match="99"):
        Project.open(small.path)
    assert contents(small.path) == before


def database_of_another_program(path: Path) -> None:
    """Make an SQLite file that is none of ours."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("kind", ["text", "empty", "other"])
def test_a_file_of_that_name_that_is_no_project_is_refused(kind: str, tmp_path: Path) -> None:
    """A foreign project.db is refused and not touched: it may belong to another program."""
    path = tmp_path / "project.db"
    if kind == "other":
        database_of_another_program(path)
    else:
        path.write_text("not a database at all" * 100 if kind == "text" else "")
    before = contents(tmp_path)
    with pytest.raises(NotAProject, match=r"project\.db"):
        Project.open(tmp_path)
    assert contents(tmp_path) == before


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    """The error for a folder that is no project names it and says what to do."""
    with pytest.raises(NotAProject, match="curator new") as caught:
        Project.open(tmp_path / "nowhere")
    assert "nowhere" in caught.value.problem
    assert not (tmp_path / "nowhere").exists()


def test_a_project_is_not_made_over_files(small: Project, tmp_path: Path) -> None:
    """Neither a project nor a folder with other files is ever built over."""
    with pytest.raises(ProjectExists, match="already holds a project"):
        Project.create(small.path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(ProjectExists, match="already holds files"):
        Project.create(tmp_path / "full")
    with pytest.raises(ProjectExists):
        Project.create(tmp_path / "full" / "letter.txt")
    assert contents(tmp_path / "full") == contents(tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


AS_A_GUEST = """
import os, sys
from curator.errors import ProjectReadOnly
from curator.project import Project
from curator.store import ledger, runs  # all that is needed, loaded while files may be read
if os.name == "posix" and os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
def create():
    Project.create(sys.argv[1] + "/new")
def decide():
    with Project.open(sys.argv[1]) as project:
        project.decide([1], "keep")
for act in (create, decide):
    try:
        act()
        print("written")
    except ProjectReadOnly as error:
        print("refused", error)
"""


@pytest.fixture
def locked(small: Project) -> Iterator[Path]:
    """Give a project in a folder that a guest of this machine may read and not write."""
    small.close()
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        folder = Path(home) / "project"
        small.path.rename(folder)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="permissions are set the POSIX way")
def test_a_folder_that_cannot_be_written_is_named_as_such(locked: Path) -> None:
    """On a read-only folder the error says that it is not writable, and nothing else fails."""
    before = contents(locked)
    guest = run_python(AS_A_GUEST, str(locked))
    out, err = guest.communicate(timeout=60)
    assert err == ""
    made, decided = out.splitlines()
    assert made.startswith("refused")
    assert "new cannot be made" in made
    assert decided.startswith("refused")
    assert "project.db cannot be written" in decided
    assert contents(locked) == before


WRITER = """
import sys
from curator.project import Project
with Project.open(sys.argv[1]) as project:
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(30):
        for image_id in range(int(sys.argv[2]), 31, 2):
            project.decide([image_id], "delete" if turn % 2 == 0 else "keep", by=sys.argv[2])
"""


@pytest.mark.slow
def test_two_processes_write_at_once(small: Project) -> None:
    """Two reviewers in two processes: no decision is lost, and none shares another's batch."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(small.path), first],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in ("1", "2")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both, before waiting for either
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=100)
        assert writer.returncode == 0
    log = small.log()
    assert Counter(log["by"]) == {"1": 450, "2": 450}
    assert log["batch"].nunique() == 900
    assert small.status().states["kept"] == 30


DECIDER = """
import json, random, sys
from curator.project import Project
chance = random.Random(int(sys.argv[2]))
with Project.open(sys.argv[1]) as project:
    while True:
        ids = chance.sample(range(1, 31), 7)
        label = chance.choice(project.class_names())
        decided = project.decide(ids, "relabel", label)
        print(json.dumps([decided.batch, len(decided.image_ids)]), flush=True)
"""


@pytest.mark.slow
def test_kills_leave_whole_batches(small: Project) -> None:
    """Killed at any instant, the project opens, and each act is there with all its images."""
    chance = random.Random(0)
    promised: dict[int, int] = {}
    for number in range(6):
        child = run_python(DECIDER, str(small.path), str(number))
        assert child.stdout is not None
        heard = [child.stdout.readline()]
        time.sleep(chance.uniform(0.0, 0.3))
        child.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        rest, err = child.communicate(timeout=60)
        assert err == ""
        heard += rest.splitlines()
        for line in heard:
            if line.strip().endswith("]"):
                batch, size = json.loads(line)
                if batch:
                    promised[batch] = size
        with Project.open(small.path) as project:
            sizes = Counter(project.log()["batch"].tolist())
            images = project.status().images
        # Every act that was reported is whole; one more may have been saved but not reported.
        assert {batch: sizes[batch] for batch in promised} == promised
        assert images == 30
        connection = sqlite3.connect(small.path / "project.db")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert len(promised) > 6


def test_a_failed_transaction_leaves_nothing(small: Project) -> None:
    """An error within a writing block takes all of the block back."""

    def fail_half_way() -> None:
        with small.database.write() as connection:
            connection.exec_driver_sql("UPDATE images SET split = 'valid'")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()
    with small.database.read() as connection:
        splits = connection.exec_driver_sql("SELECT DISTINCT split FROM images").fetchall()
    assert splits == [(None,)]


def test_names_and_seed_are_kept(tmp_path: Path) -> None:
    """What a project was made with is there when it is opened again."""
    with Project.create(tmp_path / "p", ["a"], name="My bears", seed=7) as project:
        assert repr(project) == f"Project({str(tmp_path / 'p')!r})"
    with Project.open(tmp_path / "p") as project:
        assert (project.name, project.seed, project.class_names()) == ("My bears", 7, ["a"])
    with Project.create(tmp_path / "q") as project:
        assert project.name == "q"
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == [
        "features",
        "originals",
        "project.db",
        "runs",
        "thumbnails.db",
    ]


DISK_FULL = """
import resource, signal, sys
from curator.errors import FileError
from curator.project import Project
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Project.open(sys.argv[1]) as project:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        project.decide(list(range(1, 31)), "delete")
    except FileError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="file sizes are limited the Linux way")
def test_a_full_disk_is_said_and_nothing_is_half_saved(small: Project) -> None:
    """When the disk takes no more, the error says so, and the act is not recorded in part."""
    child = run_python(DISK_FULL, str(small.path))
    out, err = child.communicate(timeout=60)
    assert err == ""
    assert "could not be written" in out
    assert "Free some space" in out
    assert small.log().empty
    small.decide([1], "keep")
    assert len(small.log()) == 1
