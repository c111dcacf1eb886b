"""Before and after, and where the project stands: figures against a count by hand."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.check.counts import AddressCounts
from curator.errors import NoRun, NothingToUndo, UnknownImage, UnknownRun
from curator.project import Project
from curator.review.comparison.compare import Judged, compare
from curator.review.comparison.history import Known, labels_at
from curator.review.comparison.predictions import guesses
from curator.store import images, ledger_log, runs
from curator.store.classes import all_classes
from curator.store.predictions import Predictions, predictions_of
from tests.conftest import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from curator.sample.digits import Item


@pytest.fixture(scope="module")
def cleaned_folder(
    sample_folder: Path,
    sample_items: dict[str, Item],
    build_once: Callable[[str, Callable[[Path], None]], Path],
) -> Path:
    """Give the sample after a review of the first 60 by somebody who knows, and a retraining."""

    def fill(folder: Path) -> None:
        copy_project(sample_folder, folder)
        with Project.open(folder) as project:
            for row in project.rank(60).itertuples():
                item = sample_items["/" + str(row.source).split("/", 3)[3]]
                if item.truth is None:
                    project.decide([row.image_id], "delete")
                elif item.truth != row.label:
                    project.decide([row.image_id], "relabel", item.truth)
                else:
                    project.decide([row.image_id], "keep")
            project.train()

    return build_once("cleaned", fill)


@pytest.fixture
def cleaned(cleaned_folder: Path) -> Iterator[Project]:
    """Open the cleaned sample, with its two runs."""
    with Project.open(cleaned_folder) as project:
        yield project


def by_hand(project: Project, run_id: int) -> dict[int, bool]:
    """Say for each live validation image whether that run's fixed head is wrong."""
    names = project.class_names()
    with project.database.read() as connection:
        said = predictions_of(connection, runs.get(connection, run_id))
        table = images.live(connection)
    fixed = dict(zip(said.image_ids.tolist(), said.fixed, strict=True))
    valid = table[table["split"] == "valid"]
    return {
        int(row.image_id): names[int(fixed[row.image_id].argmax())] != row.label
        for row in valid.itertuples()
        if row.image_id in fixed
    }


@pytest.mark.slow
def test_both_runs_are_judged_on_the_same_images(cleaned: Project) -> None:
    """Errors of both runs are those counted by hand, with the labels as they are now."""
    found = compare(cleaned)
    before, after = by_hand(cleaned, 1), by_hand(cleaned, 2)
    shared = before.keys() & after.keys()
    assert found.images == len(shared) > 90
    for side, wrong in ((found.before, before), (found.after, after)):
        count = sum(wrong[image_id] for image_id in shared)
        assert side.wrong == count
        assert side.error == pytest.approx(count / len(shared))
        assert side.low < side.error < side.high
    assert (found.before.run, found.after.run) == (1, 2)
    assert 0 <= found.p_value <= 1


@pytest.mark.slow
def test_cleaning_helped(cleaned: Project) -> None:
    """After a review by somebody who knows, the error on the same images is not higher."""
    found = compare(cleaned)
    assert found.after.error <= found.before.error
    table = cleaned.runs()
    assert table["out_of_fold_error"].iloc[1] < table["out_of_fold_error"].iloc[0]


def test_decisions_and_corrections_are_counted(cleaned: Project) -> None:
    """The answer says how much was decided in between, and how many labels were corrected."""
    found = compare(cleaned)
    assert found.decisions == len(cleaned.log()) == 60
    with cleaned.database.read() as connection:
        table = images.with_sources(connection)
    live = table[(table["state"] != "deleted") & (table["split"] == "valid")]
    assert found.corrected == int((live["label"] != live["given_label"]).sum())


def test_a_run_against_itself_has_no_difference(cleaned: Project) -> None:
    """The same run on both sides: no change, and a p-value of one."""
    found = compare(cleaned, 2, 2)
    assert found.before == found.after
    assert found.p_value == 1
    assert found.sentence.startswith("Both runs are wrong on")


def test_the_sentence_is_honest(cleaned: Project) -> None:
    """It says fewer or more with the number of images, and names chance where it is chance."""
    found = compare(cleaned)
    change = found.after.wrong - found.before.wrong
    assert str(found.images) in found.sentence
    if change:
        assert f"{abs(change)} {'fewer' if change < 0 else 'more'} wrong" in found.sentence
        assert ("chance" in found.sentence) == (change != 0)
        assert ("not distinguishable" in found.sentence) == (found.p_value >= 0.05)


def test_the_difference_has_an_interval(cleaned: Project) -> None:
    """Points are after minus before, within their interval, and the sentence holds them."""
    found = compare(cleaned)
    points = 100 * (found.after.error - found.before.error)
    difference = found.difference
    assert difference.points == pytest.approx(points)
    assert difference.low < points < difference.high
    said = f"{points:+.1f} points (95 %: {difference.low:+.1f} to {difference.high:+.1f})"
    assert said in found.sentence


def test_cleaned_validation_images_give_a_warning_and_two_results(cleaned: Project) -> None:
    """Labels before are the given ones with the images deleted since; both models judge them."""
    found = compare(cleaned)
    with cleaned.database.read() as connection:
        table = images.with_sources(connection).query("split == 'valid'").set_index("image_id")
        first, second = (predictions_of(connection, runs.get(connection, i)) for i in (1, 2))
    deleted = table["state"] == "deleted"
    changed = ~deleted & (table["label"] != table["given_label"])
    assert found.relabelled == changed.sum() > 0
    assert found.deleted == deleted.sum() > 0
    assert f"{changed.sum()} relabelled and {deleted.sum()} deleted" in found.warning
    before, now = found.versions
    assert (before.labels, now.labels) == ("before", "now")
    shown, by_now = found.to_dict(), asdict(now)
    assert len(shown.keys() & by_now.keys()) == 6
    assert all(shown[key] == by_now[key] for key in shown.keys() & by_now.keys())
    assert before.images == now.images + found.deleted == len(table)
    assert before.unjudged == now.unjudged == 0
    names = cleaned.class_names()
    wrong = sum(
        names[int(row.argmax())] != table["given_label"][image_id]
        for image_id, row in zip(first.image_ids.tolist(), first.fixed, strict=True)
        if image_id in table.index
    )
    assert before.before.wrong == wrong
    # The second run was not given the deleted images: its head is asked about them.
    kept = sum(
        names[int(row.argmax())] != table["given_label"][image_id]
        for image_id, row in zip(second.image_ids.tolist(), second.fixed, strict=True)
        if image_id in table.index
    )
    assert 0 <= before.after.wrong - kept <= found.deleted
    assert before.before.error > now.before.error


@pytest.mark.slow
def test_decisions_on_training_images_are_no_reason_for_a_warning(sample_copy: Project) -> None:
    """What changes no validation image leaves one version of the labels, and so does an undo."""
    ranked = sample_copy.rank()
    sample_copy.decide(ranked.query("split == 'train'")["image_id"].tolist()[:3], "delete")
    image_id = ranked.query("split == 'valid'")["image_id"].tolist()[0]
    sample_copy.decide([image_id], "keep")
    sample_copy.decide([image_id], "delete")
    assert compare(sample_copy, 1, 1).deleted == 1
    sample_copy.undo()
    found = compare(sample_copy, 1, 1)
    assert found.warning is None
    assert [version.labels for version in found.versions] == ["now"]


def test_the_head_says_what_the_run_said(sample: Project) -> None:
    """Asked about images as if the run had not judged them, its kept head answers the same."""
    with sample.database.read() as connection:
        run = runs.get(connection, 1)
        said = predictions_of(connection, run)
        valid = ~np.isnan(said.fixed).any(axis=1)
        wanted = said.image_ids[valid].tolist()
        kept = guesses(sample, connection, run, said, wanted)
        none = {item.name: getattr(said, item.name)[:0] for item in fields(said)}
        asked = guesses(sample, connection, run, Predictions(**none), wanted)
        foreign = replace(run, settings={**run.settings, "features": "another"})
        assert guesses(sample, connection, foreign, Predictions(**none), wanted) == {}
    assert len(kept) > 90
    assert asked == kept


def test_images_that_a_run_cannot_judge_are_counted(cleaned_folder: Path, tmp_path: Path) -> None:
    """Without the second run's head, images deleted before it are left out, which is said."""
    with Project.open(copy_project(cleaned_folder, tmp_path / "cleaned")) as project:
        whole = compare(project)
        (project.runs_folder / "2" / "head.safetensors").unlink()
        found = compare(project)
    assert found.versions[0].unjudged == whole.deleted > 0
    assert found.versions[0].images == whole.versions[0].images - whole.deleted
    assert found.versions[1] == whole.versions[1]


@pytest.fixture(scope="module")
def split_folder(
    small_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Give the small project after a check, which splits it; never change it."""

    def fill(folder: Path) -> None:
        with Project.open(copy_project(small_folder, folder)) as project:
            project.check()

    return build_once("split", fill)


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(["keep", "delete", "relabel", "unsure", "undo"]),
            st.integers(0, 29),
            st.sampled_from(["cat", "dog", "owl"]),
        ),
        max_size=8,
    )
)
def test_the_past_is_remembered(split_folder: Path, tmp_path: Path, acts: list[Any]) -> None:
    """At every position of the ledger, labels and states are those that were present then."""
    target = tmp_path / f"past-{len(list(tmp_path.iterdir()))}"
    with Project.open(copy_project(split_folder, target)) as project:
        with project.database.read() as connection:
            ids = images.live(connection)["image_id"].tolist()
        history = [present(project)]
        for action, place, label in acts:
            if action == "undo":
                with contextlib.suppress(NothingToUndo):
                    project.undo()
            else:
                with contextlib.suppress(UnknownImage):  # its import is undone
                    project.decide([ids[place]], action, label if action == "relabel" else None)
            history.append(present(project))
        with project.database.read() as connection:
            for position, expected in history:
                assert labels_at(connection, position) == expected


def present(project: Project) -> tuple[int, dict[int, Known]]:
    """Give the ledger's position and what is known of the validation images now."""
    with project.database.read() as connection:
        table = images.with_sources(connection).query("split == 'valid'")
        number = {item.name: item.id for item in all_classes(connection)}
        found = {
            int(row.image_id): Known(number[str(row.label)], str(row.state))
            for row in table.itertuples()
        }
        return ledger_log.position(connection), found


def test_there_must_be_two_runs(small: Project, sample: Project) -> None:
    """Without a run, or with one, the error says what to do next; an unknown run is named."""
    with pytest.raises(NoRun, match="curator train"):
        compare(small)
    with pytest.raises(NoRun, match="one run only"):
        compare(sample)
    with pytest.raises(UnknownRun, match="no run 5"):
        compare(sample, 1, 5)


def test_with_nothing_shared_there_is_no_figure(sample_copy: Project) -> None:
    """When all validation images are deleted, nothing is compared and nothing breaks."""
    ranked = sample_copy.rank()
    sample_copy.decide(ranked.query("split == 'valid'")["image_id"].tolist(), "delete")
    found = compare(sample_copy, 1, 1)
    assert found.images == 0
    assert found.before == Judged(run=1, wrong=0, error=None, low=None, high=None)
    assert "share no validation image" in found.sentence


def test_the_table_of_runs(cleaned: Project) -> None:
    """One row a run, with errors within their intervals and the decisions that it knew of."""
    table = cleaned.runs()
    assert table["run"].tolist() == [1, 2]
    assert table["ledger_position"].tolist() == [0, 60]
    for kind in ("out_of_fold", "valid"):
        assert (table[f"{kind}_low"] < table[f"{kind}_error"]).all()
        assert (table[f"{kind}_error"] < table[f"{kind}_high"]).all()
    assert table["images"].iloc[1] == cleaned.status().images


def test_status_counts(cleaned: Project) -> None:
    """Counts by class, state and station are those of the tables."""
    found = cleaned.status()
    with cleaned.database.read() as connection:
        table = images.with_sources(connection)
    live = table[table["state"] != "deleted"]
    assert found.images == len(live) == sum(found.classes.values())
    assert found.classes == {
        name: int((live["label"] == name).sum()) for name in cleaned.class_names()
    }
    held = {state: number for state, number in found.states.items() if number}
    assert held == table["state"].value_counts().to_dict()
    assert found.addresses.failed == {"dead": 10, "broken": 6, "page_not_image": 4}
    assert found.addresses.fetched == 569
    assert found.decisions == 60
    assert found.run.run == 2
    assert found.stale == 0
    ranked = cleaned.rank()
    states = dict(zip(table["image_id"], table["state"], strict=True))
    undecided = ranked[[states[i] == "new" for i in ranked["image_id"]]]
    assert found.left == int(undecided["is_label_issue"].sum())


def test_status_of_an_empty_project(tmp_path: Path) -> None:
    """Before anything was done every count is there and zero."""
    with Project.create(tmp_path / "p", ["a"]) as project:
        found = project.status()
    assert found.classes == {"a": 0}
    assert found.addresses == AddressCounts(pending=0, fetched=0, failed={})
    assert (found.images, found.decisions, found.run, found.left) == (0, 0, None, 0)


def test_decisions_make_the_run_stale(sample_copy: Project) -> None:
    """Status counts what came after the newest run."""
    assert sample_copy.status().stale == 0
    sample_copy.decide([1, 2], "delete")
    assert sample_copy.status().stale == 2


@pytest.mark.slow
def test_a_merge_is_no_improvement(cleaned: Project, tmp_path: Path) -> None:
    """Classes made one between two runs are not told apart in either, so nothing was corrected."""
    with Project.open(copy_project(cleaned.path, tmp_path / "merged")) as project:
        before = project.class_names()
        project.train()
        project.merge_classes(before[0], before[1])
        project.train()
        found = compare(project, 3, 4)
        assert (found.relabelled, found.warning) == (0, None)
        assert found.p_value > 0.05
        assert {version.labels for version in found.versions} == {"now"}
        table = project.rank()
        assert set(table["label"]) == set(before[1:])
