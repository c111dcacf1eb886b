"""Versions: the data set of a day, exported and compared for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from curator.errors import InputError, NotEnoughData, ProjectAltered, UnknownVersion
from curator.store import schema
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def test_an_export_of_a_version_never_changes(checked: Project, tmp_path: Path) -> None:
    """Whatever is decided, renamed or added later: manifest, pictures and card stay, byte by byte.

    An export of the data set as it is differs.
    """
    checked.decide([1], "relabel", "owl")
    checked.decide([2, 3], "delete")
    tagged = checked.tag_version("v1")
    assert (tagged.images, checked.versions()) == (28, [tagged])
    checked.export(tmp_path / "first", version="v1")
    checked.undo(steps=2)
    checked.decide([10], "delete")
    checked.rename_class("cat", "tiger")
    checked.merge_classes("dog", "owl")
    checked.import_files(write_folders(tmp_path / "more", {"tiger": 14}))
    checked.check()
    report = checked.export(tmp_path / "later", version="V1")
    assert (report.version, report.images) == ("v1", 28)
    first, later = tmp_path / "first", tmp_path / "later"
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*.*"))
    assert names == sorted(path.relative_to(later).as_posix() for path in later.rglob("*.*"))
    assert len(names) == 30
    for name in names:
        assert (first / name).read_bytes() == (later / name).read_bytes()
    checked.export(tmp_path / "now")
    assert (tmp_path / "now/manifest.csv").read_bytes() != (first / "manifest.csv").read_bytes()


def test_the_difference_of_two_versions(checked: Project, tmp_path: Path) -> None:
    """What was added, deleted, relabelled or went to the other side, each with before and after."""
    checked.tag_version("a")
    assert checked.diff_versions("a").changes == ()
    checked.decide([1], "relabel", "owl")
    checked.decide([2], "delete")
    checked.import_files(write_folders(tmp_path / "more", {"cat": 31}))
    checked.check()
    with checked.database.write() as connection:
        table = schema.images
        other = {"train": "valid", "valid": "train"}
        row = connection.execute(table.select().where(table.c.id == 5)).one()
        connection.execute(update(table).where(table.c.id == 5).values(split=other[row.split]))
    checked.tag_version("b")
    found = checked.diff_versions("A", "b")
    assert (found.before, found.after) == ("a", "b")
    said = [(item.change, item.image_id, item.before, item.after) for item in found.changes]
    assert said == [
        ("added", 31, "", "cat"),
        ("deleted", 2, "cat", ""),
        ("relabelled", 1, "cat", "owl"),
        ("split", 5, row.split, other[row.split]),
    ]
    assert found.counts == {"added": 1, "deleted": 1, "relabelled": 1, "split": 1}
    assert json.loads(json.dumps(found.to_dict()))["changes"][0]["image_id"] == 31
    back = checked.diff_versions("b", "a")
    assert [item.change for item in back.changes] == ["added", "deleted", "relabelled", "split"]


def test_a_run_names_its_version(sample_copy: Project) -> None:
    """The version of the very data that a run learnt from, tagged before it or after."""
    assert sample_copy.runs()["version"].tolist() == [None]
    sample_copy.tag_version("learnt")
    assert sample_copy.runs()["version"].tolist() == ["learnt"]
    sample_copy.decide([1], "delete")
    sample_copy.tag_version("newer")
    assert sample_copy.runs()["version"].tolist() == ["learnt"]


def test_names_that_are_none(checked: Project) -> None:
    """A name that could be mistaken, or become a path or a formula, is refused."""
    for name in ("", "now", "../x", "a b", "-x", "=1", "x" * 65, "a\n"):
        with pytest.raises(InputError, match="cannot be the name of a version"):
            checked.tag_version(name)
    assert checked.versions() == []


@pytest.mark.slow
def test_wrong_use_is_told(small: Project, tmp_path: Path) -> None:
    """Before a check, a name twice, a version that is not there: each error says what to do."""
    with pytest.raises(NotEnoughData, match=r"30 images have no split yet.*curator check"):
        small.tag_version("v1")
    small.check()
    small.tag_version("v1")
    with pytest.raises(InputError, match="'v1' already, and versions never change"):
        small.tag_version("V1")
    with pytest.raises(UnknownVersion, match="no version 'v2'; the newest are: v1"):
        small.export(tmp_path / "out", version="v2")
    with pytest.raises(UnknownVersion):
        small.diff_versions("v1", "v2")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE version_images SET split = '../..'",
        "UPDATE version_images SET label = '../../x'",
        "UPDATE sources SET origin = 'https://other.example/' WHERE id = 1",
        "UPDATE versions SET facts = '[[[[[['",
        """UPDATE versions SET facts = '{"left_out": "all"}'""",
    ],
    ids=["split", "label", "source", "facts", "other facts"],
)
def test_an_altered_version_is_refused(checked: Project, tmp_path: Path, statement: str) -> None:
    """A project from elsewhere may hold anything: nothing is written of it, and nowhere else."""
    checked.tag_version("v1")
    with checked.database.write() as connection:
        connection.execute(text(statement))
    with pytest.raises(ProjectAltered, match=r"[vV]ersion 'v1'"):
        checked.export(tmp_path / "out", version="v1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]
