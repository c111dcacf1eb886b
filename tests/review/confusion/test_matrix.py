"""The confusion matrix against a count by hand."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from curator.cli import run
from curator.errors import NoRun
from curator.review.confusion.matrix import confusion, difference, most_confused
from curator.review.queue.kinds import open_queue
from curator.store import images, runs
from curator.store.predictions import predictions_of
from tests.large import large_project
from tests.pictures import write_folders
from tests.review.made_up import Made, make
from widgets.confusion import ConfusionPanel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from curator.project import Project


def by_hand(project: Project) -> Counter[tuple[str, str]]:
    """Count (present label, out-of-fold prediction) of every live image that the run saw."""
    names = project.class_names()
    with project.database.read() as connection:
        run = runs.get(connection)
        said = predictions_of(connection, run)
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
    assert int(matrix.to_numpy().sum()) == sample.status().images


@pytest.mark.slow
def test_decisions_and_new_images(sample_copy: Project, tmp_path: Path) -> None:
    """Deleted images leave it, relabelled ones change their row, unseen ones are not in it."""
    before = int(sample_copy.confusion().to_numpy().sum())
    ranked = sample_copy.rank()
    ids = ranked["image_id"].tolist()
    sample_copy.decide(ids[:3], "delete")
    sample_copy.decide([ids[3]], "relabel", ranked["suggested_label"].iloc[3])
    sample_copy.import_files(write_folders(tmp_path / "in", {"extra": 2}))
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
        assert open_queue(project, "most confused").ids.tolist() == [2]


@pytest.mark.slow
def test_the_difference_of_two_runs(sample_copy: Project, tmp_path: Path) -> None:
    """Over what both judged, by present labels: rows sum to 0; the same run has none."""
    ranked = sample_copy.rank()
    new = write_folders(tmp_path / "in", {"three": 3})
    sample_copy.decide(ranked["image_id"].tolist()[:5], "delete")
    sample_copy.import_files(new)
    sample_copy.train()
    sample_copy.decide([int(ranked["image_id"].iloc[9])], "relabel", "five")
    found = difference(sample_copy, 1, 2)
    assert (found.sum(axis=1) == 0).all()
    assert list(found.index) == list(found.columns) == sample_copy.class_names()
    after = confusion(sample_copy, 2)
    with sample_copy.database.read() as connection:
        both = [
            set(predictions_of(connection, runs.get(connection, run)).image_ids.tolist())
            for run in (1, 2)
        ]
    unseen = len(both[1] - both[0])
    assert unseen == 3
    seen_before = confusion(sample_copy, 1)
    assert (after - found - seen_before).to_numpy().sum() == unseen
    assert not difference(sample_copy, 2, 2).to_numpy().any()


def calls_of(work: Callable[[], object]) -> int:
    """Count the functions called while ``work`` is done, of Python and of C alike."""
    number = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal number
        number += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return number


@pytest.mark.slow
def test_work_grows_with_the_classes_not_with_the_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Command, JSON, pairs and panel: four times the classes are sixteen times the cells.

    A table of rich, which draws each cell, or JSON that is indented, takes sixteen times as much.
    """
    calls: dict[str, list[int]] = {}
    for classes in (60, 240):
        with large_project(tmp_path / str(classes), 10 * classes, classes) as project:
            commands = {
                "confusion": ["confusion", str(project.path)],
                "JSON": ["confusion", str(project.path), "--json"],
                "pairs": ["most-confused", str(project.path)],
            }
            for name, command in commands.items():
                run(command)  # what is loaded at the first call does not count
                calls.setdefault(name, []).append(calls_of(partial(run, command)))
            panel = ConfusionPanel({})
            work = partial(panel.figures, project)
            calls.setdefault("panel", []).append(calls_of(work))
            found = project.confusion()
            capsys.readouterr()
            run(commands["JSON"])
            said = json.loads(capsys.readouterr().out)
            assert said["labels"] == list(found.index)
            assert said["counts"] == found.to_numpy().tolist()
            run(commands["confusion"])
            lines = capsys.readouterr().out.splitlines()
            assert len(lines) == classes
            name, right = found.index[7], int(found.iloc[7, 7])
            others = found.iloc[7].drop(name)
            taken = ", ".join(f"{other} ({n})" for other, n in others[others > 0].items())
            assert lines[7].startswith(f"{name}: {right} of {found.iloc[7].sum()} right")
            assert lines[7].endswith(f"taken for {taken}" if taken else "right")
    growth = {name: more / few for name, (few, more) in calls.items()}
    assert max(growth.values()) < 6, growth
