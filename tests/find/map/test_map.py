"""The map as a job: made, kept, extended without moving anything, read without what is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.find.map import job, kept, projection
from curator.jobs import runner
from curator.project import Project
from tests.find.test_subsets import clusters
from tests.review.made_up import Made

if TYPE_CHECKING:
    from tests.find.test_likeness import Build


def report(project: Project, **arguments: bool) -> job.MapReport:
    """Run the job and give what it says."""
    return runner.run(project, "map", job.run, arguments, None)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested does not hang on how long the points are moved."""
    monkeypatch.setattr(projection, "EARLY", 50)
    monkeypatch.setattr(projection, "LATE", 50)


def test_made_again_it_is_the_same(featured: Build) -> None:
    """Groups lie apart, the seed decides, deleted images are left out, undone they are back."""
    group = np.repeat(np.arange(3), 20)
    project = featured([Made() for _ in group], clusters([20, 20, 20]))
    first = project.map()
    middles = np.stack([first.points[group == each].mean(axis=0) for each in range(3)])
    nearest = np.linalg.norm(first.points[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == group).mean() > 0.95
    assert (np.abs(first.points).max() <= 1, kept.state(project)) == (True, "ready")
    assert not report(project).fitted
    assert (project.map(anew=True).points == first.points).all()
    project.decide([1, 2], "delete")
    assert project.map().image_ids.tolist() == list(range(3, 61))
    assert kept.state(project) == "ready"
    project.undo()
    again = project.map()
    assert (again.points == first.points).all()
    assert sorted(project.region(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]))) == list(
        range(1, 61)
    )
