"""An original that was altered, swapped, cut off or removed never leaves under its old name."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from curator.check.report import report
from curator.errors import OriginalAltered, OriginalMissing, ProjectAltered
from curator.hashing import sha256_of
from curator.imaging.decoding import Rejected, decode
from curator.project import Project
from tests.conftest import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def checked_folder(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the small project, checked once, so that no test computes features again."""
    folder = copy_project(small_folder, tmp_path_factory.mktemp("checked") / "small")
    with Project.open(folder) as project:
        project.check()
    return folder


@pytest.fixture
def small(checked_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open a copy of the checked project, for this test alone."""
    with Project.open(copy_project(checked_folder, tmp_path / "small")) as project:
        yield project


def keep_times(path: Path, change: Callable[[], object]) -> None:
    """Do ``change`` and put the file's times back, as who hides an alteration would."""
    before = path.stat()
    change()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def alter(path: Path) -> None:
    """Change one bit in the middle; size and times stay."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    keep_times(path, lambda: path.write_bytes(data))


def swap(path: Path) -> None:
    """Put another image's file there, a whole and valid one."""
    other = next(p for p in path.parents[1].rglob("*.png") if p != path)
    keep_times(path, lambda: shutil.copyfile(other, path))


def cut_off(path: Path) -> None:
    """Leave the first half."""
    keep_times(path, lambda: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]))


def lengthen(path: Path) -> None:
    """Hide something behind the end; viewers still show the same picture."""
    keep_times(path, lambda: path.write_bytes(path.read_bytes() + b"<?php"))


def grow(path: Path) -> None:
    """Make it a file of a terabyte without content, to fill the disk of who copies it."""
    os.truncate(path, 1 << 40)


def into_folder(path: Path) -> None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()


def into_pipe(path: Path) -> None:
    """Put a pipe in its place, which blocks who opens it."""
    path.unlink()
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(path)


ALTERED = [alter, swap, cut_off, lengthen, grow]
MISSING = [os.unlink, into_folder, into_pipe]


@pytest.mark.slow
@pytest.mark.parametrize("attack", [*ALTERED, *MISSING], ids=lambda attack: attack.__name__)
def test_it_is_not_exported(attack: Callable[[Path], None], small: Project, tmp_path: Path) -> None:
    """The export is refused with the file's name and the next step; nothing appears."""
    victim = sorted(small.originals.rglob("*.png"))[17]
    attack(victim)
    expected = OriginalAltered if attack in ALTERED else OriginalMissing
    if attack in (into_folder, into_pipe):
        expected = ProjectAltered  # told before anything is opened
    with pytest.raises(expected, match=victim.name) as caught:
        small.export(tmp_path / "out")
    assert "Put " in caught.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_among_the_originals_holds_nothing_up(tmp_path: Path) -> None:
    """Decoding, which comes before an export, refuses what is no file instead of waiting for it."""
    os.mkfifo(tmp_path / "picture.png")
    with pytest.raises(Rejected, match="not a regular file"):
        decode(tmp_path / "picture.png")


def test_check_counts_them(small: Project) -> None:
    """Each is counted, wherever size and times are as before; put back, all is well again."""
    files = sorted(small.originals.rglob("*.png"))
    saved = {path: path.read_bytes() for path in files[:5]}
    alter(files[0])
    swap(files[1])
    cut_off(files[2])
    files[3].unlink()
    found = small.check()
    assert (found.originals.altered, found.originals.missing) == (3, 1)
    assert found.originals.files == 30
    codes = [problem.code for problem in found.problems]
    assert codes[:2] == ["missing_originals", "altered_originals"]
    missing, altered = found.problems[:2]
    assert (missing.count, altered.count) == (1, 3)
    assert files[3].name in missing.problem
    assert len(altered.images) == 3
    # What is shown without another look, on the page, says the same; what is deleted harms nobody.
    assert report(small).originals == found.originals
    small.decide(missing.images, "delete")
    assert report(small).originals.missing == 0
    for path, data in saved.items():
        path.write_bytes(data)
    assert small.check().originals.altered == 0
    assert report(small).problems != found.problems


def test_an_honest_export_has_what_was_taken_in(small: Project, tmp_path: Path) -> None:
    """Every exported file has the hash that the manifest gives."""
    import pandas as pd

    small.export(tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "manifest.csv")
    assert len(rows) == 30
    for row in rows.to_dict("records"):
        assert sha256_of(tmp_path / "out" / row["file_name"]) == row["sha256"]


def test_the_exported_model_is_not_asked_about_a_swapped_image(
    sample_copy: Project, tmp_path: Path
) -> None:
    """Reading the model back uses originals: one that was altered is named, not the model."""
    for path in sample_copy.originals.rglob("*.*"):
        alter(path)
    with pytest.raises(OriginalAltered, match="no longer the file"):
        sample_copy.export_model(tmp_path / "out")
    assert not (tmp_path / "out").exists()
