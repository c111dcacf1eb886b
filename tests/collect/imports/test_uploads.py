"""Receiving files: names from anywhere, pieces in order, and nothing half-done left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from curator.collect.imports.job import uploads_of
from curator.collect.imports.uploads import DEEPEST, Upload, interrupted, safe_parts
from curator.errors import FileError, InputError
from curator.project import Project
from curator.store import jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with a class."""
    with Project.create(tmp_path / "project", ["bear"]) as made:
        yield made


def send(upload: Upload, contents: dict[int, bytes], piece: int = 4) -> None:
    """Send these files in pieces."""
    for number, data in contents.items():
        for offset in range(0, len(data), piece):
            upload.take(number, offset, data[offset : offset + piece])


@given(st.text(max_size=300))
def test_any_name_becomes_safe_parts(name: str) -> None:
    """Whatever a sender writes, each part is a plain name that stays below its folder."""
    parts = safe_parts(name)
    assert 1 <= len(parts) <= DEEPEST
    for part in parts:
        assert part not in {"", ".", ".."}
        assert not set(part) & set('/\\:*?"<>|')
        assert part.isprintable()
        assert part == part.strip()
        assert len(part.encode(errors="replace")) <= 200


def test_dangerous_names_lose_their_danger() -> None:
    """Parents, drives, roots and reserved names are gone or made harmless."""
    assert safe_parts("../../etc/passwd") == ["etc", "passwd"]
    assert safe_parts("C:\\Windows\\x.png") == ["C_", "Windows", "x.png"]
    assert safe_parts("CON.png") == ["_CON.png"]
    assert safe_parts("...") == ["file"]
    assert safe_parts("a" * 500 + ".jpeg")[0].endswith(".jpeg")


def test_pieces_become_files_and_lists_are_set_apart(project: Project) -> None:
    """Images and archives go to the folder of the job, lists beside; the same name comes twice."""
    sent = [("a.png", 10), ("urls.txt", 6), ("A.png", 3), (".DS_Store", 4)]
    upload = Upload(project, KEY, sent)
    assert list(upload.files) == [0, 1, 2]
    send(upload, {0: b"0123456789", 1: b"abcdef"})
    assert not upload.is_whole
    send(upload, {2: b"xyz"})
    assert upload.is_whole
    images, lists = upload.finish()
    folder = uploads_of(project) / KEY
    assert images
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "a.png": b"0123456789",
        "A (2).png": b"xyz",
    }
    assert [path.read_bytes() for path in lists] == [b"abcdef"]
    upload.discard()
    assert [path.name for path in uploads_of(project).iterdir()] == [KEY]


def test_of_a_folder_only_images_and_archives_are_asked_for(project: Project) -> None:
    """What lies beside the images of a folder is not worth sending; paths are kept."""
    sent = [("bears/1.jpg", 5), ("bears/notes.txt", 5), ("bears/film.mp4", 5), ("bears/b.zip", 5)]
    upload = Upload(project, KEY, sent)
    assert [path.as_posix() for path, _ in upload.files.values()] == [
        "images/bears/1.jpg",
        "images/bears/b.zip",
    ]
    upload.discard()


def test_what_is_not_wanted_is_named(project: Project) -> None:
    """Empty and huge files are refused by name, and the others are asked for."""
    sent = [("empty.png", 0), ("huge.png", 80_000_000), ("huge.zip", 80_000_000), ("ok.png", 5)]
    upload = Upload(project, KEY, sent)
    assert list(upload.files) == [2, 3]
    assert [(item["name"], item["problem"][:13]) for item in upload.refused] == [
        ("empty.png", "The file is e"),
        ("huge.png", "It has 80 MB;"),
    ]
    upload.discard()
    with pytest.raises(InputError, match=r"empty\.png: The file is empty"):
        Upload(project, KEY, sent[:1])
    with pytest.raises(FileError, match="disk has"):
        Upload(project, KEY, [("all.zip", 10**15)])
    with pytest.raises(InputError, match="no upload"):
        Upload(project, "../x", [("a.png", 1)])
    assert not list(uploads_of(project).iterdir())


def test_pieces_in_disorder_are_refused(project: Project) -> None:
    """A piece that leaves a gap, of an unknown file, or of another file, is an error."""
    upload = Upload(project, KEY, [("a.png", 10), ("b.png", 10)])
    upload.take(0, 0, b"0123")
    for number, offset in [(0, 5), (1, 0), (7, 0)]:
        with pytest.raises(InputError, match="disorder"):
            upload.take(number, offset, b"4567")
    upload.discard()
    assert not list(uploads_of(project).iterdir())


def test_an_upload_whose_page_is_gone_is_removed_and_told(project: Project) -> None:
    """Without its lock it goes nowhere; with it, another page is at work and it is left alone."""
    upload = Upload(project, KEY, [("bears.zip", 10)])
    upload.take(0, 0, b"0123")
    assert interrupted(project) == ([], True)
    upload._lock.release()  # as the end of the process does
    (notice,), others = interrupted(project)
    assert "bears.zip was cut off" in notice
    assert not others
    assert not list(uploads_of(project).iterdir())
    upload.discard()  # closes the file that was being written


def test_folders_that_no_job_can_ask_for_are_removed(project: Project) -> None:
    """A failed job's upload stays while the job can be started again, and goes afterwards."""
    folder = uploads_of(project) / KEY
    folder.mkdir(parents=True)
    number = jobs.queue(project.database, "import", {"upload": KEY})
    jobs.start(project.database, number)
    jobs.end(project.database, number, jobs.FAILED, error="No.")
    with FileLock(folder.with_suffix(".lock")):
        pass
    assert interrupted(project) == ([], False)
    assert folder.is_dir()
    jobs.queue(project.database, "check", {})
    interrupted(project)
    assert not folder.exists()
