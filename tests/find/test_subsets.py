"""Subsets: what is chosen covers, is typical, is balanced, and is the same every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.errors import InputError, NotEnoughData
from curator.find.subsets import k_centre
from tests.review.made_up import Made

if TYPE_CHECKING:
    from curator.project import Project
    from tests.find.test_likeness import Build


def clusters(sizes: list[int], seed: int = 0) -> np.ndarray:
    """Give features around as many directions as there are sizes, group by group."""
    random = np.random.default_rng(seed)
    middles = np.eye(len(sizes), 12, dtype=np.float32)
    rows = np.repeat(middles, sizes, axis=0)
    noise = 0.05 * random.standard_normal(rows.shape)
    return np.asarray(rows + noise, np.float32)


def test_diverse_covers_all_there_is(featured: Build) -> None:
    """Six groups, one of a single image: six diverse images are one of each; chance misses some."""
    sizes = [60, 40, 30, 20, 9, 1]
    group = np.repeat(np.arange(6), sizes)
    project = featured([Made() for _ in group], clusters(sizes))
    found = project.subset(6, "diverse")
    assert sorted(group[[key - 1 for key in found.image_ids]]) == list(range(6))
    assert project.subset(6, "diverse") == found
    assert len({*project.subset(6, "random").image_ids}) == 6
    project.seed += 1
    assert project.subset(6, "random").image_ids != found.image_ids
    assert len(set(project.subset(500, "diverse").image_ids)) == 160  # all there are


def test_typical_images_lie_in_the_middle(featured: Build) -> None:
    """Of each class by its share, or as many of each; a stranger among them is not chosen."""
    features = clusters([30, 10])
    features[5], features[35] = -features[20], -features[31]
    project = featured([Made(given=1 if i < 30 else 2) for i in range(40)], features)
    found = project.subset(8, "typical")
    assert found.counts == {"a": 6, "b": 2}
    assert not {6, 36} & set(found.image_ids)
    assert project.subset(8, "typical", balanced=True).counts == {"a": 4, "b": 4}
    assert project.subset(30, "random", balanced=True).counts == {"a": 20, "b": 10}
    assert "6 a, 2 b" in found.sentence


def test_near_duplicates_count_once(featured: Build) -> None:
    """Of a group the best to keep alone can be chosen, and nothing that is left out."""
    project = featured([Made(group=1 + i // 5) for i in range(20)], clusters([20]))
    project.decide([1, 2, 3, 4, 5], "delete")
    found = project.subset(20, "random", without_duplicates=True)
    assert sorted((key - 1) // 5 for key in found.image_ids) == [1, 2, 3]


def test_what_cannot_be_chosen(small: Project) -> None:
    """No features, no such way, a number that is none; chance needs no features."""
    assert len(small.subset(3, "random").image_ids) == 3
    with pytest.raises(NotEnoughData, match="curator check"):
        small.subset(3, "diverse")
    with pytest.raises(InputError, match="'best' is no way"):
        small.subset(3, "best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 images"):
        small.subset(0, "random")


def test_equal_rows_are_chosen_once_each() -> None:
    """Where all are the same, each place is still chosen once."""
    assert sorted(k_centre(np.ones((5, 3), np.float32), 5).tolist()) == list(range(5))
