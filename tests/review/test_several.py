"""Reviewers in processes of their own lose nothing of each other, not on the same images either."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from curator.store import schema
from tests.large import large_project
from tests.review.several import ACTIONS, decided

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.on_server_too


@pytest.mark.slow
@pytest.mark.parametrize(
    "count", [32, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])]
)
def test_two_reviewers_at_once(count: int, tmp_path: Path) -> None:
    """Every decision is in the ledger, each follows the one before, and the last one holds."""
    with large_project(tmp_path / "p", 2 * count) as project:
        # Half of their images are the same, on which they never say the same at once.
        took = decided(project.path, {"Ada": 1, "Ben": 1 + count // 2}, count)
        table, now = schema.decisions.c, schema.current.c
        with project.database.read() as connection:
            rows = connection.execute(select(schema.decisions).order_by(table.id)).all()
            current = {row.image_id: row for row in connection.execute(select(schema.current))}
            waiting = connection.execute(select(now.image_id).where(now.state == "new")).all()
    assert {name: len(seconds) for name, seconds in took.items()} == {"Ada": count, "Ben": count}
    assert len(rows) == 2 * count
    for name, first in (("Ada", 1), ("Ben", 1 + count // 2)):
        own = [row for row in rows if row.by == name]
        assert [row.image_id for row in own] == list(range(first, first + count))
        assert [row.action for row in own] == [ACTIONS[n % 3] for n in range(count)]
    by_image = defaultdict(list)
    for row in rows:
        by_image[row.image_id].append(row)
    for image_id, own in by_image.items():
        assert own[0].state_before == "new"
        for before, after in itertools.pairwise(own):
            assert (after.state_before, after.class_before) == (
                before.state_after,
                before.class_after,
            )
        held = current[image_id]
        assert (held.decision_id, held.state) == (own[-1].id, own[-1].state_after)
    assert len(by_image) == count + count // 2
    assert len(waiting) == 2 * count - len(by_image)
