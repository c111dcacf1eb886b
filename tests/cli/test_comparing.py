"""The command compare: what it prints, and its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.conftest import copy_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Curator


@pytest.fixture
def reviewed(sample_folder: Path, tmp_path: Path) -> Path:
    """Give a copy of the sample with two validation images deleted and one relabelled."""
    folder = copy_project(sample_folder, tmp_path / "digits")
    with Project.open(folder) as project:
        valid = project.rank().query("split == 'valid'")
        ids = valid["image_id"].tolist()
        project.decide(ids[:2], "delete")
        other = next(name for name in project.class_names() if name != valid["label"].iloc[2])
        project.decide([ids[2]], "relabel", other)
    return folder


def test_compare_without_changes(curator: Curator, sample_folder: Path) -> None:
    """One version of the labels, both runs with their intervals, and no warning."""
    answer = curator("compare", sample_folder, "--before", 1, "--after", 1)
    assert (answer.status, answer.err) == (0, "")
    assert "Warning" not in answer.out
    assert answer.out.count("With the labels as") == 1
    assert "before (run 1): " in answer.out
    assert "Both runs are wrong on" in answer.out


def test_compare_after_cleaning_validation_images(curator: Curator, reviewed: Path) -> None:
    """A warning with the counts, then both versions of the labels."""
    answer = curator("compare", reviewed, "--before", 1)
    assert answer.status == 0
    assert answer.out.startswith("Warning: ")
    assert "1 relabelled and 2 deleted" in answer.out
    earlier = answer.out.index("With the labels as the first of the two runs knew them")
    assert earlier < answer.out.index("With the labels as they are now")
    found = curator("compare", reviewed, "--before", 1, "--json").json
    assert [version["labels"] for version in found["versions"]] == ["before", "now"]
    assert found["versions"][0]["images"] == found["images"] + 2
    assert f"{found['images']} images)" in answer.out


def test_compare_needs_runs_that_exist(curator: Curator, sample_folder: Path) -> None:
    """With one run, or a number that there is not, the error says what to do."""
    one = curator("compare", sample_folder)
    assert (one.status, one.out) == (1, "")
    assert "train again" in one.err
    unknown = curator("compare", sample_folder, "--before", 9)
    assert unknown.status == 2
    assert "no run 9" in unknown.err


@pytest.mark.slow
def test_a_test_split_is_drawn_and_taken_back(
    curator: Curator, sample_folder: Path, tmp_path: Path
) -> None:
    """A dry run only says so; what was trained before is not judged on it; undo gives it back."""
    folder = copy_project(sample_folder, tmp_path / "digits")
    planned = curator("test-split", folder, "--share", 0.2, "--dry-run", "--json").json
    assert planned["moved"] > 40
    nothing = curator("evaluate", folder)
    assert nothing.status == 1
    assert "curator test-split" in nothing.err
    drawn = curator("test-split", folder, "--share", 0.2)
    assert f"{planned['moved']} images are put aside as a test" in drawn.out
    refused = curator("evaluate", folder)
    assert refused.status == 1
    assert "Train again" in refused.err
    assert curator("undo", folder).out.startswith(
        f"Took back: put {planned['moved']} images aside as a test"
    )
    again = curator("test-split", folder, "--share", 0.2, "--json").json
    assert (again["moved"], again["classes"]) == (planned["moved"], planned["classes"])
    back = curator("test-split", folder, "--share", 0)
    assert f"{planned['moved']} test images are for training" in back.out
    assert curator("test-split", folder, "--share", 0.7).status == 2
