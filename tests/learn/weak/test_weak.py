"""Weak spots: a planted one is found, exact chances, corrected; what is kept becomes findings."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.check.findings import findings
from curator.check.report import report
from curator.errors import NotEnoughData
from curator.learn.weak import clusters, shortcuts
from curator.review.queue.filters import Filters
from curator.store import schema, weak_spots
from tests.cli.conftest import curator
from tests.find.conftest import give_features
from tests.review.made_up import Made, make

__all__ = ["curator"]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.project import Project
    from tests.cli.conftest import Curator

SCENES = 6


@pytest.mark.parametrize(
    ("hits", "drawn", "marked", "total"),
    [(0, 5, 3, 20), (3, 5, 3, 20), (7, 40, 30, 400), (50, 60, 80, 200), (5, 5, 0, 9)],
)
def test_chances_are_those_of_the_hypergeometric(
    hits: int, drawn: int, marked: int, total: int
) -> None:
    """The one-sided exact test agrees with counting in whole numbers."""
    ways = sum(comb(marked, k) * comb(total - marked, drawn - k) for k in range(hits, drawn + 1))
    expected = ways / comb(total, drawn)
    assert clusters.at_least(hits, drawn, marked, total) == pytest.approx(expected, abs=1e-9)


def test_holm() -> None:
    """As in the textbook: each times the number that is left, never falling, at most 1."""
    assert clusters.holm([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert clusters.holm([]) == []


def _scenes(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (rows, 16) around the middles of scenes, and each row's scene."""
    scene = rng.integers(0, SCENES, rows)
    middles = rng.normal(size=(SCENES, 16)) * 2
    return (middles[scene] + rng.normal(size=(rows, 16))).astype(np.float32), scene


def test_a_planted_weak_cluster_is_found() -> None:
    """Where a scene has four times the errors, what is named lies in it; copies count once."""
    rng = np.random.default_rng(0)
    features, scene = _scenes(rng, 900)
    wrong = rng.random(900) < np.where(scene == 3, 0.4, 0.1)
    found = clusters.clustered(features, clusters.number_of_clusters(900), 7)
    weak, looked = clusters.weak_clusters(found, wrong, np.arange(900))
    assert weak
    assert looked > 5
    named = np.isin(found, [item.cluster for item in weak])
    assert (scene[named] == 3).mean() > 0.9
    assert all(item.low < item.error < item.high for item in weak)
    assert weak[0].low > weak[0].elsewhere
    again = clusters.clustered(features, clusters.number_of_clusters(900), 7)
    assert (again == found).all()
    # The same error copied many times is one error.
    copies = np.where(scene == 3, 0, np.arange(900))
    assert clusters.weak_clusters(found, wrong, copies)[0] == []


def test_images_that_are_all_the_same() -> None:
    """Nothing to tell apart is no error."""
    same = np.ones((200, 4), np.float32)
    found = clusters.clustered(same, 10, 0)
    assert clusters.weak_clusters(found, np.zeros(200, bool), np.arange(200)) == ([], 0)


def test_shortcuts() -> None:
    """A host that gives a class away is found with its images; noise and constants are not."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 400)
    host = np.where((labels == 2) & (rng.random(400) < 0.9), 5, rng.integers(0, 3, 400))
    measures: dict[str, shortcuts.Measures] = {
        "host": {"host": host.astype(float)},
        "size": {"side": rng.normal(size=400)},
        "greyness": {"grey": np.zeros(400)},
        "border": {"light": np.full(400, np.nan)},
    }
    found, tried = shortcuts.shortcuts(measures, labels, np.arange(400), 0)
    assert [item.name for item in found] == ["host"]
    assert tried == 2
    assert (labels[found[0].rows] == 2).all()
    assert found[0].guessing == pytest.approx(1 / 3)
    assert found[0].low < found[0].accuracy < found[0].high
    assert shortcuts.shortcuts(measures, np.zeros(400, int), np.arange(400), 0) == ([], 0)


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Project]:
    """Give a project of 240 images in four scenes, one of which is judged wrong half the time."""
    rng = np.random.default_rng(3)
    scene = np.arange(240) % 4
    made = []
    for number in range(240):
        given = number % 3 + 1
        missed = scene[number] == 1 and rng.random() < 0.5
        right = given % 3 if missed else given - 1
        shares = tuple(0.9 if place == right else 0.05 for place in range(3))
        host = "one" if given == 1 else "other"
        made.append(Made(given, shares=shares, seen_as=given, origins=(f"http://{host}/{number}",)))
    features = (np.eye(8)[scene] * 4 + rng.normal(size=(240, 8)) * 0.3).astype(np.float32)
    with make(tmp_path / "planted", made) as project:
        give_features(project, features)
        yield project


def test_what_is_found_becomes_findings(planted: Project, curator: Curator) -> None:
    """The check lists weak spots, "Look" opens exactly those images; they can be dismissed."""
    found = planted.weak_spots()
    spot = found.spots[0]
    assert {(number - 1) % 4 for number in spot.image_ids} == {1}
    assert [item.code for item in found.shortcuts] == ["shortcut_host"]
    with planted.database.read() as connection:
        listed = {item.code: item for item in findings(connection)}
    assert listed[spot.code].images == spot.image_ids
    assert "Holm" in listed[spot.code].rule
    queue = planted.queue("all", Filters(finding=spot.code))
    assert set(queue.ids.tolist()) == set(spot.image_ids)
    planted.decide([spot.image_ids[0]], "delete")
    planted.dismiss("shortcut_host")
    with planted.database.read() as connection:
        left = {item.code: item.images for item in findings(connection)}
    assert left[spot.code] == spot.image_ids[1:]
    assert "shortcut_host" not in left
    planted.close()
    said = curator("weak", planted.path)
    assert said.status == 0
    assert "judged wrong" in said.out
    assert f"--finding {spot.code}" in said.out
    assert curator("weak", planted.path, "--json").json["run"] == found.run


def test_too_few_images(tmp_path: Path) -> None:
    """Thirty images are said to be too few."""
    made = [Made(1 + n % 2, shares=(0.5, 0.3, 0.2)) for n in range(30)]
    with make(tmp_path / "few", made) as project:
        give_features(project, np.ones((30, 2), np.float32))
        with pytest.raises(NotEnoughData, match="30 images"):
            project.weak_spots()


def test_a_training_looks_and_names_nothing_on_a_mixed_sample(sample: Project) -> None:
    """The sample's planted faults are everywhere alike, so there is no card, and it says so."""
    with sample.database.read() as connection:
        assert weak_spots.kept(connection) == []
    assert "No cluster of like images is judged worse than the rest." in report(sample).fine


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '{"found": 3}',
        '{"found": [{"code": "weak_spot_1"}]}',
        '{"found": [{"code": "x", "problem": "", "fix": "", "rule": "", "images": []}]}',
        '{"found": [{"code": "weak_spot_1", "problem": 1, "fix": "", "rule": "", "images": []}]}',
        '{"found": [{"code": "weak_spot_1", "problem": "", "fix": "", "rule": "", "images": [0]}]}',
    ],
)
def test_what_was_kept_may_be_altered(small: Project, text: str) -> None:
    """Of a project from elsewhere, what has another form is no finding."""
    with small.database.write() as connection:
        connection.execute(schema.meta.insert(), {"key": weak_spots.KEY, "value": text})
    with small.database.read() as connection:
        assert not weak_spots.kept(connection)
        assert not [item for item in findings(connection) if item.code in weak_spots.CODES]
