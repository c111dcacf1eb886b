"""The features of all images of a project as they lie on disk, to be compared with anything.

Those of the bundled network unless told, which every check computes: what was found stays found
when another network is trained on. Nothing is encoded here. In memory there are about 100 bytes an
image; the features themselves are a memory map that is read from front to back.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache
from curator.errors import NotEnoughData
from curator.store import schema

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.encode.backbones import Backbone
    from curator.encode.feature_cache import FeatureCache
    from curator.store.workspace import Workspace

_AT_ONCE = 2048  # rows whose length is taken at once: 10 MB
_REMEMBERED = 4  # projects, times the networks that were asked about
_SAME = 1e-3  # distance under which directions are rounding


@dataclass(frozen=True, eq=False)
class Features:
    """The features that there are, by image.

    ``ids`` (N,): images that have features, whatever their state, by id. ``places`` (N,): their row
    on disk. ``rows`` (M, D): every row on disk, float32, a read-only memory map. ``lengths`` (M,):
    of the rows, positive. ``middle`` (D,): the mean of all features of length 1; ``spread`` (N,):
    how far from it each image is. ``lacking``: images that have no features yet.
    """

    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    rows: NDArray[np.float32]
    lengths: NDArray[np.float32]
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    lacking: int

    def __len__(self) -> int:
        return len(self.ids)

    def products(self, direction: NDArray[np.float32]) -> NDArray[np.float32]:
        """Product (N,) of each image's features, of length 1, with ``direction`` (D,).

        Exact: one pass over all that is on disk, since rows that are read in their order come
        several times as fast as those that are picked.
        """
        found: NDArray[np.float32] = (self.rows @ direction / self.lengths)[self.places]
        return found

    def likeness(self, units: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine (N,), -1..1, of each image with the mean direction of ``units`` (n, D).

        Directions are taken from the middle of all images: what all have in common says nothing.
        0 where all images are the same.
        """
        away = units - self.middle
        lengths = np.linalg.norm(away, axis=1, keepdims=True)
        middle = (away / np.where(lengths > _SAME, lengths, 1)).mean(axis=0)
        direction = (middle / (float(np.linalg.norm(middle)) or 1.0)).astype(np.float32)
        product = self.products(direction) - self.middle @ direction
        apart = self.spread > _SAME
        found = np.where(apart, product / np.where(apart, self.spread, 1), 0)
        return np.clip(found, -1, 1).astype(np.float32)

    def units(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, D) of these images, of length 1. Raises NotEnoughData where one has none."""
        where = np.searchsorted(self.ids, ids)
        known = self.ids[np.minimum(where, len(self.ids) - 1)] == ids if len(self.ids) else ids < 0
        if not known.all():
            raise no_features(f"Image {ids[~known][0]} has")
        places = self.places[where]
        found: NDArray[np.float32] = self.rows[places] / self.lengths[places, None]
        return found


def has_features(workspace: Workspace) -> bool:
    """Whether any image has features yet. Raises FileError."""
    return bool(len(feature_cache(workspace, describe(DEFAULT))))


def no_features(who: str) -> NotEnoughData:
    """What is said where ``who`` ("Image 3 has", "The images have") lacks features."""
    return NotEnoughData(
        f"{who} no features yet.", "Run `curator check PROJECT` first: it computes them."
    )


class _Kept:
    """What is known of one project between two questions; only what is new is read."""

    def __init__(self, cache: FeatureCache) -> None:
        self._cache = cache
        self._ids = np.empty(0, dtype=np.int64)
        self._digests: list[str] = []
        self._lengths = np.empty(0, dtype=np.float32)
        self._file = 0
        self._found: Features | None = None

    def features(self, connection: Connection) -> Features:
        table = schema.images.c
        newest = int(self._ids[-1]) if len(self._ids) else 0
        query = select(table.id, table.sha256).where(table.id > newest).order_by(table.id)
        new = connection.execute(query).all()
        self._ids = np.append(self._ids, np.array([row.id for row in new], dtype=np.int64))
        self._digests += [row.sha256 for row in new]
        file, rows = self._cache.on_disk()
        if (
            self._found is not None
            and not new
            and (file, len(rows))
            == (
                self._file,
                len(self._found.rows),
            )
        ):
            return self._found
        if file != self._file:
            self._lengths = self._lengths[:0]
        self._file = file
        self._measure(rows)
        places = self._cache.places(self._digests)
        there = places >= 0
        places = places[there]
        counted = (np.bincount(places, minlength=len(rows)) / self._lengths).astype(np.float32)
        middle = (counted @ rows / max(1, len(places))).astype(np.float32)
        towards = (rows @ middle / self._lengths)[places]
        spread = np.sqrt(np.maximum(1 - 2 * towards + middle @ middle, 0)).astype(np.float32)
        ids, lacking = self._ids[there], int((~there).sum())
        self._found = Features(ids, places, rows, self._lengths, middle, spread, lacking)
        return self._found

    def _measure(self, rows: NDArray[np.float32]) -> None:
        found = [self._lengths]
        for start in range(len(self._lengths), len(rows), _AT_ONCE):
            piece = rows[start : start + _AT_ONCE]
            length = np.sqrt(np.einsum("nd,nd->n", piece, piece))
            found.append(np.where(length > 0, length, np.float32(1)))
        self._lengths = np.concatenate(found)


_kept: OrderedDict[tuple[Path, str], _Kept] = OrderedDict()
_lock = threading.Lock()


def features_of(
    workspace: Workspace, connection: Connection, backbone: Backbone | None = None
) -> Features:
    """The features of a project's images as they are now; of the bundled network unless told.

    What was read before is kept, so that the second question costs little more than the product.
    Raises FileError.
    """
    backbone = backbone or describe(DEFAULT)
    with _lock:
        which = workspace.features, backbone.key
        kept = _kept.pop(which, None)
        if kept is None:
            kept = _Kept(feature_cache(workspace, backbone))
        _kept[which] = kept
        while len(_kept) > _REMEMBERED:
            _kept.popitem(last=False)
        return kept.features(connection)
