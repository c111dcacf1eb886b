"""Rows that lie in several places read as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError
from curator.learn.folds import assign_folds
from curator.learn.instant.fit import fit
from curator.learn.instant.rows import Shards
from curator.learn.instant.settings import FitSettings
from tests.learn.instant.test_heads import blobs

if TYPE_CHECKING:
    from pathlib import Path


@given(
    st.lists(st.integers(0, 7), min_size=1, max_size=6),
    st.integers(-3, 40) | st.none(),
    st.integers(-3, 40) | st.none(),
)
def test_any_slice_is_that_of_the_whole(
    sizes: list[int], start: int | None, stop: int | None
) -> None:
    """Empty shards and slices over several of them included."""
    parts = [np.full((size, 2), number, np.float32) for number, size in enumerate(sizes)]
    whole, shards = np.concatenate(parts), Shards(parts)
    assert (len(shards), shards.shape) == (len(whole), whole.shape)
    np.testing.assert_array_equal(shards[start:stop], whole[start:stop])


def test_heads_of_memory_mapped_shards(tmp_path: Path) -> None:
    """They are those of the features in one piece."""
    features, labels = blobs()
    for number, part in enumerate(np.array_split(features, 7)):
        np.save(tmp_path / f"{number}.npy", part)
    shards = Shards([np.load(path, mmap_mode="r") for path in sorted(tmp_path.glob("*.npy"))])
    folds = assign_folds(labels, np.arange(len(labels)))
    every = np.ones(len(labels), bool)
    alone, sharded = (
        fit(rows, labels, folds, every, 3, FitSettings()) for rows in (features, shards)
    )
    np.testing.assert_allclose(sharded.out_of_fold, alone.out_of_fold, atol=1e-3)


def test_shards_of_different_networks() -> None:
    """They are refused, with what differs."""
    with pytest.raises(InputError, match=r"\[2, 3\]"):
        Shards([np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32)])
