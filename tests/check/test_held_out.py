"""A test split that is drawn of images that have a split already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.check.splits import VALID_SHARE, assign, held_out
from curator.errors import InputError, NotEnoughData
from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.store.images import with_sources
from curator.store.schema import TEST, TRAIN, VALID
from tests.pictures import write_folders, write_picture

if TYPE_CHECKING:
    from pathlib import Path

FAST = InstantSettings(folds=3)


def splits_of(project: Project) -> dict[str, str]:
    """Give the split of every image by its content."""
    with project.database.read() as connection:
        rows = with_sources(connection)
    return dict(zip(rows["sha256"], rows["split"], strict=True))


@given(
    sizes=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=30), min_size=1, max_size=4),
    share=st.floats(0.01, 0.5),
)
def test_every_class_keeps_enough(sizes: list[list[int]], share: float) -> None:
    """Groups go whole, training and validation lose alike, and neither loses all of a class."""
    labels, groups, digests = [], [], []
    for label, own in enumerate(sizes):
        for number, size in enumerate(own):
            labels += [label] * size
            groups += [1000 * label + number] * size
            digests += [f"{label}-{number}-{member}" for member in range(size)]
    ids = list(range(len(labels)))
    before = assign(ids, labels, groups, digests, [None] * len(ids), 42, VALID_SHARE)
    splits = [before[key] for key in ids]
    live = [True] * len(ids)
    drawn = set(held_out(ids, labels, groups, digests, splits, live, 42, share))
    assert drawn == set(held_out(ids, labels, groups, digests, splits, live, 42, share))
    assert {groups[key] for key in drawn}.isdisjoint(groups[key] for key in ids if key not in drawn)
    for label in set(labels):
        own = [key for key in ids if labels[key] == label]
        assert len(drawn & set(own)) <= max(1, round(len(own) * share))
        kept = Counter(splits[key] for key in own if key not in drawn)
        assert set(kept) == {splits[key] for key in own}
        assert sum(kept.values()) >= min(2, len(own))


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_both_sides_give(share: float) -> None:
    """Of a hundred images the share comes from training and validation as they are."""
    ids = list(range(100))
    digests = [f"{key:064x}" for key in ids]
    before = assign(ids, [0] * 100, ids, digests, [None] * 100, 42, VALID_SHARE)
    splits = [before[key] for key in ids]
    drawn = held_out(ids, [0] * 100, ids, digests, splits, [True] * 100, 42, share)
    sides = Counter(splits[key] for key in drawn)
    assert len(drawn) == 100 * share
    assert abs(sides[VALID] - 20 * share) < 3


@pytest.mark.slow
def test_a_share_is_put_aside_judged_and_given_back(tmp_path: Path) -> None:
    """What was trained before cannot be judged on it; undo, redo and 0 give all back."""
    pictures = write_folders(tmp_path / "in", {"cat": 20, "dog": 20})
    write_picture(pictures / "cat/copy.png", 0, side=90)
    with Project.create(tmp_path / "p") as project:
        project.import_files(pictures)
        project.train(FAST)
        before = splits_of(project)
        planned = project.preview_test(0.2)
        assert splits_of(project) == before
        done = project.draw_test(0.2)
        assert (planned.moved, planned.classes, planned.batch) == (8, done.classes, 0)
        assert [(item.label, item.images, item.after) for item in done.classes] == [
            ("cat", 21, 4),
            ("dog", 20, 4),
        ]
        assert "8 images are put aside as a test: cat 4 of 21, dog 4 of 20." in done.sentence
        assert "would be put aside" in planned.sentence
        after = splits_of(project)
        assert {
            key: split for key, split in after.items() if split != TEST
        }.items() <= before.items()
        with pytest.raises(NotEnoughData, match="has learnt from 8 test images") as problem:
            project.evaluate()
        assert "Train again" in str(problem.value)
        run = project.train(FAST).run
        judged = project.evaluate()
        assert (judged.run, judged.quality["images"], judged.learnt) == (run, 8, 0)
        # The same again changes nothing; more is added, and judged of it is what is new to the run.
        assert (project.draw_test(0.2).batch, project.draw_test(0.2).moved) == (0, 0)
        assert project.draw_test(0.3).moved == 4
        fuller = project.evaluate()
        assert (fuller.quality["images"], fuller.learnt) == (8, 4)
        assert "4 more are left out: it learnt from them." in fuller.sentence
        # Images that come later are drawn from, too.
        project.import_files(write_folders(tmp_path / "more", {"cat": 20}, start=200))
        project.check()
        assert Counter(splits_of(project).values())[TEST] == 12 + 6
        project.undo(2)  # the import, and the second draw
        (undone,) = project.undo()
        assert undone.what == "put 8 images aside as a test"
        assert (project.test_share, splits_of(project).items() >= before.items()) == (0.0, True)
        (redone,) = project.redo()
        assert redone.what == undone.what
        assert (project.test_share, splits_of(project).items() >= after.items()) == (0.2, True)
        back = project.draw_test(0)
        assert "8 test images are for training and validation again." in back.sentence
        assert splits_of(project).items() >= before.items()
        (undone,) = project.undo()
        assert undone.what.startswith("gave ")


@pytest.mark.slow
def test_an_imported_test_set_stays(tmp_path: Path) -> None:
    """Its images are never given back; a share that `new` had drawn is."""
    write_folders(tmp_path / "in/train", {"cat": 20, "dog": 20})
    write_folders(tmp_path / "in/test", {"cat": 1, "dog": 6}, start=100)
    with Project.create(tmp_path / "p", test_share=0.2) as project:
        project.import_files(tmp_path / "in")
        assert project.preview_test(0).sentence.startswith("No image that was put aside")
        assert project.draw_test(0.2).moved == 3
        back = project.draw_test(0)
        assert "7 images of an imported test folder stay." in back.sentence
        assert Counter(splits_of(project).values())[TEST] == 7
    with Project.create(tmp_path / "q", test_share=0.2) as project:
        project.import_files(write_folders(tmp_path / "plain", {"cat": 20, "dog": 20}))
        project.check()
        back = project.draw_test(0)
        assert (back.moved, Counter(splits_of(project).values())) == (8, {TRAIN: 32, VALID: 8})


@pytest.mark.slow
def test_before_a_check_the_share_is_kept(tmp_path: Path) -> None:
    """Nothing has a split yet: the next check draws; no share can be more than a half."""
    with Project.create(tmp_path / "p") as project:
        project.import_files(write_folders(tmp_path / "in", {"cat": 20, "dog": 20}))
        assert "The next check puts 20% of each class aside" in project.draw_test(0.2).sentence
        (undone,) = project.undo()
        assert undone.what == "made the test's share 20%"
        project.draw_test(0.2)
        project.check()
        assert Counter(splits_of(project).values())[TEST] == 8
        with pytest.raises(InputError, match="put aside"):
            project.draw_test(0.6)


@pytest.mark.slow
def test_a_small_class_gives_one(tmp_path: Path) -> None:
    """Three images give one and keep two, and a class of two gives none."""
    with Project.create(tmp_path / "p") as project:
        project.import_files(write_folders(tmp_path / "in", {"cat": 3, "dog": 2}))
        project.check()
        project.decide([1], "delete")
        assert project.draw_test(0.15).moved == 0
        project.undo()
        project.undo()
        assert [item.after for item in project.draw_test(0.15).classes] == [1, 0]
