"""Findings that a person says are no problem: remembered, undone, brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.check.findings import OF_IMAGES, findings
from curator.check.report import report
from curator.errors import InputError, UnknownClass
from curator.project import Project
from curator.review.advice.fixes import suggestions
from curator.review.overview import overview
from curator.review.queue.filters import Filters
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path


def codes(project: Project) -> dict[str, int]:
    """Give the problems that count, with their numbers."""
    return {item.code: item.count for item in report(project).problems}


def set_score(project: Project, column: str, ids: list[int], value: float = 0.01) -> None:
    """Let a measure flag images."""
    with project.database.write() as connection:
        for image_id in ids:
            connection.exec_driver_sql(
                f"UPDATE images SET {column} = {value} WHERE id = {image_id}"
            )


@pytest.fixture
def flagged(small: Project) -> Project:
    """Give a project with three dark images, checked."""
    small.check()
    set_score(small, "dark_score", [2, 3, 5])
    assert codes(small)["is_dark_issue"] == 3
    assert "No image is very dark." not in report(small).fine
    return small


@pytest.mark.slow
def test_a_dismissed_finding_is_remembered_until_undo_or_another_image(flagged: Project) -> None:
    """It no longer counts, its fix is not offered, it is told apart, and undo and redo know it."""
    assert "dark" in {item.key for item in suggestions(flagged)}
    before = flagged.status().problems
    done = flagged.dismiss("is_dark_issue")
    assert (done.batch, done.what) == (2, "dismissed the finding dark of 3 images")
    with Project.open(flagged.path) as again:
        told = report(again)
    assert "is_dark_issue" not in {item.code for item in told.problems}
    assert "No image is very dark." in told.fine
    (apart,) = told.dismissed
    assert (apart.code, apart.images, apart.count) == ("is_dark_issue", (2, 3, 5), 3)
    assert flagged.status().problems == before - 1
    assert "dark" not in {item.key for item in suggestions(flagged)}
    assert flagged.dismiss("is_dark_issue").batch == 0
    (back,) = flagged.undo()
    assert back.what == done.what
    assert codes(flagged)["is_dark_issue"] == 3
    (again_done,) = flagged.redo()
    assert again_done.what == done.what
    assert "is_dark_issue" not in codes(flagged)
    set_score(flagged, "dark_score", [7])
    assert codes(flagged)["is_dark_issue"] == 1
    assert flagged.bring_back("is_dark_issue", [2]).batch
    assert codes(flagged)["is_dark_issue"] == 2
    flagged.decide([1], "keep")
    assert [item.what for item in flagged.undo(3)] == [
        "kept",
        "brought back the finding dark of 1 image",
        "dismissed the finding dark of 3 images",
    ]


@pytest.mark.slow
def test_some_images_of_a_finding_are_dismissed(flagged: Project) -> None:
    """The others still count; one without the finding is an error, and nothing is recorded."""
    flagged.dismiss("is_dark_issue", [3])
    assert codes(flagged)["is_dark_issue"] == 2
    # Neither queues nor the chips of Data count it, unless another measure flags it.
    assert flagged.queue("problems").ids.tolist() == [2, 5]
    assert flagged.queue("problems", Filters(issue="dark")).ids.tolist() == [2, 5]
    signs = [sign for row in overview(flagged) for sign in row.signs if sign.queue == "problems"]
    assert sum(sign.count for sign in signs) == 2
    set_score(flagged, "light_score", [3])
    assert flagged.queue("problems").ids.tolist() == [2, 3, 5]
    with pytest.raises(InputError, match="Image 1 has no such finding"):
        flagged.dismiss("is_dark_issue", [1, 2])
    assert codes(flagged)["is_dark_issue"] == 2


@pytest.mark.slow
def test_findings_of_classes_and_of_the_whole(tmp_path: Path) -> None:
    """A class is dismissed by its name; a project that is not ready stays so."""
    with Project.create(tmp_path / "project") as project:
        project.import_files(write_folders(tmp_path / "in", {"cat": 30, "dog": 5, "owl": 4}))
        project.check()
        project.dismiss("tiny_class", label="dog")
        left = [item.label for item in report(project).problems if item.code == "tiny_class"]
        assert left == ["owl"]
        project.dismiss("unbalanced")
        assert "unbalanced" not in codes(project)
        assert {item.code for item in report(project).dismissed} == {"tiny_class", "unbalanced"}
        project.bring_back("unbalanced")
        assert "unbalanced" in codes(project)
        with pytest.raises(InputError, match="of one class"):
            project.dismiss("tiny_class")
        with pytest.raises(UnknownClass):
            project.dismiss("tiny_class", label="bee")
        with pytest.raises(InputError, match="cannot be dismissed"):
            project.dismiss("one_class")
        with pytest.raises(InputError, match="not of single images"):
            project.dismiss("unbalanced", [1])


def test_a_group_of_duplicates_comes_up_again_with_a_new_member(sample_copy: Project) -> None:
    """It is dismissed while all of it is, and its spare ones are offered no more."""
    table = sample_copy.queue("duplicates").table()
    first = table[table["group_id"] == table["group_id"].iloc[0]]["image_id"].tolist()
    every = codes(sample_copy)["near_duplicates"]
    sample_copy.dismiss("near_duplicates", first)
    assert codes(sample_copy).get("near_duplicates", 0) == every - len(first)
    shown = [i for item in suggestions(sample_copy) for i in item.preview if item.findings]
    assert not set(first) & set(shown)
    sample_copy.bring_back("near_duplicates", first[:1])
    assert codes(sample_copy)["near_duplicates"] == every


def test_a_look_shows_exactly_the_images_of_the_finding(sample_copy: Project) -> None:
    """Narrowed to a finding, the queue that it names holds its images and no other."""
    sample_copy.dismiss("near_duplicates", [int(sample_copy.queue("duplicates").ids[0])])
    with sample_copy.database.read() as connection:
        found = [item for item in findings(connection) if item.code in OF_IMAGES]
    assert found
    for item in found:
        assert item.queue
        seen = sample_copy.queue(item.queue, Filters(finding=item.code))
        assert sorted(seen.ids.tolist()) == sorted(item.images)
    with pytest.raises(InputError, match="no finding of images"):
        sample_copy.queue("all", Filters(finding="unbalanced"))
