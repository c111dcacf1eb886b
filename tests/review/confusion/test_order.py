"""The order that puts confused classes side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from curator.review.confusion.order import by_confusion

matrices = array_shapes(min_dims=1, max_dims=1, min_side=0, max_side=12).flatmap(
    lambda shape: arrays(np.int64, (shape[0], shape[0]), elements=st.integers(0, 9))
)


def pairs(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often two classes are taken for each other, above the diagonal."""
    return np.triu(counts + counts.T, k=1)


@given(matrices)
def test_every_class_has_one_place(counts: NDArray[np.int64]) -> None:
    """The order is a permutation of the classes."""
    assert sorted(by_confusion(counts)) == list(range(len(counts)))


@given(matrices)
def test_the_most_confused_pair_is_side_by_side(counts: NDArray[np.int64]) -> None:
    """Of the pairs that hold most, the first stands side by side."""
    shared = pairs(counts)
    if shared.any():
        one, other = np.unravel_index(shared.argmax(), shared.shape)
        order = by_confusion(counts)
        assert abs(order.index(int(one)) - order.index(int(other))) == 1


@given(matrices)
def test_neighbours_hold_at_least_half_of_what_they_could(counts: NDArray[np.int64]) -> None:
    """Joining strongest first holds at least half as much as any order does, checked on two."""
    shared = pairs(counts) + pairs(counts).T
    order = by_confusion(counts)
    held = sum(int(shared[a, b]) for a, b in pairwise(order))
    for other in (list(range(len(counts))), list(np.argsort(shared.sum(axis=0)))):
        could = sum(int(shared[a, b]) for a, b in pairwise(other))
        assert 2 * held >= could


@given(matrices, st.integers(1, 5))
def test_only_confusion_counts(counts: NDArray[np.int64], times: int) -> None:
    """Neither the diagonal, nor the direction, nor the number of images changes the order."""
    order = by_confusion(counts)
    assert by_confusion(counts.T) == order
    assert by_confusion(counts * times + np.diag(np.arange(len(counts)))) == order


def test_classes_without_confusion_stay_last_and_in_order() -> None:
    """Two groups that are confused among themselves come first, stronger group first."""
    counts = np.zeros((7, 7), dtype=np.int64)
    counts[1, 5], counts[5, 3] = 4, 3
    counts[0, 6] = 5
    assert by_confusion(counts) == [1, 5, 3, 0, 6, 2, 4]
    assert by_confusion(np.diag([3, 4, 5])) == [0, 1, 2]


def test_a_table_that_is_not_square_is_refused() -> None:
    """The error says what shape was given."""
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        by_confusion(np.zeros((2, 3), dtype=np.int64))
