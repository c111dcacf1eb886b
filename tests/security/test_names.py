"""Names and links that lead elsewhere or nowhere cost one file, never the import or the export."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from curator.cli import run
from curator.collect.imports.labels import image_files
from curator.deliver.folder import plan
from curator.errors import BadClassName, BadFolder
from curator.project import Project
from curator.store import schema
from curator.store.class_names import LONGEST_BYTES, validated_name
from tests.pictures import encoded, picture, write_picture
from tests.running import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="names are made of bytes on POSIX")
bytes_names = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has names that are no UTF-8"
)
BAD = os.fsdecode(b"b\xe4r.png")  # Latin-1


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Give an empty project with the class `bear`."""
    with Project.create(tmp_path / "project", ["bear"]) as made:
        yield made


def origins(project: Project) -> list[str]:
    """Give where its images are from."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT origin FROM sources WHERE image_id IS NOT NULL ORDER BY origin"
        )
        return [row[0] for row in rows]


@bytes_names
@pytest.mark.parametrize("how", [{}, {"label_regex": "^()"}, {"class_name": "bear"}])
def test_a_name_that_is_no_utf8(how: dict[str, str], project: Project, tmp_path: Path) -> None:
    """In a folder it is refused by itself, as is all in a folder of such a name."""
    root = tmp_path / "pictures"
    write_picture(root / "bear" / "1.png", 1)
    write_picture(root / "bear" / BAD, 2)
    write_picture(root / os.fsdecode(b"b\xe4ren") / "3.png", 3)
    how = {**how, "label_regex": r"^(\d)"} if "label_regex" in how else how
    answer = run_job(project, "import", folder=str(root), **how)
    assert (answer.images, answer.refused) == (1, 2)
    assert origins(project) == ["bear/1.png"]
    for refused in answer.refusals:
        refused.name.encode()
        assert "\\udce4" in refused.name
        assert "not UTF-8" in refused.problem


@bytes_names
def test_such_a_file_or_folder_by_itself(project: Project, tmp_path: Path) -> None:
    """Named on the command line it is refused beside the others; alone, with an error by name."""
    good, bad = tmp_path / "1.png", tmp_path / BAD
    write_picture(good, 1)
    write_picture(bad, 2)
    answer = run_job(project, "import", things=[str(bad), str(good)], class_name="bear")
    assert (answer.images, answer.refused) == (1, 1)
    folder = tmp_path / os.fsdecode(b"\xff")
    write_picture(folder / "bear" / "1.png", 3)
    for how in ({"things": [str(bad)], "class_name": "bear"}, {"folder": str(folder)},
                {"folder": str(folder), "label_regex": r"(.)\.png"}):  # fmt: skip
        with pytest.raises(BadFolder, match="UTF-8") as caught:
            run_job(project, "import", **how)
        str(caught.value).encode()
    with project.database.read() as connection:
        states = [row[0] for row in connection.exec_driver_sql("SELECT state FROM jobs")]
    assert states == ["done", "failed", "failed", "failed"]


@bytes_names
def test_a_list_and_an_upload_of_such_names(project: Project, tmp_path: Path) -> None:
    """A list's name is kept written out; an uploaded file is refused by itself."""
    path = tmp_path / os.fsdecode(b"l\xefste.txt")
    path.write_text("https://example.org/1.jpg\n")
    assert project.add("bear", path).new == 1
    upload = project.path / "uploads" / "0123456789abcdef"
    write_picture(upload / BAD, 1)
    write_picture(upload / "2.png", 2)
    answer = run_job(project, "import", upload=upload.name, class_name="bear")
    assert (answer.images, answer.refused) == (1, 1)


@bytes_names
def test_such_an_argument_is_an_error_by_name(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be kept is told, without a traceback and without its bytes."""
    write_picture(project.path.parent / "1.png", 1)
    run_job(project, "import", things=[str(project.path.parent / "1.png")], class_name="bear")
    assert run(["decide", str(project.path), "1", "--keep", "--by", os.fsdecode(b"J\xfcrgen")]) == 2
    said = capsys.readouterr().err
    assert "not UTF-8" in said
    said.encode()


def test_a_zip_with_such_a_name(project: Project, tmp_path: Path) -> None:
    """A name that is said to be UTF-8 and is not refuses that member; the rest is taken in."""
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(("1.png", "b\u00e4r.png", "3.png")):
            archive.writestr(f"bear/{name}", encoded(picture(number)))
    data = path.read_bytes()
    assert data.count("b\u00e4r".encode()) == 2
    path.write_bytes(data.replace("b\u00e4r".encode(), b"b\xe4\xe4r"))
    answer = run_job(project, "import", things=[str(path)])
    assert (answer.images, answer.refused) == (2, 1)
    assert origins(project) == ["bear/1.png", "bear/3.png"]
    assert "not UTF-8" in answer.refusals[0].problem


@posix
def test_links_are_not_followed_out_of_the_folder(project: Project, tmp_path: Path) -> None:
    """Links to files and folders outside, and circles, are refused one by one; inside they hold."""
    secret = write_picture(tmp_path / "secret" / "bear" / "passport.png", 1)
    root = tmp_path / "pictures"
    real = write_picture(root / "bear" / "real.png", 2)
    (root / "bear" / "out.png").symlink_to(secret)
    (root / "bear" / "inside.png").symlink_to(real)
    (root / "bear" / "hop.png").symlink_to(root / "bear" / "out.png")
    (root / "bear" / "circle.png").symlink_to(root / "bear" / "circle.png")
    (root / "bear" / "nowhere.png").symlink_to(root / "bear" / "gone.png")
    (root / "cat").symlink_to(secret.parent, target_is_directory=True)
    (root / "dog").symlink_to(root / "bear", target_is_directory=True)
    (root / "bear" / "up").symlink_to(root, target_is_directory=True)
    (root / "wolf").symlink_to("/", target_is_directory=True)
    answer = run_job(project, "import", folder=str(root))
    assert origins(project) == ["bear/inside.png", "bear/real.png"]
    refused = {item.name: item.problem for item in answer.refusals}
    assert set(refused) == {
        "bear/out.png", "bear/hop.png", "bear/circle.png", "bear/nowhere.png",
        "cat", "dog", "bear/up", "wolf",
    }  # fmt: skip
    assert "leads out" in refused["bear/out.png"]
    assert "leads out" in refused["bear/hop.png"]
    assert "link to a folder" in refused["cat"]


@posix
def test_a_folder_that_is_a_link_itself_is_imported(project: Project, tmp_path: Path) -> None:
    """The folder that the user names may be a link: that is what they asked for."""
    write_picture(tmp_path / "real" / "bear" / "1.png", 1)
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert run_job(project, "import", folder=str(tmp_path / "link")).images == 1
    assert image_files(tmp_path / "link") == (["bear/1.png"], [])


@pytest.mark.parametrize(
    "name",
    [
        "熊" * 81,
        "🐻" * 61,
        "CON",
        "con.bears",
        "con .bears",
        "LPT9",
        "COM\u00b9",
        "CONIN$",
        "a" * 101,
    ],
)
def test_a_name_that_some_file_system_refuses_makes_no_class(name: str, project: Project) -> None:
    """Long in bytes, or reserved by Windows: refused when the class is made, by any way."""
    for make in (
        project.add_class,
        project.new_class,
        lambda new: project.rename_class("bear", new),
    ):
        with pytest.raises(BadClassName, match="cannot be a class name"):
            make(name)
    assert project.class_names() == ["bear"]


def test_the_longest_name_can_be_exported(small: Project, tmp_path: Path) -> None:
    """As many bytes as a class name may have are a folder's name."""
    name = "熊" * (LONGEST_BYTES // 3)
    assert validated_name(name) == name
    small.rename_class("owl", name)
    small.export(tmp_path / "out")
    assert any((tmp_path / "out" / "train" / name).iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("熊" * 90, "270 bytes"),
        ("NUL", "Windows reserves"),
        ("\u00c4", "only by case"),  # beside the class \u00e4
        ("a\u0308", "folder everywhere"),  # the same letter as \u00e4, in two characters
        ("ends.", "dot"),
        ("ends ", "folder everywhere"),
        ("e\u0301", "folder everywhere"),
        ("../../../etc", "dot"),
        ("/etc", "holds /"),
        ("a\\b", "holds"),
        ("", "empty"),
    ],
)
def test_a_class_of_an_old_project(name: str, problem: str, small: Project, tmp_path: Path) -> None:
    """An export says which class it is and how to rename it; nothing is written anywhere."""
    with small.database.write() as connection:
        table = schema.classes
        # Not as `add_classes` would: an older version, or another program, wrote it.
        connection.execute(update(table).where(table.c.name == "owl").values(name=name))
        connection.execute(update(table).where(table.c.name == "dog").values(name="\u00e4"))
    assert len(plan(small)) == 30  # the page still shows what would be written
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(BadClassName, match=problem) as caught:
        small.export(tmp_path / "out")
    assert "rename-class" in caught.value.fix
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    if name:
        small.rename_class(name, "renamed")
        small.export(tmp_path / "out")
        assert (tmp_path / "out" / "train" / "renamed").is_dir()


def test_two_images_whose_short_names_meet(small: Project) -> None:
    """Files that would get one name, by the first 16 digits of their hashes, get the whole one."""
    with small.database.write() as connection:
        table = schema.images
        for image_id, end in ((1, "0"), (2, "1")):
            digest = "ab" * 8 + end * 48
            connection.execute(update(table).where(table.c.id == image_id).values(sha256=digest))
    names = plan(small)["file_name"]
    assert names.is_unique
    assert names.str.contains("ab" * 8 + "0" * 48).sum() == 1
