"""The map of a project from an attacker is believed only in its own form."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save

from curator.errors import ProjectAltered
from curator.find.map import kept
from curator.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    Arrays = dict[str, np.ndarray]

WORDS = {"version": "2", "features": "x", "method": "y", "made": "z"}


def arrays(**changed: np.ndarray) -> Arrays:
    """Give what a map holds, but for what is changed."""
    return {
        "image_ids": np.arange(1, 5),
        "places": np.zeros((4, 2), np.float32),
        "mean": np.zeros(8, np.float32),
        "axes": np.zeros((3, 8), np.float32),
        "anchors": np.zeros((4, 3), np.float32),
        "points": np.zeros((4, 2), np.float32),
        "left_out": np.empty(0, np.int64),
    } | changed


def claiming(shape: list[int]) -> bytes:
    """Give a file whose header claims an array that is not there."""
    size = 4 * int(np.prod(shape, dtype=object))
    head = json.dumps({"mean": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}})
    return struct.pack("<Q", len(head)) + head.encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a pickle": (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", "plain arrays"),
    "nothing": (b"", "plain arrays"),
    "a long header": (struct.pack("<Q", 1 << 62), "plain arrays"),
    "a huge claim": (claiming([1 << 40, 1 << 10]), "plain arrays"),
    "no words": (save(arrays()), "another version"),
    "a lack": (save({"mean": np.zeros(8, np.float32)}, WORDS), "others than"),
    "another type": (save(arrays(image_ids=np.arange(4.0)), WORDS), "others than"),
    "another size": (save(arrays(places=np.zeros((3, 2), np.float32)), WORDS), "do not fit"),
    "a scalar": (save(arrays(anchors=np.array(1, np.float32)), WORDS), "do not fit"),
    "no number": (save(arrays(mean=np.full(8, np.nan, np.float32)), WORDS), "no numbers"),
    "far out": (save(arrays(points=np.full((4, 2), 9, np.float32)), WORDS), "outside"),
    "left out and on it": (save(arrays(left_out=np.array([3])), WORDS), "both"),
    "twice the same": (save(arrays(image_ids=np.ones(4, np.int64)), WORDS), "no order"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_map_is_refused(name: str, small: Project) -> None:
    """It is named, with the step that mends it, and the page offers a new map."""
    data, problem = HOSTILE[name]
    small.features.mkdir(exist_ok=True)
    (small.features / kept.NAME).write_bytes(data)
    with pytest.raises(ProjectAltered, match=problem) as caught:
        small.kept_map()
    assert kept.NAME in caught.value.problem
    assert "curator map" in caught.value.fix
    assert kept.state(small) == "none"


def test_a_map_that_is_a_link_or_huge(small: Project, tmp_path: Path) -> None:
    """Neither is opened."""
    path = small.features / kept.NAME
    with path.open("wb") as stream:
        stream.truncate(10**9)  # takes no space
    with pytest.raises(ProjectAltered, match="bytes"):
        small.kept_map()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectAltered, match="link"):
        small.kept_map()


def test_images_that_are_none_of_the_projects(small: Project) -> None:
    """A whole map of other ids shows none of them."""
    others = arrays(image_ids=np.arange(9, 13) * 10**6)
    (small.features / kept.NAME).write_bytes(save(others, WORDS))
    shown = small.kept_map()
    assert shown is not None
    assert len(shown) == 0
