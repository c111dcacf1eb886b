"""Everything in an order, a window at a time, against sorting in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from curator.errors import InputError, UnknownClass
from curator.project import Project
from curator.review.browsing import SORTS, WINDOW, cells, open_grid
from curator.review.counts import count, flagged
from curator.review.overview import overview
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import open_queue
from curator.review.status import next_step, status
from curator.store import schema
from tests.review.made_up import Made, make

if TYPE_CHECKING:
    from pathlib import Path

MADE = [
    Made(1, shares=(0.9, 0.05, 0.05), origins=("https://b.org/1.jpg",)),
    Made(2, shares=(0.7, 0.2, 0.1), seen_as=2, issue=True, origins=("https://a.org/2.jpg",)),
    Made(1, action="delete", shares=(0.1, 0.8, 0.1)),
    Made(1, shares=(0.3, 0.6, 0.1), issue=True, outlier=0.1, origins=("here/3.jpg",)),
    Made(2),  # the run has not seen it
    Made(1, "relabel", 2, shares=(0.01, 0.98, 0.01), group=6),
    Made(1, group=6, outlier=0.5, dark=0.05),
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The images of :data:`MADE`, each of another size, larger with the id but for the first."""
    made = make(tmp_path / "made", MADE)
    with made.database.write() as connection:
        for image_id in range(1, len(MADE) + 1):
            size = 9000 if image_id == 1 else 1000 + image_id
            table = schema.images
            connection.execute(update(table).where(table.c.id == image_id).values(bytes=size))
    return made


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        # By the score of the present label; what has none comes last, by id.
        ("suspicion", [2, 4, 1, 5, 6, 7]),
        ("newest", [7, 6, 5, 4, 2, 1]),
        ("size", [1, 7, 6, 5, 4, 2]),
        # a.org, b.org, three of example.org by id, and last the file.
        ("source", [2, 1, 5, 6, 7, 4]),
    ],
)
def test_orders_hold_every_live_image_once(project: Project, sort: str, ids: list[int]) -> None:
    """Each order is total, leaves out what is deleted, and narrows to a class by leaving out."""
    assert open_grid(project, sort).ids.tolist() == ids
    of_class = [i for i in ids if MADE[i - 1].present == 2]
    assert open_grid(project, sort, "B").ids.tolist() == of_class


def test_the_order_at_first(project: Project, tmp_path: Path) -> None:
    """By suspicion where a run ranks, else the newest first; an empty project has an empty one."""
    assert (open_grid(project).sort, open_grid(project).run_id) == ("suspicion", 1)
    empty = Project.create(tmp_path / "empty", ["a", "b"])
    for sort in ("", *SORTS):
        assert len(open_grid(empty, sort)) == 0
    assert open_grid(empty).sort == "newest"
    with pytest.raises(InputError, match="no order"):
        open_grid(project, "colour")
    with pytest.raises(UnknownClass):
        open_grid(project, label="zebra")
    two = open_grid(project, "newest").ids[:2].tolist()
    project.add_concept("night", two)
    assert open_grid(project, "newest", concept="Night").ids.tolist() == two
    with pytest.raises(InputError, match="There is no concept 'day'"):
        open_grid(project, concept="day")


def test_a_window_shows_what_is_so_now(project: Project) -> None:
    """Places beyond the ends are left out; a decision changes the cell and not its place."""
    grid = open_grid(project, "suspicion")
    assert [cell.id for cell in grid.window(-5, 2)] == [2, 4]
    assert [cell.id for cell in grid.window(4, 99)] == [6, 7]
    assert grid.window(6, 9) == []
    assert len(cells(project, grid.ids[:0], None)) == 0
    assert WINDOW >= 2000
    wrong = grid.window(0, 1)[0]
    assert (wrong.label, wrong.predicted, wrong.state) == ("b", "a", "new")
    assert wrong.confidence == pytest.approx(0.7)
    unseen = grid.window(3, 4)[0]
    assert (unseen.id, unseen.predicted, unseen.confidence) == (5, None, None)
    moved = next(cell for cell in grid.window(0, 9) if cell.id == 6)
    assert (moved.label, moved.relabelled) == ("b", True)

    project.decide([wrong.id], "relabel", "a", seen={wrong.id: wrong.decision_id})
    after = grid.window(0, 1)[0]
    assert (after.id, after.label, after.state, after.relabelled) == (2, "a", "kept", True)
    assert after.decision_id is not None
    project.undo()
    assert grid.window(0, 1)[0].state == "new"


def test_signs_say_what_their_queues_hold(project: Project) -> None:
    """A class's numbers are its queue's; sums are those that status counts."""
    rows = overview(project)
    assert {row.label: row.images for row in rows} == count(project).classes
    assert [row.newest for row in rows] == [(7, 4, 1), (6, 5, 2), ()]
    assert [(row.train, row.valid) for row in rows] == [(3, 0), (3, 0), (0, 0)]
    signs = {row.label: {sign.queue: sign for sign in row.signs if sign.queue} for row in rows}
    suspicious = [found["suspicious"].count for found in signs.values() if "suspicious" in found]
    assert sum(suspicious) == flagged(project)
    for label, found in signs.items():
        for queue in ("duplicates", "two classes", "problems"):
            held = len(open_queue(project, queue, Filters(label=label)))
            assert held == (found[queue].count if queue in found else 0), (label, queue)
    assert signs["a"]["outliers"].words == "1 outlier"  # of two with a score one is unusual
    assert [sign.words for sign in rows[2].signs] == ["no image"]


def test_the_next_step_is_one(project: Project, tmp_path: Path) -> None:
    """It leads where the status says that something is to be done, with its sentence."""
    found = status(project)
    step = next_step(found)
    assert found.station(step.station).state != "done"
    assert step.sentence == found.station(step.station).sentence
    assert next_step(status(Project.create(tmp_path / "empty", ["a", "b"]))).station == "collect"
