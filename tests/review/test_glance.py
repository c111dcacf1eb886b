"""A project at a glance: counts, pictures of several classes, and what runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from curator.jobs import marks
from curator.project import Project
from curator.review.glance import PICTURES, glance
from curator.store import images, jobs
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_every_class_shows_a_picture_before_one_shows_two(tmp_path: Path) -> None:
    """Four thumbnails that open, counts of what lives, and classes without images too."""
    with Project.create(tmp_path / "project", ["none"]) as project:
        assert glance(project).pictures == ()
        project.import_files(write_folders(tmp_path / "files", {"a": 230, "b": 2, "c": 1}))
        found = glance(project)
        assert (found.images, found.classes) == (233, ("none", "a", "b", "c"))
        assert len(found.pictures) == PICTURES
        for data in found.pictures:
            Image.open(io.BytesIO(data)).load()
        assert len(set(found.pictures)) == PICTURES
        with project.database.read() as connection:
            live = images.live(connection)
        kept = {
            data: sha256 for sha256, data in project.thumbnails.get(list(live["sha256"])).items()
        }
        labels = dict(zip(live["sha256"], live["label"], strict=True))
        assert sorted(labels[kept[data]] for data in found.pictures[:3]) == ["a", "b", "c"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_runs_is_said_and_what_came_with_the_project_is_not(
    tmp_path: Path, is_ours: bool
) -> None:
    """A queued job that somebody else left in the folder is no work of this user's."""
    with Project.create(tmp_path / "project", ["a"]) as project:
        assert glance(project).working == ""
        if is_ours:
            marks.queue(project, "fetch", {})
        else:
            jobs.queue(project.database, "fetch", {}, lambda _: "0" * 64)
        assert glance(project).working == ("fetch" if is_ours else "")
