"""The ledger: decisions and undos, against a model of a few lines."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from curator.errors import InputError, NoRun, NothingToUndo, UnknownClass, UnknownImage, UnknownRun
from curator.project import Project
from curator.store import ledger, schema
from curator.store.database import Database

if TYPE_CHECKING:
    from curator.store.ledger import Action

IMAGES = range(1, 7)
State = dict[int, tuple[int, str]]  # image id -> (class id, state)


def present(database: Database) -> State:
    """Give the label and state of every image, as the store derives them."""
    with database.read() as connection:
        rows = connection.execute(select(schema.current))
        return {row.image_id: (row.class_id, row.state) for row in rows}


def all_rows(database: Database) -> list[tuple[Any, ...]]:
    """Give the whole ledger, oldest first."""
    with database.read() as connection:
        query = select(schema.decisions).order_by(schema.decisions.c.id)
        return [tuple(row) for row in connection.execute(query)]


class Model:
    """What the ledger should derive: a dictionary, and a stack of what each act replaced."""

    def __init__(self, state: State) -> None:
        self.state = dict(state)
        self.acts: list[State] = []

    def decide(self, image_ids: list[int], action: Action, class_id: int | None) -> list[int]:
        """Apply an act; give the images that it changed."""
        replaced: State = {}
        for image_id in dict.fromkeys(image_ids):
            before = self.state[image_id]
            after = (class_id or before[0], ledger.STATE_AFTER[action])
            if after != before:
                replaced[image_id] = before
                self.state[image_id] = after
        if replaced:
            self.acts.append(replaced)
        return list(replaced)

    def undo(self, steps: int) -> list[list[int]]:
        """Take acts back; give the images of each."""
        taken = [self.acts.pop() for _ in range(min(steps, len(self.acts)))]
        for replaced in taken:
            self.state.update(replaced)
        return [list(replaced) for replaced in taken]


images = st.lists(st.sampled_from(IMAGES), max_size=4)
acts = st.one_of(
    st.tuples(st.sampled_from(["keep", "delete", "unsure"]), images, st.none()),
    st.tuples(st.just("relabel"), images, st.sampled_from([1, 2, 3])),
    st.tuples(st.just("undo"), st.integers(1, 3), st.none()),
)


@settings(max_examples=40)
@given(sequence=st.lists(acts, min_size=1, max_size=14))
def test_any_sequence_gives_the_state_of_a_simple_model(
    sequence: list[tuple[Any, Any, Any]], small_folder: Path
) -> None:
    """Whatever is decided and undone, the derived state is the model's, and no row ever changes."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(small_folder / "project.db", Path(folder) / "project.db")
        database = Database.open(Path(folder) / "project.db")
        model = Model(present(database))
        seen: list[tuple[Any, ...]] = []
        for action, what, class_id in sequence:
            if action == "undo":
                expected = model.undo(what)
                if expected:
                    undone = ledger.undo(database, what, by="tester")
                    assert [list(item.image_ids) for item in undone] == expected
                else:
                    with pytest.raises(NothingToUndo):
                        ledger.undo(database, what, by="tester")
            else:
                decided = ledger.decide(database, what, action, class_id, by="tester")
                assert list(decided.image_ids) == model.decide(what, action, class_id)
            assert present(database) == model.state
            rows = all_rows(database)
            assert rows[: len(seen)] == seen
            seen = rows
        database.close()


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
    assert set(small.status()["states"]) == {"new"}


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
    assert small.status()["states"]["deleted"] == 1
    small.undo()
    assert "deleted" not in small.status()["states"]


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
