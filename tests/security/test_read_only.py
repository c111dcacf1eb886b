"""Projects that cannot be written (no permission, a read-only mount, a full disk) can be read."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from curator.project import Project
from tests.conftest import copy_project
from tests.security import looker
from tests.store.test_database import contents

pytestmark = [
    pytest.mark.slow,  # each starts a process that loads the page
    pytest.mark.skipif(os.name != "posix", reason="permissions and mounts are set the POSIX way"),
]
UNSHARE = ["unshare", "-m"] if os.name == "posix" and os.geteuid() == 0 else ["unshare", "-mr"]
LOOKER = [sys.executable, "-m", "tests.security.looker"]


def can_mount() -> bool:
    """Say whether this machine lets a test mount file systems of its own."""
    trial = ["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
    with tempfile.TemporaryFile() as nothing:
        try:
            done = subprocess.run([*UNSHARE, *trial], stdout=nothing, stderr=nothing, check=False)
        except FileNotFoundError:
            return False
    return done.returncode == 0


mounted = pytest.mark.skipif(not can_mount(), reason="mounting is not permitted here")


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a folder that every user of this machine may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def look(
    home: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Give a function that lets somebody look at a project: what each command and the page said.

    ``before``: what to start the process with, such as ``unshare``.
    """
    scratch = copy_project(sample_folder, home / "scratch")
    monkeypatch.setenv("CURATOR_STATE", str(home / "state"))
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "0")

    def start(project: Path, *words: str, before: str = "") -> dict[str, Any]:
        command = [*LOOKER, str(project), str(scratch), *words]
        if before:
            command = [*UNSHARE, "sh", "-c", f'{before} && exec "$@"', "sh", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    return start


@pytest.fixture
def locked(home: Path) -> Iterator[Callable[[Path], Path]]:
    """Give a function that puts a project where a guest may read and not write."""
    made: list[Path] = []

    def lock(project: Path) -> Path:
        every = [project, *project.rglob("*")]
        for path in every:
            path.chmod(0o555 if path.is_dir() else 0o444)
        made.extend(every)
        return project

    yield lock
    for path in made:
        path.chmod(0o755 if path.is_dir() else 0o644)


def assert_looked(answer: dict[str, Any], why: str, images: int) -> None:
    """Reading gave what it always gives; writing was refused with the reason and the next step."""
    for done in answer["commands"]:
        words = done["command"]
        if words in looker.WRITES:
            assert done["status"] == 1, done
            assert why in done["err"], done
            assert "project.db cannot be written" in done["err"], done
        else:
            assert done["status"] == 0, done
            assert done["out"], done
    status, as_json = answer["commands"][:2]
    assert "Reading mode: " in status["out"]
    assert why in status["out"]
    found = json.loads(as_json["out"])
    assert found["images"] == images
    assert why in found["read_only"]
    page = answer["page"]
    assert why in page["reading"]
    assert (page["images"], page["errors"]) == (images, {})
    assert page["shown"] > 0
    looked, *refused = page["complaints"]
    assert looked is None
    assert all(why in said for said in refused), refused


def images_of(project: Path) -> int:
    """Count the live images, in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_project(project, Path(folder) / "copy")
        with Project.open(copy) as opened:
            return int(opened.status().images)


@pytest.mark.slow
def test_a_folder_without_write_permission(
    home: Path, sample_folder: Path, look: Callable[..., Any], locked: Callable[[Path], Path]
) -> None:
    """A guest of the machine reads everything; nothing in the folder changes."""
    project = locked(copy_project(sample_folder, home / "project"))
    before = contents(project)
    answer = look(project, "guest")
    assert_looked(answer, "you may not write there", images_of(sample_folder))
    assert contents(project) == before


@pytest.mark.slow
@mounted
def test_a_read_only_mount(home: Path, sample_folder: Path, look: Callable[..., Any]) -> None:
    """A mounted backup is read by its owner, root even, and stays as it is."""
    project = copy_project(sample_folder, home / "project")
    before = contents(project)
    mount = f"mount --bind '{project}' '{project}' && mount -o remount,ro,bind '{project}'"
    answer = look(project, before=mount)
    assert_looked(answer, "mounted for reading only", images_of(sample_folder))
    assert contents(project) == before


@pytest.mark.slow
@mounted
def test_a_full_disk(home: Path, sample_folder: Path, look: Callable[..., Any]) -> None:
    """On a disk without a free byte the project opens, and says that the disk is full."""
    project = home / "full" / "project"
    project.parent.mkdir()
    mount = (
        f"mount -t tmpfs -o size=200m none '{project.parent}' "
        f"&& cp -r '{copy_project(sample_folder, home / 'source')}' '{project}' "
        f"&& ! cat /dev/zero > '{project.parent}/filler' 2>/dev/null"
    )
    answer = look(project, before=mount)
    assert_looked(answer, "its disk is full", images_of(sample_folder))


@pytest.mark.slow
def test_what_a_killed_process_left_beside_is_read_too(
    home: Path, sample_folder: Path, look: Callable[..., Any], locked: Callable[[Path], Path]
) -> None:
    """A decision that is in the write-ahead file alone is seen, by way of a copy."""
    whole = copy_project(sample_folder, home / "whole")
    project = home / "project"
    with Project.open(whole) as opened:
        opened.decide([1], "delete", by="Ada")
        shutil.copytree(whole, project, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    assert (project / "project.db-wal").stat().st_size
    before = contents(locked(project))
    answer = look(project, "guest")
    assert_looked(answer, "you may not write there", images_of(sample_folder) - 1)
    log = next(done for done in answer["commands"] if done["command"] == ["log"])
    assert "Ada" in log["out"]
    assert contents(project) == before


AS_GUEST = """
import os, sys
from curator.project import Project
warm = Project.open(sys.argv[2])
warm.log(); warm.close()
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Project.open(sys.argv[1]) as project:
    print(len(project.log()), flush=True)
    for line in sys.stdin:
        print(len(project.log()), flush=True)
"""


def test_a_guest_sees_what_the_owner_does_meanwhile(
    home: Path, small: Project, locked: Callable[[Path], Path]
) -> None:
    """Opened before the owner began, the project is read anew when its file has changed."""
    warm = copy_project(small.path, home / "warm")
    project = copy_project(small.path, home / "project")
    small.close()
    project.chmod(0o755)
    for path in project.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    guest = subprocess.Popen(
        [sys.executable, "-c", AS_GUEST, str(project), str(warm)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert guest.stdout is not None
    assert guest.stdin is not None
    assert guest.stdout.readline() == "30\n"  # acts: what its import brought
    with Project.open(project) as owner:
        owner.decide([1, 2], "delete")
        guest.stdin.write("\n")
        guest.stdin.flush()
        assert guest.stdout.readline() == "32\n"
    out, _ = guest.communicate("\n", timeout=60)
    assert (guest.returncode, out) == (0, "32\n")


def test_an_older_project_is_read_through_a_copy_brought_up_to_date(
    home: Path, locked: Callable[[Path], Path], small: Project
) -> None:
    """The schema of a read-only project stays as it is; what is read is a migrated copy."""
    warm = copy_project(small.path, home / "warm")
    project = home / "old"
    project.mkdir()
    connection = sqlite3.connect(project / "project.db")
    dump = Path(__file__).parents[1] / "store" / "version_3.sql"
    connection.executescript(dump.read_text(encoding="utf-8"))
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('name', 'old')")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('seed', '42')")
    connection.commit()
    connection.close()
    before = contents(locked(project))
    scratch = home / "scratch"  # of this test alone: others make such folders meanwhile
    scratch.mkdir()
    scratch.chmod(0o777)
    guest = subprocess.run(
        [sys.executable, "-c", AS_GUEST, str(project), str(warm)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
        check=False,
    )
    assert (guest.returncode, guest.stderr) == (0, "")
    assert int(guest.stdout) > 0
    assert contents(project) == before
    assert list(scratch.iterdir()) == []
