"""Which of a group to keep: the largest, then the sharpest, then most bytes, then the oldest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from curator.check.duplicates.keepers import keepers, twins
from curator.project import Project
from tests.check.duplicates.test_candidates import write
from tests.check.photos import halved, mirrored, photo

if TYPE_CHECKING:
    from pathlib import Path


def test_the_order_of_reasons() -> None:
    """Each reason decides where those before it are equal; an unknown sharpness comes last."""
    rows = [
        # group, width, height, sharpness, bytes
        (1, 10, 10, 9.0, 900),
        (1, 20, 10, 1.0, 100),  # largest
        (2, 10, 10, 1.0, 900),
        (2, 20, 5, 2.0, 100),  # sharpest
        (3, 10, 10, None, 900),
        (3, 10, 10, 0.0, 100),  # sharpness known
        (4, 10, 10, 1.0, 100),
        (4, 10, 10, 1.0, 101),  # most bytes
        (5, 10, 10, 1.0, 100),  # oldest
        (5, 10, 10, 1.0, 100),
    ]
    columns = ["group_id", "width", "height", "sharpness", "bytes"]
    table = pd.DataFrame(rows, columns=columns).assign(image_id=range(1, 11))
    assert keepers(table) == [2, 4, 6, 8, 9]
    assert keepers(table.iloc[::-1]) == [2, 4, 6, 8, 9]
    assert keepers(table.assign(sharpness=None)) == [2, 3, 5, 8, 9]
    assert keepers(table.iloc[:0]) == []


@pytest.mark.slow
def test_the_keeper_follows_what_is_there(tmp_path: Path) -> None:
    """A deleted keeper is succeeded by the best that is left; a group of one has none."""
    made = {"a.png": halved(photo(1)), "b.png": photo(1), "c.png": mirrored(halved(photo(1)))}
    with Project.create(tmp_path / "p") as project:
        project.import_files(write(tmp_path / "in", made))
        project.check()
        kept = []
        for _ in range(3):
            with project.database.read() as connection:
                table = twins(connection)
            kept.append(keepers(table))
            project.decide(kept[-1], "delete")
    sizes = [len(ids) for ids in kept]
    assert sizes == [1, 1, 0]
    assert kept[0] == [2]
