"""Damaged databases: a sentence that is true, and the newest whole copy as the way back."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from curator.errors import InputError, JobRunning, ProjectDamaged
from curator.hashing import sha256_of
from curator.jobs import locks
from curator.project import Project
from curator.store import copies
from widgets.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGE = 4096


def curator(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "curator", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def truncated(path: Path) -> None:
    """Lose the second half, as a copy that was cut off."""
    os.truncate(path, path.stat().st_size // 2 // PAGE * PAGE)


def zeroed(path: Path) -> None:
    """Lose the pages in the middle, as a disk that fails."""
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(PAGE)
        stream.write(bytes(size - 2 * PAGE))


def overwritten(path: Path) -> None:
    """Write something else over the header."""
    with path.open("r+b") as stream:
        stream.write(b"GIF89a" * 20)


def emptied(path: Path) -> None:
    """Lose all of it."""
    path.write_bytes(b"")


def removed(path: Path) -> None:
    """Lose the file itself."""
    path.unlink()


def spoil(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        root = connection.execute(query, (table,)).fetchone()[0]
    with path.open("r+b") as stream:
        stream.seek((root - 1) * PAGE)
        stream.write(b"\xff" * PAGE)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncated, zeroed, overwritten, emptied, removed])
def test_every_damage_is_told_and_mended(damage: Callable[[Path], None], small: Project) -> None:
    """The command line names the copy and its date; `restore` brings it back and keeps the rest."""
    small.decide([1, 2], "delete", by="Ada")
    small.check()  # a job makes a copy beside its work
    small.decide([3], "delete", by="Bob")  # after the copy
    small.close()
    path = small.path / "project.db"
    copy = copies.copies_of(path)[0]
    damage(path)
    lost = sha256_of(path) if path.exists() else None

    told = curator("log", small.path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("Error: ")
    assert told.stderr.count("\n") == 1
    assert "missing" in told.stderr if lost is None else "damaged" in told.stderr
    assert str(copy) in told.stderr
    assert f"{copies.made_at(copy):%Y-%m-%d %H:%M} UTC" in told.stderr
    assert f"curator restore {small.path}" in told.stderr

    mended = curator("restore", small.path)
    assert (mended.returncode, mended.stderr) == (0, "")
    assert "what was decided since is not in it" in mended.stdout
    with Project.open(small.path) as project:
        log = project.log()
        assert set(log.loc[log["action"] != "import", "by"]) == {"Ada"}
        assert project.status().states["deleted"] == 2
        project.decide([3], "delete")
    aside = list((small.path / "damaged").glob("*.db"))
    assert [sha256_of(each) for each in aside] == ([] if lost is None else [lost])
    again = curator("restore", small.path)
    assert again.returncode == 2
    assert "is whole: there is nothing to restore" in again.stderr


@pytest.mark.slow
def test_damage_while_the_project_is_open_is_named(small: Project) -> None:
    """In the middle of the work the error is the same as at opening, not SQLite's."""
    small.check()
    small.close()
    spoil(small.path / "project.db", "decisions")
    with Project.open(small.path) as project:
        with pytest.raises(ProjectDamaged, match=r"malformed.*curator restore"):
            project.log()
        with pytest.raises(ProjectDamaged, match=r"malformed.*curator restore"):
            project.decide([1], "keep")


def test_a_damaged_database_is_never_copied(small: Project) -> None:
    """The last whole copies stay when what they are of is not whole any more."""
    path = small.path / "project.db"
    for copy in copies.copies_of(path):
        copy.unlink()
    small.decide([1], "keep")
    first = copies.keep(path)
    assert first is not None
    small.decide([2], "keep")
    small.close()
    zeroed(path)
    with pytest.raises(ProjectDamaged, match=first.name):
        copies.keep(path)
    assert copies.copies_of(path) == [first]
    left = sorted(each.name for each in first.parent.iterdir())
    assert left == ["copying.lock", "damage.txt", first.name]
    told = copies.damage_of(path)
    assert told is not None
    assert first.name in told
    Project.restore(small.path)
    assert copies.damage_of(path) is None


@pytest.mark.slow
def test_damage_that_nobody_met_yet_is_told(small: Project) -> None:
    """What a copying finds stands in the status and on the page before the work comes upon it."""
    small.check()
    small.decide([1], "keep")
    small.close()
    path = small.path / "project.db"
    spoil(path, "tags")
    copies.keep_when_due(path, 0.0)
    said = curator("status", small.path)
    assert (said.returncode, said.stderr) == (0, "")
    assert "Damaged: " in said.stdout
    assert f"curator restore {small.path}" in said.stdout
    shell = Shell({})
    with Project.open(small.path) as project:
        shell.refresh(project.status(), "collect")
    assert "curator restore" in shell.state["damage"]


def decided(project: Project) -> list[int]:
    """Give the images of all decisions; that they were imported is none."""
    return list(project.log().query("action != 'import'")["image_id"])


@pytest.mark.slow
def test_an_open_window_goes_on_with_the_restored_database(small: Project) -> None:
    """What is decided in a window that was open all the while is in the new file, not the old."""
    with Project.open(small.path) as window:
        window.check()
        window.decide([1], "keep")
        with closing(sqlite3.connect(small.path / "project.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        overwritten(small.path / "project.db")
        with contextlib.suppress(ProjectDamaged):
            window.decide([2], "keep")
        Project.restore(small.path)
        window.decide([3], "delete")
        assert decided(window) == [3]
    with Project.open(small.path) as project:
        assert decided(project) == [3]


def test_without_a_copy_the_images_are_the_way_back(small: Project) -> None:
    """A project that was never copied says so, and what is left."""
    small.close()
    for copy in copies.copies_of(small.path / "project.db"):
        copy.unlink()
    overwritten(small.path / "project.db")
    with pytest.raises(ProjectDamaged, match=r"no copy of it.*originals/"):
        Project.open(small.path)
    with pytest.raises(ProjectDamaged):
        Project.restore(small.path)


@pytest.mark.slow
def test_nothing_is_restored_under_a_process_that_works(small: Project) -> None:
    """While a worker or a job holds the project, restoring is refused."""
    small.check()
    small.close()
    overwritten(small.path / "project.db")
    before = sha256_of(small.path / "project.db")
    with locks.FileLock(small.path / locks.WORKER_LOCK), pytest.raises(JobRunning):
        Project.restore(small.path)
    assert sha256_of(small.path / "project.db") == before
    Project.restore(small.path)


def test_a_copy_is_made_once_for_each_change(small: Project) -> None:
    """Nothing new, no new copy; the newest two are kept, and each is a database by itself."""
    path = small.path / "project.db"
    for copy in copies.copies_of(path):
        copy.unlink()
    made = []
    for number in range(3):
        small.decide([number + 1], "keep")
        copy = copies.keep(path)
        assert copy is not None
        # As if a minute had gone by: the name tells the second.
        made.append(copy.rename(copy.with_name(f"project-2026010{number + 1}T000000Z.db")))
        assert copies.keep(path) is None
    small.decide([4], "keep")
    newest = copies.keep(path)
    assert copies.copies_of(path) == [newest, made[-1]]
    for number, copy in zip((4, 3), copies.copies_of(path), strict=True):
        with closing(sqlite3.connect(copy)) as connection:
            query = "SELECT count(*) FROM decisions WHERE action != 'import'"
            assert connection.execute(query).fetchone() == (number,)


def test_closing_copies_what_was_decided(small: Project) -> None:
    """Who only decides, without any job, has a copy as well, once an hour."""
    path = small.path / "project.db"
    for copy in copies.copies_of(path):
        copy.unlink()
    small.decide([1], "keep")
    small.close()
    first = copies.copies_of(path)
    assert len(first) == 1
    with Project.open(small.path) as project:
        project.decide([2], "keep")
    assert copies.copies_of(path) == first
    first[0].rename(first[0].with_name("project-20260101T000000Z.db"))
    with Project.open(small.path) as project:
        project.decide([3], "keep")
    assert len(copies.copies_of(path)) == 2


def test_thumbnails_that_are_damaged_are_made_again(small: Project) -> None:
    """Nothing is lost with thumbnails.db: it is set aside and filled again from the originals."""
    from curator.collect.pictures import thumbnails

    with small.database.read() as connection:
        files = dict(connection.exec_driver_sql("SELECT sha256, file FROM images").all())
    overwritten(small.path / "thumbnails.db")
    assert thumbnails(small, files).keys() == files.keys()
    assert small.thumbnails.get(list(files)).keys() == files.keys()


@pytest.mark.slow
def test_a_whole_project_is_not_restored(small: Project) -> None:
    """There is nothing to go back to while the database is whole."""
    small.check()
    with pytest.raises(InputError, match="is whole"):
        Project.restore(small.path)
