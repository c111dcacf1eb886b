"""The map as a job: made, kept, extended without moving anything, read without what is deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import insert

from curator.errors import InputError, NotEnoughData
from curator.find.map import job, kept, projection
from curator.jobs import runner
from curator.project import Project
from curator.store import schema
from tests.find.conftest import give_features
from tests.find.test_subsets import clusters
from tests.review.made_up import Made

if TYPE_CHECKING:
    from tests.cli.conftest import Curator
    from tests.find.test_likeness import Build

EVERYWHERE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])


def report(project: Project) -> job.MapReport:
    """Run the job and give what it says."""
    return runner.run(project, "map", job.run, {}, None)


def add_images(project: Project, count: int) -> None:
    """Add rows of images whose content nobody has."""
    with project.database.write() as connection:
        first = dict(connection.execute(schema.images.select()).mappings().first() or {})
        number = connection.execute(schema.images.select()).all()[-1].id
        for more in range(1, count + 1):
            row = first | {"id": number + more, "sha256": f"{number + more:064x}"}
            connection.execute(insert(schema.images), row)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested does not hang on how long the points are moved."""
    monkeypatch.setattr(projection, "EARLY", 50)
    monkeypatch.setattr(projection, "LATE", 50)


@pytest.mark.slow
def test_the_map_grows_and_nothing_moves(featured: Build) -> None:
    """Images that come are placed among those like them; the others stay, bit by bit."""
    features = clusters([20, 20, 20])
    project = featured([Made() for _ in features], features)
    assert (project.kept_map(), kept.state(project)) == (None, "none")
    with pytest.raises(NotEnoughData, match="curator map"):
        project.region(EVERYWHERE)
    first = project.map()
    assert kept.state(project) == "ready"
    add_images(project, 6)
    assert kept.state(project) == "partial"
    give_features(project, np.concatenate([features, features[[3, 5, 25, 27, 45, 47]]]))
    told = report(project)
    assert (told.placed, told.fitted, kept.state(project)) == (6, False, "ready")
    grown = project.map()
    assert (grown.points[:60] == first.points).all()
    assert grown.made == first.made
    group = np.repeat(np.arange(3), 20)
    middles = np.stack([first.points[group == each].mean(axis=0) for each in range(3)])
    nearest = np.linalg.norm(grown.points[:, None] - middles, axis=2).argmin(axis=1)
    assert nearest[60:].tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.slow
def test_made_again_it_is_the_same(featured: Build) -> None:
    """Groups lie apart, the seed decides, deleted images are left out; undone they are back."""
    group = np.repeat(np.arange(3), 20)
    project = featured([Made() for _ in group], clusters([20, 20, 20]))
    first = project.map()
    middles = np.stack([first.points[group == each].mean(axis=0) for each in range(3)])
    nearest = np.linalg.norm(first.points[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == group).mean() > 0.95
    assert np.abs(first.points).max() <= 1
    assert (project.map(anew=True).points == first.points).all()
    project.decide([1, 2], "delete")
    assert project.map().image_ids.tolist() == list(range(3, 61))
    project.undo()
    assert (project.map().points == first.points).all()
    assert project.region(EVERYWHERE).tolist() == list(range(1, 61))
    with pytest.raises(InputError, match="three corners"):
        project.region(EVERYWHERE[:2])


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("alike", [True, False])
def test_little_and_alike(count: int, alike: bool) -> None:
    """Few images, or all the same ones, have a place each, and so has one that comes."""
    rows = np.random.default_rng(0).random((count, 8), dtype=np.float32)
    rows = np.repeat(rows[:1], count, axis=0) if alike else rows
    found = projection.fit(rows, 1)
    assert found.points.shape == (count, 2)
    assert len(np.unique(found.points, axis=0)) == count
    more = found.place(np.concatenate([rows[:1], np.zeros((1, 8), np.float32)]))
    assert (np.isfinite(more).all(), np.abs(more).max() <= 1) == (True, True)


@pytest.mark.slow
def test_a_cancelled_map_leaves_the_last(featured: Build) -> None:
    """A fit that is interrupted ends at once; the map that was there is still there."""
    project = featured([Made() for _ in range(40)], clusters([20, 20]))
    before = project.map().points

    def stop(_step: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        projection.fit(clusters([20, 20]), 0, stop)
    shown = project.kept_map()
    assert shown is not None
    assert (shown.points == before).all()


def test_placed_alone_or_with_others() -> None:
    """Where an image lies depends on its own features, not on what it comes with."""
    found = projection.fit(clusters([20, 20, 20]), 3)
    more = clusters([7, 7, 7], seed=5)
    alone = np.concatenate([found.place(row[None]) for row in more])
    assert found.place(more) == pytest.approx(alone, abs=1e-3)


@pytest.mark.slow
def test_features_of_another_network(featured: Build) -> None:
    """A map of another network says so, and the next one takes its place."""
    project = featured([Made() for _ in range(20)], clusters([20]))
    project.map()
    found = kept.read_all(project)
    assert found is not None
    shown = found.shown
    other = replace(shown, features="another-v1")
    kept.write(project, kept.Kept(other, found.projection))
    assert kept.state(project) == "other features"
    assert (report(project).fitted, kept.state(project)) == (True, "ready")


@pytest.mark.slow
def test_what_lacks_is_computed_first(checked: Project, curator: Curator) -> None:
    """Real pictures: features that were deleted are made again; the command tells the points.

    A picture that cannot be read is left out, and it is said; the map is whole without it.
    """
    out = checked.path.parent / "points.csv"
    for file in checked.features.glob("*/*.bin"):
        file.unlink()
    path = str(checked.path)
    checked.close()
    next(checked.originals.glob("*/*.*")).write_bytes(b"no picture")
    said = curator("map", path, "--out", str(out)).out
    assert "on the map" in said
    assert "could not be read" in said
    assert out.read_text().splitlines()[0] == "image_id,x,y"
    with Project.open(checked.path) as opened:
        assert kept.state(opened) == "ready"
        shown = opened.kept_map()
    assert shown is not None
    assert len(shown.left_out) == 1
    x, y = np.median(shown.points, axis=0).tolist()
    quarter = curator("map", path, "--box", -1, -1, x, y, "--json").json
    wanted = shown.image_ids[(shown.points < [x, y]).all(axis=1)].tolist()
    assert (quarter["image_ids"], quarter["images"]) == (wanted, len(wanted))
    said = curator("map", path, "--box", x, y, 1, 1).out
    assert "cannot be said: no run was trained yet" in said
    told = curator("map", path, "--json").json
    assert len(told["points"]) == told["images"] == len(out.read_text().splitlines()) - 1
