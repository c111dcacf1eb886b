"""Hashes and what is drawn from them stay as they are, as splits and folds rest on them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from curator import hashing
from curator.learn.folds import assign_folds


def test_what_is_drawn_never_changes() -> None:
    """Values of the first version."""
    assert hashing.place(7, "ab") == (
        "ad6ba0f9c42b016a6bf14509247fa77d122ac655b087f9af890354cdeeaeced4"
    )
    assert hashing.number_of("f" * 64) == 2**60 - 1
    drawn = hashing.draws(np.array([1, 2, 2**60 - 1]), 42)
    assert drawn.tolist() == [4360082295941529955, 151612170299709575, 2231813531674960082]
    keys = np.arange(12) ** 5
    folds = assign_folds(np.arange(12) % 2, np.arange(12), 3, 42, keys)
    assert folds.tolist() == [0, 0, 0, 2, 1, 0, 1, 1, 2, 2, 2, 1]
    assert hashing.sha256_of_json({"b": 1, "a": [2]}) == (
        "41ff4104bc489a1b119b42f479459c997ebbabb27d88a685fab2a7a52089feb5"
    )


def test_pieces_and_files_hash_like_the_whole(tmp_path: Path) -> None:
    """A file of more than one piece, too."""
    data = bytes(range(256)) * 5000
    whole = hashlib.sha256(data).hexdigest()
    (tmp_path / "file").write_bytes(data)
    assert hashing.sha256_of(tmp_path / "file") == whole
    assert hashing.sha256(data[:7], memoryview(data)[7:]) == whole
