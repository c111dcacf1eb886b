"""A project from an attacker reads, writes, deletes and runs nothing when a victim works on it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from curator.collect.pictures import enlarged, thumbnails_of
from curator.errors import BadClassName, CuratorError, ProjectAltered
from curator.project import Project
from curator.review.queue.details import details
from tests.security.attack import alter, asked, curator, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


def victim_journal(database: Path, victim: Path) -> bytes:
    """A rollback journal that is to be played back, and names ``victim`` as its super-journal."""
    page = struct.unpack(">H", database.read_bytes()[16:18])[0]
    content = database.read_bytes()[:page]
    total = sum(content[place] for place in range(page - 200, 0, -200)) & 0xFFFFFFFF
    magic = bytes.fromhex("d9d505f920a163d7")
    pages = database.stat().st_size // page
    header = (magic + struct.pack(">5I", 1, 0, pages, 512, page)).ljust(512, b"\0")
    record = struct.pack(">I", 1) + content + struct.pack(">I", total)
    name = os.fsencode(victim)
    ending = struct.pack(">I", (1 << 30) // page + 1) + name
    return header + record + ending + struct.pack(">2I", len(name), sum(name)) + magic


@pytest.mark.slow
@pytest.mark.parametrize("name", ["project.db", "thumbnails.db"])
def test_a_journal_deletes_no_file(name: str, hostile: Path, home: Path, tmp_path: Path) -> None:
    """SQLite deletes whatever file a journal names; a project with such a journal is not opened."""
    decoy = tmp_path / "decoy.txt"
    decoy.write_text("of another victim")
    with closing(sqlite3.connect(hostile / name)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    copy = shutil.copytree(hostile, tmp_path / "copy")
    (copy / f"{name}-journal").write_bytes(victim_journal(copy / name, decoy))
    with closing(sqlite3.connect(copy / name)) as connection:
        connection.execute("SELECT * FROM sqlite_master").fetchall()
    assert not decoy.exists()  # the attack works on whoever opens the file with SQLite alone

    journal = victim_journal(hostile / name, home / "notes.txt")
    (hostile / f"{name}-journal").write_bytes(journal)
    done = curator("status", hostile)
    assert done.returncode == 1
    assert f"{name}-journal names a further file" in done.stderr


PLACES = {
    "database": "project.db",
    "thumbnails": "thumbnails.db",
    "write-ahead log": "project.db-wal",
    "worker's output": "log.txt",
    "work lock": "work.lock",
    "worker lock": "worker.lock",
    "originals": "originals",
    "features": "features",
    "runs": "runs",
    "inbox": "inbox",
    "uploads": "uploads",
    "folder of originals": "originals/ab",
    "feature cache": "features/tiny-32x32-v1",
    "feature rows": "features/mine/rows.bin",
    "head of a run": "runs/1/head.safetensors",
    "unfinished run": "runs/unfinished/model",
    "dropped file": "uploads/0123456789abcdef/0.jpg",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_no_link_is_followed(place: str, hostile: Path, home: Path) -> None:
    """A link in place of any file or folder of a project is named, and nothing is opened."""
    path = hostile / place
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(home / ("notes.txt" if path.suffix else "secrets"))
    with pytest.raises(ProjectAltered, match="is a link"):
        Project.open(hostile)


@needs_pipes
@pytest.mark.parametrize(
    "place", ["log.txt", "work.lock", "project.db-journal", "features/x/rows.bin"]
)
def test_no_pipe_is_waited_for(place: str, hostile: Path) -> None:
    """A named pipe, which would be read for ever, is named."""
    (hostile / place).parent.mkdir(parents=True, exist_ok=True)
    (hostile / place).unlink(missing_ok=True)
    os.mkfifo(hostile / place)
    with pytest.raises(ProjectAltered, match="is no plain file"):
        Project.open(hostile)


NAMES = {
    "above": "../../../home/secrets/id_rsa",
    "absolute": "/etc/passwd",
    "hidden": "ab/../../../home/notes.txt",
    "script": f"ab/ab{'0' * 62}.py",
    "other folder": f"ff/ab{'0' * 62}.jpg",
    "script in a shard": f"ab/ab{'0' * 62}.tar/512-60.py",
    "no part of a shard": f"ab/ab{'0' * 62}.tar/-512-60.jpg",
    "above from a shard": f"ab/ab{'0' * 62}.tar/../../1-60.jpg",
    "back slashes": "..\\..\\home\\notes.txt",
    "drive": "C:/Windows/win.ini",
    "zero": f"ab/ab{'0' * 62}.jpg\0.png",
    "line": f"ab/ab{'0' * 62}.jpg\n",
    "empty": "",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_name_leads_nowhere_else(name: str, hostile: Path, home: Path) -> None:
    """A crafted file name gives no picture, no EXIF data and no path; the others are shown."""
    shown = "'" + name.replace("'", "''").replace("\0", "' || char(0) || '") + "'"
    alter(hostile, f"UPDATE images SET file = {shown} WHERE id = 1")
    (hostile / "thumbnails.db").unlink()
    with Project.open(hostile) as project:
        assert enlarged(project, name) is None
        assert set(thumbnails_of(project, [1, 2])) == {2}
        assert details(project, 1).exif == {}
        with pytest.raises(ProjectAltered, match="no name of an original"):
            project.original(name)
        with pytest.raises(ProjectAltered, match="no name of an original"):
            project.export(hostile.parent / "out")
    assert not (hostile.parent / "out").exists()


def replaced(hostile: Path, make: Callable[[Path], None]) -> Path:
    """Put something else in the place of the first image's original."""
    [[file]] = asked(hostile, "SELECT file FROM images WHERE id = 1")
    path = hostile / "originals" / str(file)
    path.unlink()
    make(path)
    return path


KINDS: dict[str, Callable[[Path], None]] = {
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "folder": lambda path: path.mkdir(),
}
if hasattr(os, "mkfifo"):
    KINDS["pipe"] = os.mkfifo


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_only_plain_originals_are_read(kind: str, hostile: Path) -> None:
    """An original that is a link, a pipe or a folder is left out by name, and nothing hangs."""
    path = replaced(hostile, KINDS[kind])
    (hostile / "thumbnails.db").unlink()
    with Project.open(hostile) as project:
        [file] = [str(path.relative_to(project.originals))]
        assert enlarged(project, file) is None
        assert set(thumbnails_of(project, [1, 2])) == {2}
        report = project.check()
        assert len(report.unreadable) == 1
        assert str(path) in report.unreadable[0]
        with pytest.raises(ProjectAltered, match=path.name):
            project.export(hostile.parent / "out")
    assert not (hostile.parent / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["../../../home/secrets", "..", "/tmp", "a/b", "a\\b", "CON", ".ssh", "a\nb"]
)
def test_a_class_name_is_no_way_out(name: str, hostile: Path, home: Path) -> None:
    """A class name that is a path is refused when it is to be a folder's name."""
    alter(hostile, f"UPDATE classes SET name = '{name}' WHERE id = 1")
    before = tree(hostile.parent / "home")
    with Project.open(hostile) as project:
        assert name in project.class_names()
        with pytest.raises(BadClassName):
            project.export(hostile.parent / "deep" / "er" / "out")
    assert tree(hostile.parent / "home") == before
    assert not (hostile.parent / "deep" / "er" / "out").exists()


def test_a_hash_is_no_way_out(hostile: Path, home: Path) -> None:
    """It becomes a part of the exported name, which is refused."""
    alter(hostile, "UPDATE images SET sha256 = '../../../../../home/x' WHERE id = 1")
    with Project.open(hostile) as project, pytest.raises(CuratorError):
        project.export(hostile.parent / "out")
    assert not (hostile.parent / "out").exists()


@pytest.mark.slow
def test_a_split_is_no_way_out(hostile: Path, home: Path) -> None:
    """A word that is no split counts as none: the image gets one, and the export holds it."""
    alter(hostile, "UPDATE images SET split = '../../home', group_id = 1 WHERE id = 1")
    with Project.open(hostile) as project:
        project.export(hostile.parent / "out")
    assert {path.name for path in (hostile.parent / "out").iterdir()} == {
        "train",
        "valid",
        "manifest.csv",
        "README.md",
    }


@pytest.mark.parametrize("digest", ["../../home/secrets/id_rsa", "../project.db", "ab*", ""])
def test_a_given_picture_is_looked_for_in_the_inbox_alone(
    digest: str, hostile: Path, home: Path
) -> None:
    """The origin of a pasted picture, which names a file of the inbox, reaches no other file."""
    alter(
        hostile,
        "INSERT INTO sources (kind, origin, class_id, root, listed_in, state, attempts) "
        f"VALUES ('data', 'data:image/png;sha256,{digest}', 1, '', '', 'pending', 0)",
    )
    with Project.open(hostile) as project:
        answer = project.fetch()
    assert (answer.asked, answer.images, answer.failed) == (1, 0, {"unreadable": 1})
    [[detail]] = asked(hostile, "SELECT detail FROM sources WHERE kind = 'data'")
    assert "is no name of an original" in str(detail)
