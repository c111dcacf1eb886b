"""Runs: which one ranks the images, and that predictions come back as they were kept."""

from __future__ import annotations

import numpy as np
import pytest

from curator.errors import NoRun
from curator.project import Project
from curator.store import runs
from curator.store.predictions import Predictions, add_predictions, predictions_of

pytestmark = pytest.mark.on_server_too


def add(project: Project, out_of_fold: bool) -> int:
    """Record a run of two classes over the project's first three images; return its id."""
    with project.database.write() as connection:
        run_id = runs.add(
            connection,
            recipe="instant" if out_of_fold else "finetune",
            backbone="some",
            ledger_position=0,
            out_of_fold=int(out_of_fold),
            settings={"classes": [2, 1]},
            metrics={},
            history=[],
        )
        add_predictions(connection, run_id, [2, 1], PREDICTIONS)
    return run_id


PREDICTIONS = Predictions(
    image_ids=np.array([1, 2, 3]),
    labels=np.array([1, 2, 1]),
    is_label_issue=np.array([False, False, True]),
    probabilities=np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], dtype=np.float32),
    fixed=np.array([[np.nan, np.nan], [0.5, 0.5], [np.nan, np.nan]], dtype=np.float32),
    in_sample=np.array([False, True, False]),
)


def test_a_run_that_saw_its_images_ranks_nothing(small: Project) -> None:
    """The ranking comes from the newest run without in-sample scores, not from the newest."""
    with small.database.read() as connection, pytest.raises(NoRun):
        runs.ranking(connection)
    first = add(small, out_of_fold=True)
    second = add(small, out_of_fold=False)
    with small.database.read() as connection:
        assert runs.ranking_id(connection) == runs.ranking(connection).id == first
        assert runs.latest_id(connection) == second
        assert not runs.get(connection).out_of_fold


def test_predictions_come_back_as_they_were_kept(small: Project) -> None:
    """Probabilities, the model's own view of validation images, and both flags, bit for bit."""
    run_id = add(small, out_of_fold=True)
    with small.database.read() as connection:
        said = predictions_of(connection, runs.get(connection, run_id))
        row = connection.exec_driver_sql(
            "SELECT predicted_id, label_score, confidence, loss FROM predictions WHERE image_id = 3"
        ).one()
    for name in ("image_ids", "labels", "is_label_issue", "probabilities", "fixed", "in_sample"):
        np.testing.assert_array_equal(getattr(said, name), getattr(PREDICTIONS, name))
    # Class 1 is the second column; a probability of 0 counts as 1e-12.
    assert row == (2, 0.0, 1.0, pytest.approx(27.63, abs=0.01))
