"""Groups of near-duplicates: which are shown, what stays of them, one step of undo each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.errors import InputError
from curator.store import ledger

if TYPE_CHECKING:
    from curator.project import Project


def states(project: Project, ids: list[int]) -> list[str]:
    """Give the state of each image."""
    with project.database.read() as connection:
        now = ledger.current_of(connection, ids)
    return [now[i].state for i in ids]


def ids_of(project: Project) -> list[list[int]]:
    """Give the image ids of each group."""
    return [[image.id for image in group.images] for group in project.duplicate_groups()]


@pytest.mark.slow
def test_one_of_a_group_stays(sample_copy: Project) -> None:
    """The other goes into the trash; what stays is not confirmed by it; one undo brings it back."""
    groups = sample_copy.duplicate_groups()
    assert len(groups) == 10
    first = groups[0]
    assert [image.width for image in first.images] == [160, 140]
    assert not first.labels_differ
    assert first.images[0].source.startswith("http://")
    left, right = (image.id for image in first.images)
    done = sample_copy.keep_duplicates([right])
    assert (done.image_ids, done.what) == ((left,), "deleted")
    assert states(sample_copy, [left, right]) == ["deleted", "new"]
    assert len(ids_of(sample_copy)) == 9
    sample_copy.undo()
    assert ids_of(sample_copy)[0] == [left, right]
    single = set(sample_copy.queue("all").ids.tolist()) - {
        i for ids in ids_of(sample_copy) for i in ids
    }
    with pytest.raises(InputError, match="no near-duplicate"):
        sample_copy.keep_duplicates([left, min(single)])


def test_all_of_a_group_stay(sample_copy: Project) -> None:
    """Then it is no finding, no group, and in no queue, until undo or a bringing back."""
    (group, *others) = ids_of(sample_copy)
    done = sample_copy.keep_duplicates(group)
    assert done.what == "dismissed the finding near duplicates of 2 images"
    assert ids_of(sample_copy) == others
    assert not set(group) & set(sample_copy.queue("duplicates").ids.tolist())
    assert states(sample_copy, group) == ["new", "new"]
    with pytest.raises(InputError, match="in a step of its own"):
        sample_copy.keep_duplicates([*others[0], others[1][0]])
    assert sample_copy.undo()[0].what == done.what
    assert ids_of(sample_copy) == [group, *others]


def test_the_label_of_what_stays_is_right_where_labels_differ(sample_copy: Project) -> None:
    """Such a group comes first, is left by "the best of every group", and one is confirmed."""
    group = ids_of(sample_copy)[4]
    names = sample_copy.class_names()
    label = sample_copy.duplicate_groups(4, 5)[0].images[0].label
    sample_copy.decide(group[1:], "relabel", next(name for name in names if name != label))
    first = sample_copy.duplicate_groups(0, 1)[0]
    assert ([image.id for image in first.images], first.labels_differ) == (group, True)
    best = sample_copy.keep_best_duplicates()
    assert len(best.image_ids) == 9
    assert ids_of(sample_copy) == [group]
    sample_copy.keep_duplicates(group[:1])
    assert states(sample_copy, group) == ["kept", "deleted"]
    sample_copy.undo(2)
    assert len(ids_of(sample_copy)) == 10
