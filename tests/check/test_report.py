"""The report before training: each planted fault is named, with its figures and a next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from curator.errors import UnknownImage
from curator.learn.tracing import trace
from curator.project import Project
from tests.pictures import encoded, picture, write_folders, write_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make an empty project."""
    with Project.create(tmp_path / "project") as made:
        yield made


def problems(project: Project) -> dict[str, dict[str, Any]]:
    """Run the check; give its problems by code."""
    return {problem.code: problem for problem in project.check().problems}


@pytest.mark.slow
def test_a_sound_set_has_no_problem(small: Project) -> None:
    """Where little is wrong, the report says what there is and what comes next."""
    (tmp := small.path / "more").mkdir()
    small.import_files(write_folders(tmp, {"owl": 4}, start=900))
    answer = small.check()
    assert answer.problems == ()
    assert answer.sentence == "34 images in 3 classes, nothing wrong was found. Next: train."
    assert [(row.label, row.images, row.train + row.valid) for row in answer.classes] == [
        ("cat", 12, 12),
        ("dog", 10, 10),
        ("owl", 12, 12),
    ]


@pytest.mark.slow
def test_small_and_unbalanced_classes(project: Project, tmp_path: Path) -> None:
    """A class with too few images and a lopsided set are named with their numbers."""
    project.import_files(write_folders(tmp_path / "in", {"cat": 30, "dog": 5}))
    project.add_class("empty")
    found = project.check().problems
    tiny = [p for p in found if p.code == "tiny_class"]
    assert [(p.count, "dog" in p.problem) for p in tiny] == [(5, True), (0, False)]
    unbalanced = next(p for p in found if p.code == "unbalanced")
    assert "30" in unbalanced.problem
    assert "5" in unbalanced.problem


@pytest.mark.slow
def test_one_class_only(project: Project, tmp_path: Path) -> None:
    """With one class the report says first that a classifier needs two."""
    project.import_files(write_folders(tmp_path / "in", {"cat": 12}))
    answer = project.check()
    found = answer.problems
    assert found[0].code == "one_class"
    assert "at least two" in found[0].fix
    assert answer.sentence.endswith("Next: add images, of two classes at least.")


@pytest.mark.slow
def test_near_duplicates_with_two_labels(project: Project, tmp_path: Path) -> None:
    """The same picture in two sizes under two classes: at most one label can be right."""
    write_folders(tmp_path / "in", {"cat": 10, "dog": 10})
    write_picture(tmp_path / "in" / "dog" / "copy.png", 0, side=90)  # picture 0 is a cat
    project.import_files(tmp_path / "in")
    problem = problems(project)["near_duplicates_in_two_classes"]
    assert problem.count == 2
    labels = project.status().classes
    assert labels == {"cat": 10, "dog": 11}
    project.decide([problem.images[-1]], "delete")
    assert "near_duplicates_in_two_classes" not in problems(project)


@pytest.mark.slow
def test_an_imported_split_that_leaks(project: Project, tmp_path: Path) -> None:
    """Near-duplicates on both sides of an imported split are named, and the split stays."""
    write_folders(tmp_path / "in" / "train", {"cat": 5, "dog": 5})
    write_folders(tmp_path / "in" / "valid", {"cat": 2, "dog": 2}, start=50)
    write_picture(tmp_path / "in" / "valid" / "cat" / "copy.png", 0, side=90)
    project.import_files(tmp_path / "in")
    problem = problems(project)["near_duplicates_across_splits"]
    assert problem.count == 2
    answer = project.check()
    assert [(row.train, row.valid) for row in answer.classes] == [(5, 3), (5, 2)]


def test_addresses_that_wait_or_failed(project: Project, tmp_path: Path) -> None:
    """Pending addresses and failures by reason are in the report."""
    project.add_class("cat")
    project.add("cat", "https://example.org/1.jpg\nhttps://example.org/2.jpg")
    write_folders(tmp_path / "in", {"cat": 3})
    (tmp_path / "in" / "cat" / "bad.png").write_bytes(b"no image")
    project.import_files(tmp_path / "in")
    found = problems(project)
    assert found["pending"].count == 2
    assert found["failed"].count == 1
    assert "not an image" in found["failed"].problem


@pytest.mark.slow
def test_pictures_that_show_nothing(project: Project, tmp_path: Path) -> None:
    """Black, white and empty pictures and a strip are named, those that show something are not."""
    root = write_folders(tmp_path / "in", {"cat": 12, "dog": 12})
    noise = np.random.default_rng(0).integers(0, 256, (30, 400, 3), dtype=np.uint8)
    odd = {
        "black": Image.new("RGB", (80, 80), (4, 4, 4)),
        "white": Image.new("RGB", (81, 80), (255, 255, 255)),
        "strip": Image.fromarray(noise),
    }
    for name, image in odd.items():
        (root / "dog" / f"{name}.png").write_bytes(encoded(image))
    project.import_files(root)
    with project.database.read() as connection:
        ids = {
            origin.rpartition("/")[2].removesuffix(".png"): number
            for origin, number in connection.exec_driver_sql("SELECT origin, image_id FROM sources")
        }
    found = problems(project)
    assert ids["black"] in found["is_dark_issue"].images
    assert ids["white"] in found["is_light_issue"].images
    assert found["is_odd_aspect_ratio_issue"].images == (ids["strip"],)
    assert {ids["black"], ids["white"]} <= set(found["is_low_information_issue"].images)
    project.decide([ids["strip"]], "delete")
    assert "is_odd_aspect_ratio_issue" not in problems(project)


def test_the_sample_s_planted_copies_are_all_found(sample_copy: Project) -> None:
    """Of the demo's ten recompressed copies every one is reported, with nothing else."""
    found = problems(sample_copy)
    assert found["near_duplicates"].count == 20
    assert found["failed"].count == 20
    assert "10 dead" in found["failed"].problem


def test_an_image_is_traced_through_every_stage(sample: Project) -> None:
    """The trace names each stage with its shapes, from the address to the prediction."""
    rows = trace(sample)
    assert [row.stage for row in rows] == [
        "source",
        "original",
        "decode",
        "split",
        "prepare",
        "features",
        "prediction",
    ]
    assert all(row.error is None and row.milliseconds >= 0 for row in rows)
    assert "http://127.0.0.1" in rows[0].result
    assert "(3, 224, 224)" in rows[4].result
    assert "(1280,)" in rows[5].result
    assert "out-of-fold" in rows[6].result


def test_the_trace_stops_where_it_fails(small: Project) -> None:
    """An original that was altered is the last stage, with what is wrong."""
    path = min(small.originals.rglob("*.png"))
    with small.database.read() as connection:
        query = "SELECT id FROM images WHERE sha256 = ?"
        image_id = connection.exec_driver_sql(query, (path.stem,)).scalar_one()
    path.write_bytes(encoded(picture(999)))
    rows = trace(small, image_id)
    assert [row.stage for row in rows] == ["source", "original"]
    assert "was altered" in rows[-1].error
    path.unlink()
    rows = trace(small, image_id)
    assert [row.stage for row in rows] == ["source", "original"]
    assert rows[-1].error


@pytest.mark.parametrize("unknown", [31, 2**63, 10**30])
def test_an_unknown_image_cannot_be_traced(small: Project, unknown: int) -> None:
    """An id that there is not is a named error."""
    with pytest.raises(UnknownImage, match=str(unknown)):
        trace(small, unknown)
