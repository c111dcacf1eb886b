"""What an import would take in: told before, without a file decoded or a row written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.collect.imports.preview import ALWAYS_FINE, ClassFiles, ListBeside, Skipped, preview
from curator.errors import BadClassName, BadFolder
from curator.project import Project
from tests.collect.imports.test_things import zipped
from tests.pictures import write_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with one class."""
    with Project.create(tmp_path / "project", ["black"]) as made:
        yield made


def test_what_is_there_what_is_skipped_and_the_lists_beside(
    tmp_path: Path, project: Project
) -> None:
    """Counts by class and split, a reason for each kind of what is skipped, lists by class."""
    root = write_folders(tmp_path / "in", {"train/black": 3, "valid/black": 1, "brown": 2})
    (root / "loose.png").write_bytes(b"no class")
    (root / "notes.txt").write_text("nothing", encoding="utf-8")
    (root / "urls_black.txt").write_text("https://example.org/1.jpg\n", encoding="utf-8")
    shown = project.preview_import(root)
    assert shown.classes == (ClassFiles("black", 4, False), ClassFiles("brown", 2, True))
    assert shown.splits == {"train": 3, "valid": 1}
    assert shown.skipped == (
        Skipped("No folder names its class.", 1, ("loose.png",)),
        Skipped("It is not named like an image.", 1, ("notes.txt",)),
    )
    assert shown.lists == (ListBeside(str(root / "urls_black.txt"), "black"),)
    assert shown.bytes == sum(path.stat().st_size for path in root.glob("**/*/*.png"))
    assert shown.warnings == ("This makes 1 class that the project does not have: brown.",)
    assert shown.sentence.startswith("6 files in 2 classes, ")
    assert (project.class_names(), project.status().images) == (["black"], 0)


def test_what_was_taken_in_before_is_told(tmp_path: Path, project: Project) -> None:
    """Of a folder that was imported, only what came since is new."""
    root = write_folders(tmp_path / "in", {"black": 2})
    project.import_files(root)
    write_folders(root, {"black": 3})
    shown = project.preview_import(root)
    assert (shown.files, shown.new, shown.warnings) == (3, 1, ())


def test_an_archive_is_listed_unread(tmp_path: Path, project: Project) -> None:
    """Its table of contents says all that is shown."""
    root = write_folders(tmp_path / "in", {"black": 2})
    shown = project.preview_import(zipped(root, tmp_path / "in.zip"))
    assert (shown.files, shown.new) == (2, 2)
    assert shown.bytes == sum(path.stat().st_size for path in root.rglob("*.png"))


def test_far_more_than_the_project_holds_is_warned_of(tmp_path: Path, project: Project) -> None:
    """Beyond the bound, and not at it; and what the time was too short for."""
    folder = tmp_path / "in" / "black"
    folder.mkdir(parents=True)
    for number in range(ALWAYS_FINE):
        (folder / f"{number}.jpg").touch()
    assert project.preview_import(folder.parent).warnings == ()
    (folder / "more.jpg").touch()
    shown = project.preview_import(folder.parent)
    assert shown.warnings == (
        f"This adds {ALWAYS_FINE + 1} images to a project of 0. Is it the right folder?",
    )
    with pytest.raises(BadFolder):
        preview(project, [str(folder.parent)], seconds=-1)


def test_it_raises_what_the_import_would(tmp_path: Path, project: Project) -> None:
    """An empty folder, and names that no class may have."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFolder, match="no labelled image"):
        project.preview_import(tmp_path / "empty")
    with pytest.raises(BadClassName):
        project.preview_import(write_folders(tmp_path / "in", {"a": 1, "A": 1}))
