"""The confusion matrix against a count by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from curator.errors import NoRun
from curator.review.confusion import most_confused
from curator.store import images, runs
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def by_hand(project: Project) -> Counter[tuple[str, str]]:
    """Count (present label, out-of-fold prediction) of every live image that the run saw."""
    names = project.class_names()
    with project.database.read() as connection:
        run = runs.get(connection)
        said = runs.predictions_of(connection, run)
        table = images.live(connection)
    guess = dict(
        zip(said.image_ids.tolist(), said.probabilities.argmax(axis=1).tolist(), strict=True)
    )
    return Counter(
        (row.label, names[guess[row.image_id]])
        for row in table.itertuples()
        if row.image_id in guess
    )


def test_it_is_the_count_by_hand(sample: Project) -> None:
    """Rows are labels, columns predictions, both in the classes' order."""
    matrix = sample.confusion()
    names = sample.class_names()
    assert (list(matrix.index), list(matrix.columns)) == (names, names)
    assert (matrix.index.name, matrix.columns.name) == ("label", "predicted")
    counted = by_hand(sample)
    assert {(a, b): int(matrix.loc[a, b]) for a in names for b in names} == {
        (a, b): counted[a, b] for a in names for b in names
    }
    assert int(matrix.to_numpy().sum()) == sample.status()["images"]


def test_decisions_and_new_images(sample_copy: Project, tmp_path: Path) -> None:
    """Deleted images leave it, relabelled ones change their row, unseen ones are not in it."""
    before = int(sample_copy.confusion().to_numpy().sum())
    ranked = sample_copy.rank()
    ids = ranked["image_id"].tolist()
    sample_copy.decide(ids[:3], "delete")
    sample_copy.decide([ids[3]], "relabel", ranked["suggested_label"].iloc[3])
    sample_copy.run("import", folder=str(write_folders(tmp_path / "in", {"extra": 2})))
    matrix = sample_copy.confusion()
    counted = by_hand(sample_copy)
    assert int(matrix.to_numpy().sum()) == before - 3
    assert matrix.shape == (4, 4)
    assert int(matrix.loc["extra"].sum()) == int(matrix["extra"].sum()) == 0
    assert sum(matrix.loc[a, b] == counted[a, b] for a in matrix for b in matrix) == 16


def test_with_everything_deleted_it_is_empty(sample_copy: Project) -> None:
    """With no image left the matrix has its shape and only zeros."""
    sample_copy.decide(sample_copy.rank()["image_id"].tolist(), "delete")
    matrix = sample_copy.confusion()
    assert matrix.shape == (3, 3)
    assert not matrix.to_numpy().any()


def test_most_confused_pairs(sample: Project) -> None:
    """Pairs off the diagonal, most first, none below the smallest count that was asked for."""
    matrix = sample.confusion()
    pairs = most_confused(matrix)
    assert list(pairs.columns) == ["label", "predicted", "count"]
    assert pairs["count"].is_monotonic_decreasing
    assert pairs["count"].sum() == matrix.to_numpy().sum() - matrix.to_numpy().trace()
    assert all(
        matrix.loc[row.label, row.predicted] == row.count for row in pairs.itertuples(name="Row")
    )
    most = int(pairs["count"].max())
    assert (most_confused(matrix, most)["count"] == most).all()
    assert most_confused(matrix, most + 1).empty


def test_without_a_run_there_is_none(small: Project) -> None:
    """The matrix needs predictions."""
    with pytest.raises(NoRun):
        small.confusion()
