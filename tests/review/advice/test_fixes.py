"""Suggested fixes: what is in them, that they change nothing unasked, and one undo takes back."""

from __future__ import annotations

import pytest

from curator.errors import InputError
from curator.project import Project
from curator.review.advice.fixes import KINDS, Suggestion, apply, suggestions
from curator.sample.digits import Item


def states(project: Project) -> dict[int, tuple[int, str]]:
    """Give class and state of every image."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT image_id, class_id, state FROM current").all()
    return {row.image_id: (row.class_id, row.state) for row in rows}


def found(project: Project, key: str) -> Suggestion:
    """Give the one suggestion of that kind."""
    (one,) = [item for item in suggestions(project) if item.key == key]
    return one


def make_copies(project: Project, label: str) -> list[int]:
    """Make the first three images of a class one group, the first two of them the same pixels."""
    table = project.rank()
    ids = sorted(table[table["label"] == label]["image_id"].tolist())[:3]
    with project.database.write() as connection:
        listed = ", ".join(map(str, ids))
        connection.exec_driver_sql(
            f"UPDATE images SET group_id = {ids[0]}, bytes = 1000 - id WHERE id IN ({listed})"
        )
        connection.exec_driver_sql(
            "UPDATE images SET (phash, sharpness, dark_score, light_score, low_information_score,"
            " blurry_score, width, height) = (SELECT phash, sharpness, dark_score, light_score,"
            " low_information_score, blurry_score, width, height FROM images AS first"
            f" WHERE first.id = {ids[0]}) WHERE id = {ids[1]}"
        )
        connection.exec_driver_sql(f"UPDATE images SET sharpness = 0 WHERE id = {ids[2]}")
    return ids


def test_nothing_changes_before_it_is_asked_for(sample_copy: Project) -> None:
    """Listing is reading: every preview is of images that are there, and states stay."""
    before = states(sample_copy)
    listed = suggestions(sample_copy)
    assert {item.key for item in listed} >= {"near-duplicates", "labels"}
    for item in listed:
        assert 0 < len(item.preview) == min(24, item.images)
        assert set(item.preview) <= set(before)
        assert all((item.title, item.why, item.action))
    assert states(sample_copy) == before


def test_a_batch_is_undone_in_one_step(sample_copy: Project) -> None:
    """Every kind that there is: applied, gone from the list, and back after one undo."""
    for item in suggestions(sample_copy):
        before = states(sample_copy)
        decided = apply(sample_copy, item.key, by="someone")
        assert len(decided.image_ids) == item.images
        changed = {i for i, now in states(sample_copy).items() if now != before[i]}
        assert changed == set(decided.image_ids)
        assert item.key not in {other.key for other in suggestions(sample_copy)}
        sample_copy.undo()
        assert states(sample_copy) == before


def test_unticked_images_are_left_out(sample_copy: Project) -> None:
    """What the user unticked stays as it is; the rest is applied."""
    item = found(sample_copy, "labels")
    spared = item.preview[:2]
    decided = apply(sample_copy, "labels", leave_out=spared)
    assert len(decided.image_ids) == item.images - 2
    assert not set(spared) & set(decided.image_ids)


@pytest.mark.slow
def test_contradicted_labels_are_right_on_the_sample(
    sample_copy: Project, sample_items: dict[str, Item]
) -> None:
    """Of the images that show a class, at least nine of ten get the one that they show."""
    source = sample_copy.rank().set_index("image_id")["source"]
    decided = apply(sample_copy, "labels")
    label = sample_copy.rank().set_index("image_id")["label"]
    truth = {i: sample_items["/" + source[i].split("/", 3)[3]].truth for i in decided.image_ids}
    right = [truth[i] == label[i] for i in decided.image_ids if truth[i] is not None]
    assert len(right) >= 10
    assert sum(right) >= 0.9 * len(right)


def test_of_copies_the_best_stays(sample_copy: Project) -> None:
    """Same pixels are copies and what else is in the group only near; most bytes stay."""
    first, second, third = make_copies(sample_copy, "three")
    assert first < second
    assert found(sample_copy, "copies").preview == (second,)
    assert third in found(sample_copy, "near-duplicates").preview
    assert apply(sample_copy, "copies").image_ids == (second,)


def test_what_a_person_decided_is_not_touched(sample_copy: Project) -> None:
    """A kept copy stays and makes the better file the spare one; an unsure one is let alone."""
    first, second, third = make_copies(sample_copy, "three")
    sample_copy.decide([second], "keep")
    assert found(sample_copy, "copies").preview == (first,)
    sample_copy.decide([first], "unsure")
    assert "copies" not in {item.key for item in suggestions(sample_copy)}
    before = states(sample_copy)
    for key in KINDS:
        apply(sample_copy, key)
    after = states(sample_copy)
    assert [after[i] for i in (first, second)] == [before[i] for i in (first, second)]
    assert after[third][1] == "deleted"


def test_copies_under_two_classes_are_left_to_a_person(sample_copy: Project) -> None:
    """Which label is right cannot be told from the pixels."""
    first, _, third = make_copies(sample_copy, "three")
    with sample_copy.database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE current SET class_id = class_id % 3 + 1 WHERE image_id = {first}"
        )
    assert "copies" not in {item.key for item in suggestions(sample_copy)}
    near = found(sample_copy, "near-duplicates").preview
    assert third not in near


def test_empty_images_and_images_of_no_class_go_to_the_trash(small: Project) -> None:
    """Without a run there are suggestions, too: plain grounds, and what a person marked."""
    assert suggestions(small) == []
    with small.database.write() as connection:
        connection.exec_driver_sql("UPDATE images SET low_information_score = 0.01 WHERE id = 3")
    small.decide([5, 7], "none")
    assert {item.key: item.preview for item in suggestions(small)} == {
        "no class": (5, 7),
        "empty": (3,),
    }
    assert apply(small, "no class").image_ids == (5, 7)
    assert states(small)[5][1] == "deleted"
    assert suggestions(small)[0].action == "Put them in the trash"


def test_an_unknown_suggestion_is_named(small: Project) -> None:
    """The error lists what there is; a kind with nothing to do changes nothing."""
    with pytest.raises(InputError, match="'blurr' is no suggestion"):
        apply(small, "blurr")
    assert apply(small, "copies").batch == 0
