"""Poor images by threshold, the odd sizes of a collection, and measuring anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert, select, update

from curator.check.quality import (
    LARGEST_PREVALENCE,
    QUALITY,
    odd_size_scores,
    quality_issues,
    quality_table,
)
from curator.check.remeasure import bring_up_to_date
from curator.errors import JobCancelled
from curator.imaging.measures import MEASURES_VERSION
from curator.project import Project
from curator.store import schema
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD: dict[str, Any] = {
    "class_id": 1,
    "format": "PNG",
    "width": 400,
    "height": 300,
    "bytes": 1,
    "phash": "0" * 16,
    "dark_score": 0.9,
    "light_score": 0.9,
    "low_information_score": 0.8,
    "blurry_score": 0.6,
    "odd_aspect_ratio_score": 0.75,
    "grayscale_score": 1.0,
    "sharpness": 500.0,
    "measures_version": MEASURES_VERSION,
    "added_at": "2026-01-01T00:00:00.000+00:00",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with one class and no image."""
    with Project.create(tmp_path / "project", ["bear"]) as made:
        yield made


def enter(project: Project, *rows: dict[str, Any]) -> None:
    """Enter image rows, good ones but for what ``rows`` say; ids count from 1."""
    with project.database.write() as connection:
        for number, row in enumerate(rows, 1):
            name = {"sha256": f"{number:064}", "file": f"{number}.png"}
            connection.execute(insert(schema.images).values(**GOOD | name | row))


def issues(project: Project) -> dict[str, list[int]]:
    """Give the flagged images by measure."""
    with project.database.read() as connection:
        return quality_issues(connection)


def table(project: Project) -> pd.DataFrame:
    """Give the table of scores and issues."""
    with project.database.read() as connection:
        return quality_table(connection)


def test_each_measure_flags_what_is_below_its_threshold(project: Project) -> None:
    """An image below one threshold is listed under that measure alone, the worst first."""
    stored = [name for name in QUALITY if name != "odd_size_score"]
    rows = [{name: QUALITY[name][0] - 0.01} for name in stored]
    rows += [{"dark_score": 0.1}, *({} for _ in range(12))]
    enter(project, *rows)
    expected = {name: [number] for number, name in enumerate(stored, 1)}
    expected["dark_score"] = [len(stored) + 1, *expected["dark_score"]]
    assert issues(project) == expected


def test_a_score_at_the_threshold_is_no_issue(project: Project) -> None:
    """Only what lies below is flagged."""
    enter(project, {"dark_score": QUALITY["dark_score"][0]}, {}, {})
    assert issues(project) == {}


def test_what_most_images_have_is_no_issue(project: Project) -> None:
    """A measure that flags more than half describes the collection; half itself is reported."""
    enter(project, *({"grayscale_score": 0.0} for _ in range(4)), {}, {}, {}, {})
    assert LARGEST_PREVALENCE == 0.5
    assert issues(project) == {"grayscale_score": [1, 2, 3, 4]}
    project.decide([8], "delete")
    assert issues(project) == {}
    assert table(project)["is_grayscale_issue"].sum() == 4


def test_odd_sizes(project: Project) -> None:
    """Of a collection with two outliers, one tiny and one huge, those two are of an odd size."""
    rng = np.random.default_rng(0)
    rows = [
        {"width": int(width), "height": int(height)}
        for width, height in rng.integers(380, 420, (40, 2))
    ]
    enter(project, *rows, {"width": 30, "height": 30}, {"width": 4000, "height": 3000})
    assert sorted(issues(project)["odd_size_score"]) == [41, 42]
    scores = table(project)["odd_size_score"]
    assert scores.between(0, 1).all()
    assert (scores[:40] > 0.6).all()


def test_odd_size_follows_the_quartiles() -> None:
    """The score is 1 in the middle, half at three quartile ranges, and 0 at twice that distance."""
    sides = np.array([10.0, 20, 30, 40, 50])  # quartiles 20 and 40: ordinary is -40 to 100
    assert odd_size_scores(sides, sides).tolist() == pytest.approx(
        [1 - 20 / 140, 1 - 10 / 140, 1, 1 - 10 / 140, 1 - 20 / 140]
    )
    many = np.array([20.0] * 30 + [40.0] * 30 + [100.0, 170.0, 500.0])
    assert odd_size_scores(many, many)[-3:].tolist() == pytest.approx([0.5, 0, 0])


def test_odd_size_where_all_are_equal() -> None:
    """Where most images have one size, only sizes far from it are odd."""
    side = np.array([64.0] * 20 + [66.0, 90.0, 30.0, 200.0])
    scores = odd_size_scores(side, side)
    assert (scores < 0.5).tolist() == [False] * 22 + [True, True]
    assert scores[0] == 1
    assert odd_size_scores(np.empty(0), np.empty(0)).shape == (0,)


def test_table(project: Project) -> None:
    """Engineers get every score with its flag, under cleanvision's names, by image."""
    enter(project, {"dark_score": 0.2}, {"grayscale_score": None}, {}, {})
    project.decide([3], "delete")
    found = table(project)
    names = ["dark", "light", "low_information", "blurry", "odd_aspect_ratio", "odd_size"]
    names += ["grayscale"]
    columns = [column for name in names for column in (f"{name}_score", f"is_{name}_issue")]
    assert list(found) == ["image_id", *columns]
    assert found["image_id"].tolist() == [1, 2, 4]
    assert found["is_dark_issue"].tolist() == [True, False, False]
    assert found["grayscale_score"].isna().tolist() == [False, True, False]
    assert not found["is_grayscale_issue"].any()
    assert {str(found[column].dtype) for column in columns} == {"float64", "bool"}


def test_table_of_an_empty_project(project: Project) -> None:
    """Without images there are the columns, and no issue."""
    assert len(table(project)) == 0
    assert "is_odd_size_issue" in table(project)
    assert issues(project) == {}


# Measuring anew


MEASURED = [schema.images.c[name] for name in (*GOOD, "id") if name != "added_at"]


def stored(project: Project) -> list[tuple[Any, ...]]:
    """Give all measures of all images."""
    with project.database.read() as connection:
        return [
            tuple(r) for r in connection.execute(select(*MEASURED).order_by(schema.images.c.id))
        ]


def age(project: Project, **values: Any) -> None:
    """Make all measures look like those of older formulas."""
    with project.database.write() as connection:
        connection.execute(update(schema.images).values(measures_version=0, **values))


class Counting:
    """A progress that can be asked to stop after some images."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.total: int | None = None
        self.done = 0
        self.counts: dict[str, int] = {}
        self._stop_after = stop_after

    def begin(self, _message: str, total: int | None = None) -> None:
        """Note the number of images."""
        self.total = total

    def advance(self, items: int = 1, **counts: int) -> None:
        """Count, and raise as a cancelled job does."""
        self.done += items
        for name, number in counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        if self.done >= self._stop_after:
            raise JobCancelled("Cancelled.")


def test_old_measures_are_made_again(small: Project) -> None:
    """Images that older formulas measured get the measures of new ones, once."""
    fresh = stored(small)
    age(small, dark_score=0.0, sharpness=None, grayscale_score=None)
    assert stored(small) != fresh
    assert bring_up_to_date(small) == 30
    assert stored(small) == fresh
    assert bring_up_to_date(small) == 0


def test_what_cannot_be_measured_is_left(small: Project) -> None:
    """A lost, a damaged and an exchanged original keep their measures; the others go on."""
    paths = sorted(small.originals.rglob("*.png"))
    paths[0].unlink()
    paths[1].write_bytes(b"damaged")
    paths[2].write_bytes(encoded(picture(999)))
    age(small, dark_score=0.0)
    progress = Counting()
    assert bring_up_to_date(small, progress) == 27  # type: ignore[arg-type]
    assert (progress.total, progress.done) == (30, 30)
    assert progress.counts == {"measured": 27, "unreadable": 3}
    with small.database.read() as connection:
        query = select(schema.images.c.sha256).where(schema.images.c.dark_score == 0)
        left = {row.sha256 for row in connection.execute(query)}
    assert left == {path.stem for path in paths[:3]}
    assert bring_up_to_date(small) == 0


def test_a_cancelled_call_keeps_what_it_did(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measuring goes on where a cancelled call stopped."""
    monkeypatch.setattr("curator.check.remeasure.BATCH", 8)
    age(small)
    with pytest.raises(JobCancelled):
        bring_up_to_date(small, Counting(stop_after=16))  # type: ignore[arg-type]
    assert bring_up_to_date(small) == 14
