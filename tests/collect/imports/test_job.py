"""Importing folders: where labels come from, and what becomes of what does not fit."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from curator.errors import BadClassName, BadFolder, BadList, InputError, UnknownImage
from curator.project import Project
from curator.store.images import with_sources
from tests.pictures import encoded, picture, write_folders, write_picture
from tests.running import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make an empty project without classes."""
    with Project.create(tmp_path / "project") as made:
        yield made


def table(project: Project) -> pd.DataFrame:
    """Give every image with its source, by source."""
    with project.database.read() as connection:
        return with_sources(connection).sort_values("source", ignore_index=True)


def labels(project: Project) -> dict[str, str]:
    """Give the label of each source."""
    rows = table(project)
    return dict(zip(rows["source"], rows["label"], strict=True))


def test_folders_name_the_classes(project: Project, tmp_path: Path) -> None:
    """CLASS/image: classes are made in order, files are copied and stay as they are."""
    root = write_folders(tmp_path / "in", {"dog": 2, "Cat": 3})
    before = {path: path.read_bytes() for path in root.rglob("*.png")}
    answer = project.import_files(root)
    assert (answer.files, answer.images, answer.failed) == (5, 5, 0)
    assert project.class_names() == ["Cat", "dog"]
    assert project.status().classes == {"Cat": 3, "dog": 2}
    assert {path: path.read_bytes() for path in root.rglob("*.png")} == before
    assert sorted(path.read_bytes() for path in project.originals.rglob("*.png")) == sorted(
        before.values()
    )
    assert table(project)["split"].isna().all()


def test_a_given_split_is_kept(project: Project, tmp_path: Path) -> None:
    """train/CLASS and valid/CLASS keep their side, through check as well."""
    write_folders(tmp_path / "in" / "train", {"cat": 4, "dog": 4})
    write_folders(tmp_path / "in" / "valid", {"cat": 3, "dog": 2}, start=50)
    project.import_files(tmp_path / "in")
    project.check()
    rows = table(project)
    assert rows["split"].tolist() == [source.split("/")[0] for source in rows["source"]]
    assert rows["label"].tolist() == [source.split("/")[1] for source in rows["source"]]
    assert project.class_names() == ["cat", "dog"]


def test_importing_again_adds_only_what_is_new(project: Project, tmp_path: Path) -> None:
    """A second import of a folder that grew takes the new files."""
    root = write_folders(tmp_path / "in", {"cat": 2, "dog": 2})
    project.import_files(root)
    write_picture(root / "cat" / "new.png", 77)
    answer = project.import_files(root)
    assert answer.images == 1
    assert answer.sentence.startswith("1 new image of 5 files, 4 imported before")
    assert project.status().images == 5


def test_an_import_is_one_step_of_undo(project: Project, tmp_path: Path) -> None:
    """Undone, its images are nowhere, and its classes are gone; imported again, they are back."""
    root = write_folders(tmp_path / "in", {"cat": 2, "dog": 3})
    project.import_files(root)
    assert [done.what for done in project.undo()] == [
        "the import of 5 images and the class cat and the class dog"
    ]
    assert (project.class_names(), project.status().images) == ([], 0)
    assert sum(project.status().states.values()) == 0
    assert [len(project.queue(kind)) for kind in ("all", "trash", "recent", "again")] == [0] * 4
    with pytest.raises(UnknownImage, match="was taken back"):
        project.decide([1], "keep")
    assert project.preview_import(root).new == 5
    assert project.import_files(root).images == 5
    assert project.status().classes == {"cat": 2, "dog": 3}
    assert len(list(project.originals.rglob("*.png"))) == 5
    project.decide([1], "keep")
    assert [done.what for done in project.undo(9)][:2] == [
        "kept",
        "the import of 5 images and the class cat and the class dog",
    ]


def test_a_file_that_was_there_survives_the_undo_of_a_later_import(
    project: Project, tmp_path: Path
) -> None:
    """What an import found in the project already is not its own."""
    project.import_files(write_folders(tmp_path / "in", {"cat": 2}))
    project.import_files(write_folders(tmp_path / "more", {"cat": 3}))
    project.undo()
    assert project.status().classes == {"cat": 2}


def test_a_broken_file_has_its_reason_and_the_rest_goes_on(
    project: Project, tmp_path: Path
) -> None:
    """A file that is no image is recorded with what is wrong; mended, it is taken next time."""
    root = write_folders(tmp_path / "in", {"cat": 3, "dog": 3})
    whole = (root / "cat" / "01.png").read_bytes()
    (root / "cat" / "01.png").write_bytes(whole[: len(whole) // 2])
    (root / "dog" / "00.png").write_bytes(b"")
    answer = project.import_files(root)
    assert (answer.images, answer.failed) == (4, 2)
    assert project.status().addresses.failed == {"broken": 1, "empty": 1}
    (root / "cat" / "01.png").write_bytes(whole)
    answer = project.import_files(root)
    assert (answer.images, answer.failed) == (1, 1)
    assert project.status().addresses.failed == {"empty": 1}


def test_the_same_content_is_one_image(project: Project, tmp_path: Path) -> None:
    """Copies of a file count once; the answer says how many there were."""
    root = write_folders(tmp_path / "in", {"cat": 2, "dog": 2})
    shutil.copyfile(root / "cat" / "00.png", root / "cat" / "copy.png")
    shutil.copyfile(root / "cat" / "00.png", root / "dog" / "copy.png")
    answer = project.import_files(root)
    assert (answer.files, answer.images, answer.same) == (6, 4, 2)
    assert "2 with the same content as another" in answer.sentence
    problems = [p.code for p in project.check().problems]
    assert "listed_in_two_classes" in problems


def test_a_cleaned_csv_with_backslashes(project: Project, tmp_path: Path) -> None:
    """Fastai's cleaned.csv, as Windows wrote it: names with backslashes, rows that were deleted."""
    root = write_folders(tmp_path / "in", {"black": 3, "teddys": 3})
    (root / "cleaned.csv").write_text(
        "name,label\nblack\\00.png,black\nblack\\01.png,teddys\n.\\teddys\\02.png,teddys\n"
    )
    answer = project.import_files(root, labels=root / "cleaned.csv")
    assert (answer.files, answer.images) == (3, 3)
    assert labels(project) == {
        "black/00.png": "black",
        "black/01.png": "teddys",
        "teddys/02.png": "teddys",
    }


def test_a_table_as_spreadsheets_write_it(project: Project, tmp_path: Path) -> None:
    """A byte order mark, other cases and orders of columns, blanks and empty rows are fine."""
    root = write_folders(tmp_path / "in", {"x": 3})
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffLabel , File_Name\n cat , x/00.png \n,\ndog,x/01.png\n,x/02.png\n")
    project.import_files(root, labels=path)
    assert labels(project) == {"x/00.png": "cat", "x/01.png": "dog"}


def test_a_row_twice_is_one_file(project: Project, tmp_path: Path) -> None:
    """A table may repeat itself; a file with two labels keeps the first, and check names it."""
    root = write_folders(tmp_path / "in", {"x": 2})
    path = tmp_path / "labels.csv"
    path.write_text("name,label\nx/00.png,cat\nx/00.png,cat\nx/01.png,cat\nx/01.png,dog\n")
    answer = project.import_files(root, labels=path)
    assert answer.images == 2
    assert project.status().classes == {"cat": 2, "dog": 0}
    problems = {p.code: p.count for p in project.check().problems}
    assert problems["listed_in_two_classes"] == 1


@pytest.mark.slow
def test_our_own_manifest_can_be_imported(small: Project, project: Project, tmp_path: Path) -> None:
    """An export is an ImageFolder with a table: both ways in give the same labels and splits."""
    small.decide([1], "relabel", "owl")
    small.export(tmp_path / "out")
    project.import_files(tmp_path / "out", labels=tmp_path / "out" / "manifest.csv")
    by_table = table(project)[["sha256", "label", "split"]].sort_values("sha256")
    with Project.create(tmp_path / "second") as second:
        second.import_files(tmp_path / "out")
        by_folder = table(second)[["sha256", "label", "split"]].sort_values("sha256")
    assert by_table.to_numpy().tolist() == by_folder.to_numpy().tolist()
    assert len(by_table) == 30
    assert project.status().classes == {"cat": 11, "dog": 10, "owl": 9}


def test_labels_from_file_names(project: Project, tmp_path: Path) -> None:
    """A regular expression's first group is the label; names that miss it are counted."""
    for number, name in enumerate(
        ["great_pyrenees_173.png", "pug_1.png", "pug_2.png", "notes.png"]
    ):
        write_picture(tmp_path / "in" / name, number)
    answer = project.import_files(tmp_path / "in", label_regex=r"^(.+)_\d+\.png$")
    assert labels(project) == {
        "great_pyrenees_173.png": "great_pyrenees",
        "pug_1.png": "pug",
        "pug_2.png": "pug",
    }
    assert answer.unlabelled == 1
    assert "1 name does not match" in answer.sentence


@pytest.mark.slow
def test_names_with_blanks_at_the_ends(project: Project, tmp_path: Path) -> None:
    """A folder or group whose name ends in a blank gives the class without it."""
    for number, name in enumerate(["a cat 1.png", "a dog 2.png"]):
        write_picture(tmp_path / "in" / name, number)
    project.import_files(tmp_path / "in", label_regex=r"^(\D+)\d")
    assert project.class_names() == ["a cat", "a dog"]


def test_decomposed_names_are_the_same_class(project: Project, tmp_path: Path) -> None:
    """A folder name with its umlaut in two characters, as macOS writes it, is the same class."""
    project.add_class("B\u00e4r")
    write_picture(tmp_path / "in" / "Ba\u0308r" / "1.png", 1)
    project.import_files(tmp_path / "in")
    assert project.status().classes == {"B\u00e4r": 1}


def test_twins_by_case_are_refused_before_anything_is_imported(
    project: Project, tmp_path: Path
) -> None:
    """Labels that differ only by case are an error that names them; nothing is taken in."""
    path = tmp_path / "labels.csv"
    path.write_text("name,label\nx/01.png,bear\nx/00.png,Bear\n")
    root = write_folders(tmp_path / "in", {"x": 2})
    with pytest.raises(BadClassName, match="'Bear', 'bear'"):
        project.import_files(root, labels=path)
    assert project.class_names() == []
    assert project.status().addresses.pending == 0


def test_a_known_class_takes_another_spelling(project: Project, tmp_path: Path) -> None:
    """A folder BEAR joins the class bear that is there."""
    project.add_class("bear")
    project.import_files(write_folders(tmp_path / "in", {"BEAR": 2}))
    assert project.status().classes == {"bear": 2}


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "..\\secret.png"])
def test_a_name_that_leads_out_is_refused(name: str, project: Project, tmp_path: Path) -> None:
    """A table cannot make the import read files outside its folder; line and name are given."""
    write_picture(tmp_path / "secret.png", 5)
    root = write_folders(tmp_path / "in", {"x": 1})
    path = tmp_path / "labels.csv"
    path.write_text(f"name,label\nx/00.png,cat\n{name},cat\n")
    with pytest.raises(BadList, match=r"line 3: .* leads out of"):
        project.import_files(root, labels=path)
    assert project.status().images == 0


def test_a_name_without_a_file_is_recorded_as_unreadable(project: Project, tmp_path: Path) -> None:
    """A row whose file is missing fails by itself, with the reason that says so."""
    root = write_folders(tmp_path / "in", {"x": 1})
    path = tmp_path / "labels.csv"
    path.write_text("name,label\nx/00.png,cat\nx/nothere.png,cat\n")
    answer = project.import_files(root, labels=path)
    assert (answer.images, answer.failed) == (1, 1)
    assert project.status().addresses.failed == {"unreadable": 1}


def test_what_cannot_be_imported_is_named(project: Project, tmp_path: Path) -> None:
    """Each wrong call has its own error, and nothing is added to the project."""
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing here")
    write_picture(tmp_path / "flat" / "1.png", 1)
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00name")
    cases: list[tuple[type[Exception], str, dict[str, str]]] = [
        (BadFolder, "is not a folder", {"folder": str(tmp_path / "nowhere")}),
        (BadFolder, "is not a folder", {"folder": str(bad)}),
        (BadFolder, "no labelled image", {"folder": str(empty)}),
        (BadFolder, "no folder that names their class", {"folder": str(tmp_path / "flat")}),
        (BadList, "columns a, b", {"folder": str(empty), "labels": str(bad)}),
        (BadList, "cannot be read", {"folder": str(empty), "labels": str(tmp_path / "no.csv")}),
        (BadList, "cannot be read", {"folder": str(empty), "labels": str(binary)}),
        (InputError, "no regular expression", {"folder": str(empty), "label_regex": "("}),
        (InputError, "no group", {"folder": str(empty), "label_regex": "x"}),
        (InputError, "either", {"folder": str(empty), "labels": "x", "label_regex": "(x)"}),
        (
            BadFolder,
            "1 file name does not",
            {"folder": str(tmp_path / "flat"), "label_regex": "(x)"},
        ),
    ]
    for kind, said, arguments in cases:
        with pytest.raises(kind, match=said):
            run_job(project, "import", **arguments)
    assert project.class_names() == []


@pytest.mark.skipif(os.name != "posix", reason="Windows does not allow such folder names")
def test_a_folder_that_cannot_be_a_class_is_refused(project: Project, tmp_path: Path) -> None:
    """A folder name that other systems do not allow stops the import before it begins."""
    write_folders(tmp_path / "in", {"good": 1, "what?": 1})
    with pytest.raises(BadClassName, match=r"what\?"):
        project.import_files(tmp_path / "in")
    assert project.class_names() == []


def test_hidden_files_and_folders_are_left_alone(project: Project, tmp_path: Path) -> None:
    """What other programs keep beside the pictures is no class and no image."""
    root = write_folders(tmp_path / "in", {"cat": 2})
    write_picture(root / ".thumbnails" / "00.png", 40)
    write_picture(root / "cat" / "._00.png", 41)
    (root / "cat" / "notes.txt").write_text("no picture")
    answer = project.import_files(root)
    assert answer.files == 2
    assert project.class_names() == ["cat"]


def test_formats_and_modes_arrive_as_they_are(project: Project, tmp_path: Path) -> None:
    """JPEG, WebP, GIF, BMP and TIFF in several modes are taken byte for byte."""
    folder = tmp_path / "in" / "cat"
    folder.mkdir(parents=True)
    for number, (form, mode) in enumerate(
        [("JPEG", "L"), ("WEBP", "RGBA"), ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "CMYK")]
    ):
        image: Image.Image = picture(number).convert(mode)
        (folder / f"{number}.{form.lower()}").write_bytes(encoded(image, form))
    answer = project.import_files(tmp_path / "in")
    assert (answer.images, answer.failed) == (5, 0)
    assert set(table(project)["format"]) == {"JPEG", "WEBP", "GIF", "BMP", "TIFF"}
    stored = {path.read_bytes() for path in project.originals.rglob("*.*")}
    assert stored == {path.read_bytes() for path in folder.iterdir()}
