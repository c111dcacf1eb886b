"""Classes made, renamed and merged during a review, and what comes in under them later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.check.conflicts import listed_under
from curator.collect.failures import report
from curator.collect.http.client import FetchSettings
from curator.errors import BadClassName, InputError, NothingToRedo, NothingToUndo, UnknownClass
from curator.sample.digits import Item
from curator.sample.server import serving
from curator.store import class_changes, schema
from curator.store.class_names import LONGEST_NAME
from curator.store.classes import find_class, merged_ids, names_by_id
from tests.pictures import encoded, picture, write_folders
from tests.store.made_up import derived_current, kept_current, ledger_rows

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

pytestmark = pytest.mark.on_server_too


def sizes(project: Project) -> dict[str, int]:
    """Give the number of images of each class that has some, left-out ones too."""
    kept = kept_current(project.database)
    assert kept == derived_current(project.database)
    with project.database.read() as connection:
        names = names_by_id(connection)
    labels = [names[int(str(row[1]))] for row in kept if row[2] != schema.WITHDRAWN]
    return {name: labels.count(name) for name in names.values() if name in labels}


def test_a_merge_moves_every_image_with_its_state(small: Project) -> None:
    """All images of the class are the other's, deleted ones too, and one undo brings all back."""
    small.decide([23, 24], "delete")  # owls
    small.decide([25], "keep")
    before = kept_current(small.database)
    merged = small.merge_classes("owl", "DOG", by="ada")
    assert (merged.what, len(merged.image_ids)) == ("merged owl into dog", 8)
    assert sizes(small) == {"cat": 12, "dog": 18}
    assert [row[2] for row in kept_current(small.database)] == [row[2] for row in before]
    assert small.class_names() == ["cat", "dog"]
    small.undo()
    assert [row[:3] for row in kept_current(small.database)] == [row[:3] for row in before]
    assert small.class_names() == ["cat", "dog", "owl"]


def test_chains_of_merges_are_followed_and_undone(small: Project) -> None:
    """A class merged into one that is merged in turn ends in the last, and undo goes back."""
    small.merge_classes("owl", "dog")
    small.merge_classes("dog", "cat")
    assert sizes(small) == {"cat": 30}
    with small.database.read() as connection:
        assert merged_ids(connection) == {3: 1, 2: 1}
    small.undo()
    assert sizes(small) == {"cat": 12, "dog": 18}
    small.undo()
    assert sizes(small) == {"cat": 12, "dog": 10, "owl": 8}


def test_a_label_may_be_a_name_from_before_a_rename(small: Project) -> None:
    """Old names mean the one class that ever had them; where there were two, the error says so."""
    small.rename_class("owl", "barn owl")
    small.decide([1], "relabel", "Owl")
    assert sizes(small) == {"cat": 11, "dog": 10, "barn owl": 9}
    small.undo(2)
    small.decide([1], "relabel", "barn owl")  # a name that was taken back
    assert sizes(small) == {"cat": 11, "dog": 10, "owl": 9}
    small.rename_class("owl", "bird")
    small.rename_class("dog", "owl")
    small.decide([2], "relabel", "owl")  # what a name means now comes first
    assert sizes(small) == {"cat": 10, "owl": 11, "bird": 9}
    small.rename_class("owl", "dog")
    with pytest.raises(UnknownClass, match="'owl'"):
        small.decide([3], "relabel", "owl")
    small.merge_classes("bird", "cat")
    with pytest.raises(UnknownClass, match="'owl'"):
        small.decide([3], "relabel", "owl")
    with pytest.raises(UnknownClass, match=r"'bird' was merged into 'cat'"):
        small.decide([3], "relabel", "bird")


def test_the_name_of_a_merged_class_is_free(small: Project) -> None:
    """A new class may have it; undoing everything gives it back to the first."""
    small.merge_classes("owl", "dog")
    small.new_class("Owl")
    assert small.class_names() == ["cat", "dog", "Owl"]
    small.undo(2)
    assert small.class_names() == ["cat", "dog", "owl"]
    with small.database.read() as connection:
        assert list(names_by_id(connection).values())[:3] == ["cat", "dog", "owl"]
    small.new_class("Owl2")
    small.undo()
    small.new_class("owl2")
    assert small.class_names()[-1] == "owl2"


def test_a_name_that_was_taken_meanwhile_gets_a_number(small: Project) -> None:
    """A class made outside the ledger keeps its name; what undo brings back is numbered, and said.

    Nothing is stuck: further undo and redo go on.
    """
    small.rename_class("owl", "bird")
    small.add_class("Owl")
    (undone,) = small.undo()
    assert undone.what == (
        "renamed owl to bird; it is called owl 2 now, since owl is another class"
    )
    assert small.class_names() == ["cat", "dog", "owl 2", "Owl"]
    small.redo()
    assert small.class_names() == ["cat", "dog", "bird", "Owl"]
    long = "x" * LONGEST_NAME
    small.undo()
    small.rename_class("owl 2", long)
    small.merge_classes(long, "dog")
    small.add_class(long)
    small.undo()
    assert small.class_names()[2] == long[:-2] + " 2"


def test_a_class_in_use_stays_when_its_making_is_undone(small: Project) -> None:
    """With images or addresses it stays, the answer says why, and older acts can be undone."""
    small.decide([1], "keep")
    small.new_class("bee")
    small.add("bee", "https://pictures.example/1.jpg")
    (undone,) = small.undo()
    assert undone.what == "made the class bee, which stays because it has images or addresses"
    assert small.class_names()[-1] == "bee"
    assert [item.image_ids for item in small.undo()] == [(1,)]
    with pytest.raises(NothingToUndo):
        small.undo()
    assert len(small.redo(9)) == 2
    assert small.class_names()[-1] == "bee"


def test_wrong_changes_record_nothing(small: Project) -> None:
    """Each wrong change has an error of its own, and the ledger stays empty."""
    database = small.database
    with pytest.raises(BadClassName, match="is there already"):
        small.new_class("owl")
    with pytest.raises(BadClassName, match="only by case"):
        small.rename_class("owl", "Cat")
    with pytest.raises(BadClassName, match="it is empty"):
        small.rename_class("owl", "  ")
    with pytest.raises(InputError, match="into itself"):
        small.merge_classes("owl", "OWL")
    for class_id in (0, 9, 2**63, 10**30):
        with pytest.raises(UnknownClass, match=str(class_id)):
            class_changes.merge(database, class_id, 1)
        with pytest.raises(UnknownClass, match=str(class_id)):
            class_changes.merge(database, 1, class_id)
        with pytest.raises(UnknownClass, match=str(class_id)):
            class_changes.rename(database, class_id, "bee")
    assert small.rename_class("owl", "owl").batch == 0
    assert ledger_rows(database) == []


def test_a_class_that_is_gone_cannot_be_used(small: Project) -> None:
    """A merged class takes neither decisions nor changes, and the error says what it became."""
    small.merge_classes("owl", "dog")
    small.rename_class("dog", "hound")
    with pytest.raises(UnknownClass, match="'owl' was merged into 'hound'"):
        small.decide([1], "relabel", "Owl")
    with pytest.raises(UnknownClass, match="id 3"):
        class_changes.rename(small.database, 3, "bee")
    with pytest.raises(UnknownClass, match="id 3"):
        class_changes.merge(small.database, 1, 3)


def test_a_name_may_change_its_case(small: Project) -> None:
    """Renaming a class to its own name in another case is a change like any other."""
    assert small.rename_class("owl", "Owl").what == "renamed owl to Owl"
    with small.database.read() as connection:
        assert find_class(connection, "OWL").name == "Owl"
    small.undo()
    assert small.class_names()[-1] == "owl"


@pytest.mark.slow
def test_what_is_imported_later_comes_in_where_its_class_went(
    small: Project, tmp_path: Path
) -> None:
    """Files of a merged class, imported again or new, are images of what it was merged into.

    The import came after the merges and is undone before them. Redone together, they end as they
    were; an import in between is a new act, which ends what could be redone.
    """
    small.merge_classes("owl", "dog", by="ada")
    small.merge_classes("dog", "cat", by="bo")
    more = write_folders(tmp_path / "more", {"Owl": 3}, start=200)
    small.import_files(more)
    assert sizes(small) == {"cat": 33}
    assert small.log(9)["action"].tolist() == ["import"] * 3 + ["merge"] * 6
    assert small.log(9)["by"].tolist()[3:] == ["bo"] * 3 + ["ada"] * 3
    assert [small.undo()[0].what, sizes(small)] == ["the import of 3 images", {"cat": 30}]
    small.undo()
    assert sizes(small) == {"cat": 12, "dog": 18}
    small.undo()
    assert sizes(small) == {"cat": 12, "dog": 10, "owl": 8}
    small.redo(3)
    assert sizes(small) == {"cat": 33}
    small.undo(3)
    small.import_files(write_folders(tmp_path / "late", {"owl": 2}, start=300))
    assert sizes(small) == {"cat": 12, "dog": 10, "owl": 10}
    with pytest.raises(NothingToRedo):
        small.redo()


def test_a_new_class_of_a_merged_name_is_a_new_class(small: Project, tmp_path: Path) -> None:
    """Whoever asks for a new class of that name gets it; the merge stays as it is."""
    small.merge_classes("owl", "dog")
    folder = write_folders(tmp_path / "more", {"x": 2}, start=200)
    small.import_files(folder / "x", class_name="owl", new_class=True)
    assert sizes(small) == {"cat": 12, "dog": 18, "owl": 2}


def test_addresses_still_to_be_fetched_follow_too(small: Project) -> None:
    """What was listed for a class before it was merged arrives in the class that it became.

    Adding the same addresses to that class adds nothing, as they are its own now.
    """
    items = [Item(f"/{n}.png", "owl", None, "", encoded(picture(300 + n))) for n in range(3)]
    with serving(items) as served:
        addresses = "\n".join(served.addresses("owl"))
        small.add("owl", addresses)
        small.merge_classes("owl", "dog")
        assert (small.add("dog", addresses).new, small.preview("cat", addresses).new) == (0, 3)
        small.fetch(FetchSettings(allow_private=True))
    assert sizes(small) == {"cat": 12, "dog": 21}
    small.undo()
    assert sizes(small) == {"cat": 12, "dog": 10, "owl": 11}


def test_classes_made_one_are_no_conflict(small: Project, tmp_path: Path) -> None:
    """An image listed under two classes is in conflict until these are merged."""
    root = write_folders(tmp_path / "again", {"owl": 1})  # the first cat, now as an owl
    small.import_files(root)
    with small.database.read() as connection:
        assert listed_under(connection) == {1: ["cat", "owl"]}
    assert [group.count for group in report(small, "owl")] == [1]
    small.merge_classes("owl", "dog")
    with small.database.read() as connection:
        assert listed_under(connection) == {1: ["cat", "dog"]}
    small.merge_classes("dog", "cat")
    with small.database.read() as connection:
        assert listed_under(connection) == {}
    (group,) = report(small, "cat")
    assert (group.count, group.examples[0].detail.endswith("of another class")) == (1, False)


def test_the_log_of_classes(small: Project) -> None:
    """It has one row an act, newest first, with the names before and after."""
    small.new_class("bee", by="ada")
    small.rename_class("bee", "wasp")
    small.merge_classes("wasp", "owl")
    table = class_changes.log(small.database)
    assert table["action"].tolist() == ["merge", "rename", "new class"]
    assert table["name_after"].tolist() == ["wasp (merged 3)", "wasp", "bee"]
    assert table["merged_into"].tolist()[:1] == ["owl"]
    assert len(class_changes.log(small.database, 1)) == 1


def test_a_class_act_that_fails_leaves_nothing(small: Project) -> None:
    """When the disk or the database fails in the middle of a merge, nothing of it is kept."""
    if not small.database.is_file:
        pytest.skip("the trigger that fails is written in SQLite's language")
    with small.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE INSERT ON decisions WHEN NEW.image_id = 25 "
            "BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )
    with pytest.raises(Exception, match="no more"):
        small.merge_classes("owl", "dog")
    assert sizes(small) == {"cat": 12, "dog": 10, "owl": 8}
    assert ledger_rows(small.database) == []
    with small.database.read() as connection:
        names = connection.execute(schema.classes.select()).all()
    assert [(row.name, row.retired) for row in names] == [("cat", 0), ("dog", 0), ("owl", 0)]
