"""Pictures decoded once: uint8 squares on disk, found by content, shared by every later epoch.

A square holds the centre crop that predictions use, pixel by pixel, and the margin around it that
the short side leaves. At a short side of 256 it takes 197 kB.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from curator.encode.backbones import PREPROCESSING_VERSION
from curator.encode.feature_cache import FeatureCache
from curator.encode.preprocess import prepare_image
from curator.errors import JobCancelled
from curator.hashing import sha256
from curator.imaging.decoding import Rejected, decode
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone
    from curator.files import Readable

# Written at a time, 12 MB at 256 px: an append waits for the disk.
_APPEND = 64


def square_side(backbone: Backbone) -> int:
    """Side in pixels of the squares kept for ``backbone``: its ``size`` and the margin.

    The margin is even on each side: halves then round alike for the square and for the crop, which
    makes the square's centre exactly what a prediction sees.
    """
    return backbone.size + 4 * ((backbone.resize - backbone.size) // 4)


def pixel_cache(folder: Path, backbone: Backbone) -> FeatureCache:
    """The squares below ``folder``; backbones that see alike share them."""
    side = square_side(backbone)
    key = f"pixels-{side}-of-{backbone.resize}-{backbone.interpolation}-p{PREPROCESSING_VERSION}"
    return FeatureCache(folder, key, 3 * side * side, dtype="uint8")


class StoredPixels:
    """The squares of ``digests`` (SHA-256, all in ``cache``), read batch by batch."""

    def __init__(self, cache: FeatureCache, digests: Sequence[str], backbone: Backbone) -> None:
        self._cache = cache
        self._digests = np.array(digests, dtype="U64")
        self.side = square_side(backbone)
        joined = f"{cache.folder.name}|{'|'.join(digests)}"
        self.identity = sha256(joined.encode())

    def __len__(self) -> int:
        return len(self._digests)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures of those rows, (len(rows), 3, side, side), copied."""
        found = self._cache.rows(self._digests[rows].tolist())
        return found.reshape(len(rows), 3, self.side, self.side)


def ensure_pixels(
    items: Sequence[tuple[str, Readable]],
    cache: FeatureCache,
    backbone: Backbone,
    progress: Callable[[int], None] = lambda _done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[tuple[str, str]]:
    """Bring ``cache`` (:func:`pixel_cache`) up to date with ``items`` (SHA-256, file).

    ``progress`` gets the number of different images dealt with, those that were there included.
    Returns (SHA-256, sentence) for each image that cannot be decoded; the others go on. Raises
    :class:`~curator.errors.JobCancelled`; what was decoded before stays.
    """
    files = dict(items)
    missing = cache.missing(list(files))
    done = len(files) - len(missing)
    progress(done)
    work = iter(missing)
    failed: list[tuple[str, str]] = []
    waiting: deque[tuple[str, Future[NDArray[np.uint8] | str]]] = deque()
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="decode") as pool:

        def submit(count: int) -> None:
            for digest in itertools.islice(work, count):
                waiting.append((digest, pool.submit(_square, files[digest], backbone)))

        try:
            submit(2 * _APPEND)
            while waiting:
                if cancelled():
                    raise JobCancelled(
                        f"Stopped after {done} of {len(files)} images.",
                        "Start it again to go on from there.",
                    )
                ready = [waiting.popleft() for _ in range(min(_APPEND, len(waiting)))]
                results = [(digest, future.result()) for digest, future in ready]
                submit(_APPEND)
                failed += [(digest, text) for digest, text in results if isinstance(text, str)]
                good = [(digest, row) for digest, row in results if not isinstance(row, str)]
                if good:
                    cache.append([digest for digest, _ in good], np.stack([row for _, row in good]))
                done += len(results)
                progress(done)
        finally:
            for _, future in waiting:
                future.cancel()
    return failed


def _square(file: Readable, backbone: Backbone) -> NDArray[np.uint8] | str:
    """The square of a file as one row, or why there is none."""
    try:
        image = decode(file.read_bytes(), at_least=backbone.resize)
    except Rejected as error:
        return f"{file.name}: {error.detail}"
    except OSError as error:
        return f"{file} could not be read: {error.strerror or error}."
    side = square_side(backbone)
    whole = dataclasses.replace(backbone, size=side, crop=side / backbone.resize)
    return prepare_image(image, whole).reshape(-1)
