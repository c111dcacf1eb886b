"""Which run is exported and which one ranks: the newest that was asked for, or the chosen one."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from curator.errors import UnknownRun
from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.store import runs, schema


def in_use(project: Project) -> tuple[int, int | None]:
    """Give the run that is exported and the one that ranks."""
    return project.run_to_export().id, project.ranking_run()


@pytest.mark.slow
def test_a_chosen_run_is_exported_and_reviewed_until_another_is_chosen(
    sample_copy: Project,
) -> None:
    """Neither a training nor a refit takes its place; refits made of it rank, and are forgotten."""
    assert sample_copy.train(InstantSettings(folds=4)).run == 2
    assert in_use(sample_copy) == (2, 2)
    sample_copy.use_run(1)
    assert in_use(sample_copy) == (1, 1)
    with Project.open(sample_copy.path) as again:
        assert in_use(again) == (1, 1)
    table = sample_copy.runs()
    assert table["in_use"].tolist() == [True, False]
    sample_copy.decide(sample_copy.rank(3)["image_id"].tolist(), "delete")
    assert sample_copy.refit().run == 3
    assert in_use(sample_copy) == (1, 3)
    with sample_copy.database.read() as connection:
        assert (
            runs.get(connection, 3).settings["folds"] == runs.get(connection, 1).settings["folds"]
        )
    assert sample_copy.train().run == 4
    assert in_use(sample_copy)[0] == 1
    assert sample_copy.ranking_run() != 4
    sample_copy.use_run(None)
    assert in_use(sample_copy) == (4, 4)


@pytest.mark.slow
def test_a_refit_is_never_exported_unless_it_was_chosen_and_then_it_is_kept(
    sample_copy: Project,
) -> None:
    """Later refits sweep up all others, but not the one in use; what is gone cannot be chosen."""
    worst = sample_copy.rank(12)["image_id"].tolist()
    for number in range(2):
        sample_copy.decide(worst[number : number + 1], "delete")
        sample_copy.refit()
    assert in_use(sample_copy) == (1, 3)
    sample_copy.use_run(3)
    for number in range(2, 5):
        sample_copy.decide(worst[number : number + 1], "delete")
        sample_copy.refit()
    assert in_use(sample_copy) == (3, 6)
    assert (sample_copy.runs_folder / "3").is_dir()
    assert sample_copy.runs()["run"].tolist() == [1, 3, 6]
    with pytest.raises(UnknownRun, match="took its place"):
        sample_copy.use_run(2)
    with pytest.raises(UnknownRun):
        sample_copy.use_run(99)
    assert in_use(sample_copy) == (3, 6)


@pytest.mark.slow
def test_a_run_that_is_held_back_is_used_only_by_choice(sample_copy: Project) -> None:
    """An earlier one stays in use until a newer comes, or the user chooses, and then he decides."""
    assert sample_copy.train(InstantSettings(folds=4)).run == 2
    runs.hold_back(sample_copy.database, 2, 1)
    assert in_use(sample_copy)[0] == 1
    held = sample_copy.held_back_run()
    assert held is not None
    assert held.id == 2
    assert sample_copy.runs()["in_use"].tolist() == [True, False]
    sample_copy.use_run(2)
    assert in_use(sample_copy)[0] == 2
    assert sample_copy.held_back_run() is None
    sample_copy.use_run(1)
    sample_copy.use_run(None)
    assert in_use(sample_copy)[0] == 2
    runs.hold_back(sample_copy.database, 2, 1)
    assert sample_copy.train(InstantSettings(folds=3)).run == 3
    assert in_use(sample_copy)[0] == 3


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["", "7", "x 1", "-1 2", "1 99999999999999999999999"])
def test_a_choice_that_somebody_altered_does_no_harm(sample_copy: Project, kept: str) -> None:
    """A project from elsewhere may say anything: what names no run is no choice."""
    with sample_copy.database.write() as connection:
        connection.execute(insert(schema.meta).values(key="chosen_run", value=kept))
    assert in_use(sample_copy) == (1, 1)
