"""The job `refit`: what it learns, what it spares, and what a kill leaves behind."""

from __future__ import annotations

import numpy as np
import pytest

from curator.errors import NoRun, UnknownRun
from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.review.comparison.compare import compare
from curator.store import run_writer as publishing
from curator.store import runs, schema
from curator.store.predictions import Predictions, predictions_of


def hidden_run(project: Project, images: list[int]) -> int:
    """Begin a run over ``images`` as a killed process leaves it: some is written, nothing shown."""
    count = len(images)
    said = Predictions(
        image_ids=np.array(images),
        labels=np.ones(count, dtype=np.int64),
        is_label_issue=np.zeros(count, dtype=bool),
        probabilities=np.full((count, 2), 0.5, dtype=np.float32),
        fixed=np.full((count, 2), np.nan, dtype=np.float32),
        in_sample=np.zeros(count, dtype=bool),
    )
    run_id = publishing.begin(
        project.database,
        recipe="instant",
        backbone="some",
        ledger_position=0,
        settings={"classes": [1, 2]},
        metrics={},
        history=[],
    )
    publishing.write_predictions(project.database, run_id, [1, 2], said)
    (project.runs_folder / str(run_id)).mkdir()
    return run_id


def predicted(project: Project) -> dict[int, int]:
    """Count the predictions of each run that has any."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT run_id, COUNT(*) FROM predictions GROUP BY run_id"
        ).all()
    return {row[0]: row[1] for row in rows}


@pytest.mark.slow
def test_a_refit_ranks_by_what_was_decided_and_stays_out_of_the_list(sample_copy: Project) -> None:
    """Deleted images are gone from the new ranking; users see it only until they train again."""
    worst = sample_copy.rank(12)["image_id"].tolist()
    sample_copy.decide(worst, "delete")
    answer = sample_copy.refit()
    assert answer.run == 2
    table = sample_copy.runs()
    assert table["run"].tolist() == [1, 2]
    assert table["interim"].tolist() == [False, True]
    with sample_copy.database.read() as connection:
        run = runs.ranking(connection)
        said = predictions_of(connection, run)
        assert runs.to_export(connection).id == 1
    assert (run.id, run.interim, run.out_of_fold) == (2, True, True)
    assert not set(worst) & set(said.image_ids.tolist())
    assert compare(sample_copy).after.run == 2
    sample_copy.decide([int(said.image_ids[0])], "keep")
    assert sample_copy.train().run == 3
    assert sample_copy.runs()["run"].tolist() == [1, 3]
    assert compare(sample_copy).after.run == 3


def test_without_news_nothing_is_fitted(sample_copy: Project, small: Project) -> None:
    """No decision, no image, or no run yet: the job ends with a sentence and without a run."""
    answer = sample_copy.refit()
    assert answer.run is None
    assert answer.sentence == "Nothing was decided since run 1."
    assert sample_copy.runs()["run"].tolist() == [1]
    answer = small.refit()
    assert answer.run is None
    assert "nothing to refit" in answer.sentence


def test_too_few_images_is_a_sentence_not_a_failure(sample_copy: Project) -> None:
    """Where a review left one class only, the job is done and says so."""
    table = sample_copy.rank()
    first = table["label"].iloc[0]
    sample_copy.decide(table[table["label"] != first]["image_id"].tolist(), "delete")
    answer = sample_copy.refit()
    assert answer.run is None
    assert "needs at least two classes" in answer.sentence


@pytest.mark.slow
def test_settings_are_those_of_the_newest_instant_run(sample_copy: Project) -> None:
    """What the user chose for the last training holds between the pages, too."""
    sample_copy.train(InstantSettings(folds=4, doubt=False))
    sample_copy.decide(sample_copy.rank(3)["image_id"].tolist(), "keep")
    sample_copy.refit()
    with sample_copy.database.read() as connection:
        last = runs.get(connection)
    assert last.interim
    assert (last.settings["folds"], last.settings["doubt"]) == (4, False)


@pytest.mark.slow
def test_older_refits_lose_their_predictions_and_files(sample_copy: Project) -> None:
    """The ranking and the one before it stay, as does every asked-for run; run rows stay all."""
    worst = sample_copy.rank(40)["image_id"].tolist()
    for number in range(4):
        page = worst[10 * number : 10 * number + 10]
        sample_copy.decide(page, "keep")
        sample_copy.refit()
    assert set(predicted(sample_copy)) == {1, 4, 5}
    assert {folder.name for folder in sample_copy.runs_folder.iterdir()} == {"1", "4", "5"}
    with sample_copy.database.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM runs").scalar_one() == 5
        # The run that the second page was decided by: its decisions say so for ever.
        assert runs.get(connection, 2).interim
    assert set(sample_copy.log()["run_id"]) == {1, 2, 3, 4}


def test_a_run_that_was_never_finished_is_nobodys_newest(small: Project) -> None:
    """What a kill leaves is neither shown nor ranked by, and cannot be asked for."""
    run_id = hidden_run(small, [1, 2, 3])
    assert small.runs().empty
    with small.database.read() as connection:
        assert runs.latest_id(connection) is None
        assert runs.ranking_id(connection) is None
        assert runs.all_runs(connection) == []
        with pytest.raises(NoRun):
            runs.get(connection, run_id)


@pytest.mark.slow
def test_the_next_run_sweeps_up_what_a_kill_left(sample_copy: Project) -> None:
    """Predictions and files of an unfinished run go with the next one; its row is harmless."""
    left = hidden_run(sample_copy, [1, 2, 3])
    with sample_copy.database.read() as connection, pytest.raises(UnknownRun):
        runs.get(connection, left)
    assert predicted(sample_copy)[left] == 3
    sample_copy.decide(sample_copy.rank(2)["image_id"].tolist(), "keep")
    answer = sample_copy.refit()
    assert answer.run == left + 1
    assert left not in predicted(sample_copy)
    assert not (sample_copy.runs_folder / str(left)).exists()


def test_a_decision_gets_in_between_two_pieces(sample_copy: Project) -> None:
    """The write lock is free while a run is half written, and the page's decision is kept."""
    ids = sample_copy.rank()["image_id"].tolist()
    run_id = hidden_run(sample_copy, ids[:300])
    decided = sample_copy.decide([ids[0]], "keep")
    assert decided.image_ids == (ids[0],)
    assert decided.batch == 1
    publishing.show(sample_copy.database, run_id, out_of_fold=True, interim=True)
    with sample_copy.database.read() as connection:
        assert runs.ranking_id(connection) == run_id


@pytest.mark.slow
def test_a_refit_does_not_replace_a_fine_tuned_model(sample_copy: Project) -> None:
    """What is exported is what the user trained."""
    with sample_copy.database.write() as connection:
        tuned = runs.add(
            connection,
            recipe="finetune",
            backbone="some",
            ledger_position=0,
            out_of_fold=0,
            settings={"classes": [1, 2]},
            metrics={},
            history=[],
        )
    sample_copy.decide(sample_copy.rank(2)["image_id"].tolist(), "keep")
    refitted = sample_copy.refit().run
    with sample_copy.database.read() as connection:
        assert runs.ranking_id(connection) == runs.latest_id(connection) == refitted
        assert runs.to_export(connection).id == tuned


def test_predictions_written_in_pieces_are_those_written_at_once(sample_copy: Project) -> None:
    """Every row of a run with more images than a piece holds comes back, none twice."""
    with sample_copy.database.read() as connection:
        before = predictions_of(connection, runs.get(connection, 1))
    classes = before.probabilities.shape[1]
    run_id = publishing.begin(
        sample_copy.database,
        recipe="instant",
        backbone="some",
        ledger_position=0,
        settings={"classes": list(range(1, classes + 1))},
        metrics={},
        history=[],
    )
    wide = publishing.VALUES // publishing.FEWEST  # so many classes make the smallest pieces
    assert len(before.image_ids) > publishing.FEWEST
    probabilities = np.zeros((len(before.image_ids), wide), dtype=np.float32)
    probabilities[:, :classes] = before.probabilities
    said = Predictions(
        before.image_ids,
        before.labels,
        before.is_label_issue,
        probabilities,
        np.full_like(probabilities, np.nan),
        before.in_sample,
    )
    columns = list(range(1, classes + 1)) + [1] * (wide - classes)
    publishing.write_predictions(sample_copy.database, run_id, columns, said)
    with sample_copy.database.read() as connection:
        rows = connection.execute(
            schema.predictions.select()
            .where(schema.predictions.c.run_id == run_id)
            .order_by(schema.predictions.c.image_id)
        ).all()
    assert [row.image_id for row in rows] == before.image_ids.tolist()
    assert b"".join(row.probabilities for row in rows) == probabilities.tobytes()
