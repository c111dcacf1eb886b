"""Importing archives, single files and uploads: labels, where each image came from, and twice."""

from __future__ import annotations

import shlex
import zipfile
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from curator.collect.imports.job import uploads_of
from curator.errors import BadClassName, BadFolder, InputError, JobCancelled, UnknownClass
from curator.project import Project
from curator.store import schema
from tests.pictures import encoded, picture, write_folders, write_picture
from tests.running import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.jobs.progress import Progress

KEY = "0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make an empty project without classes."""
    with Project.create(tmp_path / "project") as made:
        yield made


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    """Pack a folder's files; ``prefix`` goes before their names."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def sources(project: Project) -> list[tuple[str, str, str, str]]:
    """Give (root, origin, class, state) of every source, in order."""
    table = schema.sources
    with project.database.read() as connection:
        rows = connection.execute(
            select(table.c.root, table.c.origin, schema.classes.c.name, table.c.state)
            .join(schema.classes, schema.classes.c.id == table.c.class_id)
            .order_by(table.c.id)
        )
        return [tuple(row) for row in rows]


def uploaded(project: Project) -> Path:
    """Make the folder of an upload."""
    folder = uploads_of(project) / KEY
    folder.mkdir(parents=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", "bears/", "train/"])
def test_folders_in_an_archive_name_the_classes(
    prefix: str, project: Project, tmp_path: Path
) -> None:
    """CLASS/image, the same below the one folder that was packed, and below a split."""
    path = zipped(write_folders(tmp_path / "in", {"cat": 2, "dog": 3}), tmp_path / "x.zip", prefix)
    answer = project.import_files(path)
    assert (answer.files, answer.images, answer.refused) == (5, 5, 0)
    assert project.status().classes == {"cat": 2, "dog": 3}
    root, origin, *_ = sources(project)[0]
    assert root.startswith("x.zip ")
    assert origin == f"{prefix}cat/00.png"


@pytest.mark.slow
def test_the_same_archive_again_adds_nothing(project: Project, tmp_path: Path) -> None:
    """Not even from another place; another archive of that name and those members is taken."""
    path = zipped(write_folders(tmp_path / "in", {"cat": 2}), tmp_path / "x.zip")
    project.import_files(path)
    before = sources(project)
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "x.zip"
    copy.write_bytes(path.read_bytes())
    answer = project.import_files(path, copy)
    assert answer.images == 0
    assert sources(project) == before
    zipped(write_folders(tmp_path / "in2", {"cat": 2}, start=50), copy)
    assert project.import_files(copy).images == 2


def test_everything_can_go_to_one_class(project: Project, tmp_path: Path) -> None:
    """Folders, archives and single files together; the class must be there, or be made."""
    folder = write_folders(tmp_path / "in", {"x": 2, "y": 1})
    archive = zipped(write_folders(tmp_path / "in2", {"z": 2}, start=20), tmp_path / "x.zip")
    single = write_picture(tmp_path / "one.png", 40)
    things = [str(folder), str(archive), str(single)]
    with pytest.raises(UnknownClass):
        project.import_files(*things, class_name="bear")
    answer = project.import_files(*things, class_name="bear", new_class=True)
    assert answer.images == 6
    assert project.status().classes == {"bear": 6}
    with pytest.raises(BadClassName, match="already"):
        project.import_files(*things, class_name="bear", new_class=True)


def test_hazards_are_told_and_the_good_members_go_on(project: Project, tmp_path: Path) -> None:
    """What is refused is in the answer by name; a broken member is a failed source."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", encoded(picture(1)))
        archive.writestr("../../evil.png", encoded(picture(2)))
        archive.writestr("cat/broken.png", encoded(picture(3))[:300])
        archive.writestr("cat/bomb.png", bytes(60_000_000))
        archive.writestr("no-folder.png", encoded(picture(4)))
    answer = project.import_files(path)
    assert (answer.images, answer.failed) == (1, 2)
    assert [item.name for item in answer.refusals] == [
        "x.zip: ../../evil.png",
        "x.zip: no-folder.png",
    ]
    assert project.status().addresses.failed == {"broken": 1, "too_big": 1}
    assert not list(tmp_path.rglob("evil.png"))


def test_what_cannot_be_imported_is_named(project: Project, tmp_path: Path) -> None:
    """A file without a class, no archive at all, a table for two folders."""
    single = str(write_picture(tmp_path / "one.png", 1))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04rubbish")
    folder = str(write_folders(tmp_path / "in", {"a": 1}))
    for error, said, arguments in [
        (BadFolder, "nothing names its class", {"things": [single]}),
        (BadFolder, r"bad\.zip is no zip", {"things": [str(tmp_path / "bad.zip")]}),
        (InputError, "one folder", {"things": [folder, folder], "labels": "x.csv"}),
        (InputError, "no upload", {"upload": "../../etc"}),
        (BadFolder, "are gone", {"upload": KEY}),
    ]:
        with pytest.raises(error, match=said):
            run_job(project, "import", **arguments)
    assert project.class_names() == []


def test_an_upload_is_taken_in_by_content_and_removed(project: Project, tmp_path: Path) -> None:
    """Endings do not matter; archives within are opened; the folder is gone afterwards."""
    project.add_class("bear")
    folder = uploaded(project)
    (folder / "picture").write_bytes(encoded(picture(1)))
    (folder / "no.jpg").write_bytes(b"no picture at all")
    (folder / "cut.zip").write_bytes(b"PK\x03\x04")
    zipped(write_folders(tmp_path / "in", {"x": 2}, start=9), folder / "packed.bin")
    answer = run_job(project, "import", upload=KEY, class_name="bear")
    assert (answer.images, answer.failed, answer.refused) == (3, 1, 1)
    assert not folder.exists()
    origins = {origin for _, origin, *_ in sources(project)}
    assert origins == {"picture", "no.jpg", "x/00.png", "x/01.png"}


def test_files_of_the_same_name_are_told_apart(project: Project) -> None:
    """Cameras begin anew with IMG_0001: another content is another file, the same is the same."""
    project.add_class("bear")
    for number in (1, 2, 1):
        (uploaded(project) / "IMG_0001.png").write_bytes(encoded(picture(number)))
        run_job(project, "import", upload=KEY, class_name="bear")
    assert project.status().images == 2
    assert [origin for _, origin, *_ in sources(project)] == ["IMG_0001.png"] * 2


def test_an_upload_with_folders_names_classes(project: Project) -> None:
    """Without a class the folders of what was dropped are the classes."""
    write_folders(uploaded(project) / "bears", {"black": 2, "brown": 1})
    run_job(project, "import", upload=KEY)
    assert project.status().classes == {"black": 2, "brown": 1}


@pytest.mark.slow
def test_a_cancelled_upload_can_be_taken_in_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder stays while the job has not ended well, and the rest comes at the second time."""
    # Every batch is reported: on a fast machine the first one would come too soon to be.
    monkeypatch.setattr("curator.jobs.progress.REPORT_SECONDS", 0.0)
    write_folders(uploaded(project), {"black": 70})

    def stop(progress: Progress) -> None:
        if progress.done:
            progress.cancel()

    with pytest.raises(JobCancelled):
        run_job(project, "import", stop, upload=KEY)
    assert (uploads_of(project) / KEY).is_dir()
    assert project.status().images == 32  # the batch that was in when it stopped
    run_job(project, "import", upload=KEY)
    assert project.status().images == 70
    assert not (uploads_of(project) / KEY).exists()


def test_class_folders_themselves_say_the_command_that_works(
    tmp_path: Path, project: Project
) -> None:
    """Folders of images without a class: what they hold, and what takes them in, which does."""
    root = write_folders(tmp_path / "my bears", {"black": 2, "teddy": 1})
    both = [root / "black", root / "teddy"]
    with pytest.raises(BadFolder) as caught:
        project.import_files(*both)
    assert (
        caught.value.problem == "black, teddy hold 3 images and no folder that names their class."
    )
    assert shlex.split(caught.value.fix)[-4:] == [
        "curator", "import", str(project.path), str(root)
    ]  # fmt: skip
    with pytest.raises(BadFolder, match="black holds 2 images and no folder that names"):
        project.preview_import(both[0])

    def words_for(folder: Path) -> list[str]:
        with pytest.raises(BadFolder) as refused:
            project.import_files(folder)
        return shlex.split(refused.value.fix.split(": ", 1)[1])

    command = words_for(both[0])
    assert command[:3] == ["curator", "import", str(project.path)]
    assert command[3:] == [str(both[0]), "--class", "black", "--new-class"]
    (root / "other").mkdir()  # the folder above holds more than what was asked for
    project.add_class("teddy")
    assert words_for(both[1])[4:] == ["--class", "teddy"]
    with pytest.raises(BadFolder, match=r"each with its class: .* --class black --new-class"):
        project.import_files(*both)
