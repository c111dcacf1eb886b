"""The ledger: decisions, conflicts between reviewers, undo and redo."""

from __future__ import annotations

from collections import Counter

import pytest

from curator.errors import (
    InputError,
    NoRun,
    NothingToRedo,
    NothingToUndo,
    UnknownClass,
    UnknownImage,
    UnknownRun,
)
from curator.project import Project
from curator.store import ledger, ledger_log
from curator.store.ledger import Choice
from tests.store.made_up import derived_current, kept_current, ledger_rows

pytestmark = pytest.mark.on_server_too


def states(project: Project) -> dict[str, int]:
    """Give how many images are in each state, as the store keeps it and as the ledger says it."""
    kept = kept_current(project.database)
    assert kept == derived_current(project.database)
    return dict(Counter(str(row[2]) for row in kept))


def last_decisions(project: Project, *image_ids: int) -> dict[int, int | None]:
    """Give what a page shows of these images: the id of each one's last decision."""
    with project.database.read() as connection:
        found = ledger.current_of(connection, image_ids)
    return {image_id: row.decision_id for image_id, row in found.items()}


def test_a_decision_says_all_that_was_known(sample_copy: Project) -> None:
    """A row holds who, what, before, after, and the score and run that the reviewer saw."""
    row = sample_copy.rank(1).iloc[0]
    image_id, target = int(row["image_id"]), str(row["suggested_label"])
    sample_copy.decide([image_id], "relabel", target, by="ada")
    said = sample_copy.log(1).iloc[0]
    assert (said["by"], said["action"], said["image_id"]) == ("ada", "relabel", image_id)
    assert (said["label_before"], said["label_after"]) == (row["label"], target)
    assert (said["state_before"], said["state_after"]) == ("new", "kept")
    assert said["score"] == pytest.approx(row["label_score"], abs=1e-6)
    assert said["run_id"] == 1


def test_the_score_is_that_of_the_label_at_that_time(sample_copy: Project) -> None:
    """After a relabel the reviewer sees the new label's score, and the ledger records that one."""
    row = sample_copy.rank(1).iloc[0]
    image_id = int(row["image_id"])
    sample_copy.decide([image_id], "relabel", str(row["suggested_label"]))
    ranked = sample_copy.rank()
    seen = float(ranked.loc[ranked["image_id"] == image_id, "label_score"].iloc[0])
    assert seen > row["label_score"]
    sample_copy.decide([image_id], "unsure")
    assert sample_copy.log(1)["score"].iloc[0] == pytest.approx(seen, abs=1e-6)


def test_an_unknown_run_records_nothing(sample_copy: Project) -> None:
    """A decision that cites a run which there is not is refused."""
    with pytest.raises(UnknownRun, match="There is no run 7"):
        sample_copy.decide([1], "keep", run_id=7)
    assert sample_copy.log().empty


def test_the_same_decision_twice_is_one(small: Project) -> None:
    """A second click records nothing, and so one undo takes the decision back."""
    first = small.decide([1, 2], "delete")
    second = small.decide([2, 1, 1], "delete")
    assert (len(first.image_ids), second.image_ids, second.batch) == (2, (), 0)
    assert len(small.log()) == 2
    small.undo()
    assert states(small) == {"new": 30}


def test_undo_takes_back_whole_acts_newest_first(small: Project) -> None:
    """One step of undo is one act, however many images it held; more steps than acts is fine."""
    small.decide([1, 2, 3], "delete")
    small.decide([4], "relabel", "owl")
    assert [item.image_ids for item in small.undo()] == [(4,)]
    assert [item.image_ids for item in small.undo(9)] == [(1, 2, 3)]
    with pytest.raises(NothingToUndo):
        small.undo()
    assert list(small.log()["action"]) == ["undo"] * 4 + ["relabel"] + ["delete"] * 3


def test_an_undone_decision_can_be_taken_again(small: Project) -> None:
    """Deciding after an undo starts a new act, which can be undone in turn."""
    small.decide([1], "delete")
    small.undo()
    small.decide([1], "delete")
    assert states(small) == {"new": 29, "deleted": 1}
    small.undo()
    assert states(small) == {"new": 30}


def test_undo_goes_back_to_the_state_before_not_to_the_first(small: Project) -> None:
    """After keep and then delete, one undo gives a kept image and not a new one."""
    small.decide([1], "relabel", "dog")
    small.decide([1], "delete")
    small.undo()
    row = small.log(1).iloc[0]
    assert (row["label_after"], row["state_after"]) == ("dog", "kept")


@pytest.mark.parametrize("unknown", [0, 31, 10**6, 2**63, 10**30])
def test_an_unknown_image_stops_the_whole_act(small: Project, unknown: int) -> None:
    """With one unknown id nothing is recorded, not even for the known ones."""
    with pytest.raises(UnknownImage, match=str(unknown)):
        small.decide([1, unknown, 2], "delete")
    assert small.log().empty


def test_wrong_arguments_record_nothing(small: Project) -> None:
    """Each wrong argument has an error of its own, and the ledger stays empty."""
    with pytest.raises(UnknownClass):
        small.decide([1], "relabel", "wolf")
    with pytest.raises(NoRun):
        small.decide([1], "keep", run_id=7)
    with pytest.raises(InputError, match="'burn' is no decision"):
        small.decide([1], "burn")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="class"):
        small.decide([1], "relabel")
    with pytest.raises(InputError, match="class"):
        small.decide([1], "keep", "dog")
    with pytest.raises(UnknownClass, match="id 9"):
        ledger.decide(small.database, [1], "relabel", 9)
    with pytest.raises(InputError, match="Two different decisions on image 1 "):
        small.decide_each([Choice(1, "keep"), Choice(2, "keep"), Choice(1, "delete")])
    assert small.log().empty


def test_many_images_are_one_act(small: Project) -> None:
    """More ids than one SQL statement may hold still make one batch."""
    ids = list(range(1, 31))
    small.decide(ids * 40, "keep")
    assert small.log()["batch"].nunique() == 1
    assert len(small.log()) == 30


def test_the_log_can_be_limited(small: Project) -> None:
    """``limit`` gives the newest rows."""
    for image_id in (5, 6, 7):
        small.decide([image_id], "keep")
    assert list(small.log(2)["image_id"]) == [7, 6]


def test_what_is_of_no_one_class_is_left_out(small: Project) -> None:
    """Images of several classes or of none are neither ranked nor exported, and undo helps."""
    small.decide([1], "several")
    decided = small.decide([2, 3], "none")
    assert decided.what == "marked as of none of the classes"
    assert states(small) == {"new": 27, "several": 1, "none": 2}
    assert sum(small.status().classes.values()) == 27
    small.undo(2)
    assert states(small) == {"new": 30}


def test_several_decisions_are_one_act(small: Project) -> None:
    """A batch of different decisions is one step of undo, and says what it did."""
    decided = small.decide_each(
        [Choice(1, "delete"), Choice(2, "relabel", 3), Choice(4, "keep"), Choice(1, "delete")]
    )
    assert (decided.batch, decided.image_ids) == (1, (1, 2, 4))
    assert decided.what == "kept and deleted and relabelled as owl"
    assert states(small) == {"new": 27, "deleted": 1, "kept": 2}
    assert [item.what for item in small.undo()] == [decided.what]
    assert states(small) == {"new": 30}


def test_what_someone_else_decided_meanwhile_is_left_as_it_is(small: Project) -> None:
    """A page that shows an image as it was before overwrites nothing, and is told which."""
    page = last_decisions(small, 1, 2, 3)
    small.decide([2], "delete", by="ada")
    decided = small.decide([1, 2, 3], "keep", by="bo", seen=page)
    assert (decided.image_ids, decided.conflicts) == ((1, 3), (2,))
    assert small.log(3)["by"].tolist() == ["bo", "bo", "ada"]
    page = last_decisions(small, 1, 2, 3)
    again = small.decide([1, 2, 3], "relabel", "owl", seen=page)
    assert (again.image_ids, again.conflicts) == ((1, 2, 3), ())


def test_an_undo_is_news_too(small: Project) -> None:
    """After an undo in another page, a decision by what was shown before is a conflict."""
    small.decide([1], "delete")
    page = last_decisions(small, 1)
    small.undo()
    decided = small.decide([1], "unsure", seen=page)
    assert (decided.batch, decided.image_ids, decided.conflicts, decided.what) == (0, (), (1,), "")
    assert states(small) == {"new": 30}


def test_redo_brings_back_what_was_undone(small: Project) -> None:
    """Redo goes forward act by act, and undo after it takes the same acts back again."""
    small.decide([1, 2], "delete")
    small.decide([3], "relabel", "owl")
    small.undo(2)
    assert [item.what for item in small.redo()] == ["deleted"]
    assert states(small) == {"new": 28, "deleted": 2}
    assert [item.image_ids for item in small.redo(5)] == [(3,)]
    assert states(small) == {"new": 27, "deleted": 2, "kept": 1}
    assert [item.what for item in small.undo(5)] == ["relabelled as owl", "deleted"]
    assert states(small) == {"new": 30}
    assert len(small.redo(5)) == 2


def test_nothing_is_redone_that_was_not_undone(small: Project) -> None:
    """Redo without an undo before it is refused, as it is after the last act was redone."""
    with pytest.raises(NothingToRedo):
        small.redo()
    small.decide([1], "delete")
    with pytest.raises(NothingToRedo):
        small.redo()
    small.undo()
    small.redo()
    with pytest.raises(NothingToRedo):
        small.redo()


def test_a_new_act_ends_what_could_be_redone(small: Project) -> None:
    """After an undo and a new decision, redo is refused, and undo skips what was undone."""
    small.decide([1], "delete")
    small.decide([2], "delete")
    small.undo()
    small.decide([3], "unsure")
    with pytest.raises(NothingToRedo):
        small.redo()
    assert [item.image_ids for item in small.undo(9)] == [(3,), (1,)]


def test_a_redo_points_at_the_undo_and_the_next_undo_at_the_decision(small: Project) -> None:
    """The rows say which row each takes back, so that any of them can be traced."""
    small.decide([1], "delete")
    small.undo()
    small.redo()
    small.undo(by="ada")
    rows = small.log()
    assert rows["action"].tolist() == ["undo", "redo", "undo", "delete"]
    assert rows["undoes"].tolist()[:3] == [1, 2, 1]
    assert rows["by"].iloc[0] == "ada"


def test_only_decisions_in_force_count(small: Project) -> None:
    """Undone decisions do not count, redone ones do, and a merge of classes is none."""

    def counted(*between: int) -> int:
        with small.database.read() as connection:
            return ledger_log.count(connection, *between)

    small.decide([1, 2], "delete")  # rows 1 and 2
    small.decide([3], "keep")  # row 3
    assert counted() == 3
    small.undo()
    assert counted() == 2
    small.redo()
    assert (counted(), counted(2), counted(0, 1)) == (3, 1, 1)
    small.merge_classes("owl", "dog")
    assert counted() == 3
    small.undo(2)
    assert counted() == 2


def test_undo_and_redo_go_on_after_reopening(small: Project) -> None:
    """What was done in one session is undone in the next and redone in a third."""
    for number in range(1, 6):
        small.decide([number], "delete")
    rows = ledger_rows(small.database)
    small.close()
    with Project.open(small.path) as second:
        assert len(second.undo(9)) == 5
        assert states(second) == {"new": 30}
    with Project.open(small.path) as third:
        assert len(third.redo(9)) == 5
        assert states(third) == {"new": 25, "deleted": 5}
        assert ledger_rows(third.database)[: len(rows)] == rows


def test_many_undone_acts_are_skipped(small: Project) -> None:
    """Acts that were each undone before the next leave the older ones to undo."""
    small.decide([1], "delete")
    for _ in range(30):
        small.decide([2], "delete")
        small.undo()
    with small.database.read() as connection:
        assert (ledger.can_undo(connection), ledger.can_redo(connection)) == (True, True)
    assert [item.image_ids for item in small.undo()] == [(1,)]
    with small.database.read() as connection:
        assert not ledger.can_undo(connection)
    assert [item.image_ids for item in small.redo(9)] == [(1,), (2,)]
