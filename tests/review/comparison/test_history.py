"""What a stretch of the ledger came to."""

from __future__ import annotations

from curator.project import Project
from curator.review.comparison.history import changes
from curator.store import images, ledger_log

NOTHING = {"relabelled": 0, "left_out": 0, "brought_back": 0, "confirmed": 0, "unsure": 0}


def position(project: Project) -> int:
    """Give the id of the last decision."""
    with project.database.read() as connection:
        return ledger_log.position(connection)


def between(project: Project, after: int, until: int) -> dict[str, int]:
    """Give the changes between two positions."""
    with project.database.read() as connection:
        return changes(connection, after, until)


def test_each_image_counts_once_by_where_it_ended(small: Project) -> None:
    """Back and forth on one image is one change; what was undone is none."""
    with small.database.read() as connection:
        ids = images.live(connection)["image_id"].tolist()
    assert between(small, 0, 0) == NOTHING
    small.decide(ids[:3], "delete")
    small.decide(ids[:1], "keep")
    small.decide([ids[3]], "relabel", "owl")
    small.decide([ids[4]], "unsure")
    small.decide([ids[5]], "delete")
    small.undo()
    middle = position(small)
    wanted = {**NOTHING, "confirmed": 1, "left_out": 2, "relabelled": 1, "unsure": 1}
    assert between(small, 0, middle) == wanted
    small.decide([ids[1]], "keep")
    small.decide([ids[2]], "none")
    end = position(small)
    assert between(small, middle, end) == {**NOTHING, "brought_back": 1}
    assert between(small, 0, end) == {**wanted, "confirmed": 2, "left_out": 1}
