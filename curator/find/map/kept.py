"""The map as it lies in the project's folder, and what of it still counts.

One file of plain arrays (safetensors: no code in it, and no array beyond the file's own size). A
project may come from anyone, so what is read is checked: names, types, sizes and ranges.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import DEFAULT, describe
from curator.errors import ProjectAltered
from curator.files import write_atomic
from curator.find.map.projection import AXES, MOST_FITTED, Projection
from curator.store import images, schema
from curator.trust import plain_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

NAME = "map.safetensors"
State = Literal["none", "partial", "ready", "other features"]
_VERSION = "2"
_LARGEST = 10**8  # bytes: 4 million images
_TYPES = {
    "image_ids": np.int64,
    "places": np.float32,
    "mean": np.float32,
    "axes": np.float32,
    "anchors": np.float32,
    "points": np.float32,
    "left_out": np.int64,
}


@dataclass(frozen=True, eq=False)
class ImageMap:
    """Where each live image lies.

    ``image_ids`` (n,): ascending; ``points`` (n, 2): -1..1, float32.
    """

    image_ids: NDArray[np.int64]
    points: NDArray[np.float32]
    features: str
    """Key of the network whose features it shows."""
    method: str
    made: str
    """When the plane was fitted, UTC."""
    left_out: NDArray[np.int64]
    """Images (m,) that have no place since they could not be read, ascending."""

    def __len__(self) -> int:
        return len(self.image_ids)


@dataclass(frozen=True, eq=False)
class Kept:
    """All of the file: every image that was ever placed, and what places another."""

    shown: ImageMap
    projection: Projection


def place_of(workspace: Workspace) -> Path:
    """Where the file lies. Raises ProjectAltered where that is no plain file."""
    return plain_file(workspace.features / NAME)


def read_all(workspace: Workspace) -> Kept | None:
    """All of the file; None where there is none. Raises ProjectAltered, FileError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = place_of(workspace)
    if not path.exists():
        return None
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise _altered(path, f"it has {size:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise _altered(path, f"it cannot be read ({error.strerror or error})") from error
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        words = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError, KeyError, RecursionError, TypeError) as error:
        raise _altered(path, "it is no file of plain arrays") from error
    if problem := _wrong(arrays, words):
        raise _altered(path, problem)
    return Kept(
        ImageMap(
            arrays["image_ids"],
            arrays["places"],
            str(words["features"])[:100],
            str(words["method"])[:100],
            str(words["made"])[:100],
            arrays["left_out"],
        ),
        Projection(*(arrays[name] for name in ("mean", "axes", "anchors", "points"))),
    )


def read(workspace: Workspace) -> ImageMap | None:
    """The map of the images that are still live; None where there is none.

    Raises ProjectAltered for a file that the curator did not write.
    """
    kept = read_all(workspace)
    if kept is None:
        return None
    with workspace.database.read() as connection:
        query = select(schema.current.c.image_id).where(images.LIVE)
        live = np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
    shown = kept.shown
    still = np.isin(shown.image_ids, live)
    return replace(
        shown,
        image_ids=shown.image_ids[still],
        points=shown.points[still],
        left_out=shown.left_out[np.isin(shown.left_out, live)],
    )


def write(workspace: Workspace, kept: Kept) -> None:
    """Keep a map in the place of the last one, in one step. Raises FileError."""
    from safetensors.numpy import save

    shown, projection = kept.shown, kept.projection
    arrays = {
        "image_ids": shown.image_ids,
        "places": shown.points,
        "mean": projection.mean,
        "axes": projection.axes,
        "anchors": projection.anchors,
        "points": projection.points,
        "left_out": shown.left_out,
    }
    words = {
        "version": _VERSION,
        "features": shown.features,
        "method": shown.method,
        "made": shown.made,
    }
    plain = {name: np.ascontiguousarray(array, _TYPES[name]) for name, array in arrays.items()}
    write_atomic(place_of(workspace), save(plain, words))


def state(workspace: Workspace) -> State:
    """Whether there is a map, and whether it shows all live images that can be read.

    "partial": images came since. "other features": it is of a network that is compared by no more.
    "none" also for a file that cannot be used: the next map takes its place.
    """
    try:
        found = read(workspace)
    except ProjectAltered:
        return "none"
    if found is None:
        return "none"
    if found.features != describe(DEFAULT).key:
        return "other features"
    with workspace.database.read() as connection:
        number = images.number_live(connection)
    return "ready" if len(found) + len(found.left_out) >= number else "partial"


def _wrong(arrays: dict[str, NDArray[np.generic]], words: object) -> str | None:
    """What is wrong with what a file holds, in words; None where nothing is."""
    if not isinstance(words, dict) or words.get("version") != _VERSION:
        return "it is of another version"
    if not all(isinstance(words.get(name), str) for name in ("features", "method", "made")):
        return "it does not say what it shows"
    types = {name: array.dtype for name, array in arrays.items()}
    if types != {name: np.dtype(wanted) for name, wanted in _TYPES.items()}:
        return "its arrays are others than a map has"
    return _misshapen(arrays) or _out_of_range(arrays)


def _misshapen(arrays: dict[str, NDArray[np.generic]]) -> str | None:
    count, width = arrays["image_ids"].size, arrays["mean"].size
    # What has no first dimension has none of the shapes below.
    fitted, axes = (sum(arrays[name].shape[:1]) for name in ("anchors", "axes"))
    shapes = {
        "left_out": (arrays["left_out"].size,),
        "image_ids": (count,),
        "places": (count, 2),
        "mean": (width,),
        "axes": (axes, width),
        "anchors": (fitted, axes),
        "points": (fitted, 2),
    }
    if any(arrays[name].shape != wanted for name, wanted in shapes.items()):
        return "its arrays do not fit each other"
    if fitted > MOST_FITTED or axes > AXES:
        return f"it was fitted to {fitted:,} images on {axes} axes"
    return None


def _out_of_range(arrays: dict[str, NDArray[np.generic]]) -> str | None:
    ids, left_out = (np.asarray(arrays[name], np.int64) for name in ("image_ids", "left_out"))
    placed = [name for name, kind in _TYPES.items() if kind == np.float32]
    values = {name: np.asarray(arrays[name], np.float32) for name in placed}
    if not all(np.isfinite(array).all() for array in values.values()):
        return "some of its values are no numbers"
    if any(np.abs(values[name]).max(initial=0) > 1 for name in ("places", "points")):
        return "some of its points lie outside of it"
    for each in (ids, left_out):
        if len(each) and not (each[0] > 0 and (each[1:] > each[:-1]).all()):
            return "its images are in no order"
    return "an image is both on it and left out" if np.isin(left_out, ids).any() else None


def _altered(path: Path, problem: str) -> ProjectAltered:
    return ProjectAltered(
        f"{path} is no map of this project: {problem}.",
        "Compute it anew: `curator map PROJECT --anew`.",
    )
