"""The confusion matrix against a count by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from curator.errors import NoRun
from curator.review.confusion import confusion, difference, most_confused
from curator.review.queues import queue_ids
from curator.store import images, runs
from tests.pictures import write_folders
from tests.review.made_up import Made, make

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


def test_a_merged_class_counts_where_it_went(tmp_path: Path) -> None:
    """What was predicted of it is right now where the label is that of the class it went into."""
    made = [
        Made(shares=(0.1, 0.2, 0.7)),
        Made(given=2, shares=(0.1, 0.2, 0.7)),
        Made(given=2, shares=(0.1, 0.8, 0.1), in_sample=True),
        Made(given=2, shares=(0.1, 0.8, 0.1), action="none"),
    ]
    with make(tmp_path / "project", made, merged=True) as project:
        matrix = project.confusion()
        assert list(matrix.index) == list(matrix.columns) == ["a", "b"]
        assert matrix.to_numpy().tolist() == [[1, 0], [1, 0]]
        assert queue_ids(project, "most confused").tolist() == [2]


def test_the_difference_of_two_runs(sample_copy: Project, tmp_path: Path) -> None:
    """Over what both judged, by present labels: rows sum to 0; the same run has none."""
    ranked = sample_copy.rank()
    new = write_folders(tmp_path / "in", {"three": 3})
    sample_copy.decide(ranked["image_id"].tolist()[:5], "delete")
    sample_copy.run("import", folder=str(new))
    sample_copy.run("train")
    sample_copy.decide([int(ranked["image_id"].iloc[9])], "relabel", "five")
    found = difference(sample_copy, 1, 2)
    assert (found.sum(axis=1) == 0).all()
    assert list(found.index) == list(found.columns) == sample_copy.class_names()
    after = confusion(sample_copy, 2)
    with sample_copy.database.read() as connection:
        both = [
            set(runs.predictions_of(connection, runs.get(connection, run)).image_ids.tolist())
            for run in (1, 2)
        ]
    unseen = len(both[1] - both[0])
    assert unseen == 3
    seen_before = confusion(sample_copy, 1)
    assert (after - found - seen_before).to_numpy().sum() == unseen
    assert not difference(sample_copy, 2, 2).to_numpy().any()
