"""Features of every image that has none yet: decode in threads while the network runs.

Only what is missing is decoded and encoded. Memory is bounded by a few batches, whatever the
number of images. It knows nothing of projects: it gets files and caches.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curator.encode.preprocess import prepare_image, prepare_tiny
from curator.errors import JobCancelled
from curator.imaging.decoding import Rejected, decode
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from curator.encode.backbones import Backbone
    from curator.encode.encoder import Encoder
    from curator.encode.feature_cache import FeatureCache
    from curator.files import Readable

BATCH = 32
# Writing to disk for good takes milliseconds, so not each batch: what a kill may cost is bounded
# by these instead.
_ROWS_PENDING = 512
_SECONDS_PENDING = 2.0


@dataclass(frozen=True)
class _Item:
    sha256: str
    file: Readable
    features: bool
    """Whether the features are missing; the thumbnail may be alone in that."""
    flipped: bool
    """Whether those of the mirrored image are missing."""


def extract(
    items: Sequence[tuple[str, Readable]],
    cache: FeatureCache,
    tiny_cache: FeatureCache,
    encoder: Encoder,
    progress: Callable[[int], None] = lambda _done: None,
    cancelled: Callable[[], bool] = lambda: False,
    batch: int = BATCH,
    flip_cache: FeatureCache | None = None,
) -> list[tuple[str, str]]:
    """Bring ``cache`` and ``tiny_cache`` up to date with ``items`` (SHA-256, file).

    ``cache`` gets the backbone's features (dimension as the encoder's), ``tiny_cache`` uint8 rows
    of 3,072 (:func:`curator.encode.preprocess.prepare_tiny`). ``progress`` gets the number of
    different images dealt with so far, those that were in the caches included; ``cancelled`` is
    asked before each batch. ``flip_cache``, if given, gets the features of the images mirrored left
    to right; an image is decoded once for all of it.

    Returns (SHA-256, sentence) for each image that cannot be decoded; the others go on.
    Raises :class:`~curator.errors.JobCancelled`; what was encoded before stays in the caches.
    """
    files = dict(items)
    without_features = set(cache.missing(list(files)))
    without_flipped = set(flip_cache.missing(list(files))) if flip_cache is not None else set()
    todo = without_features | without_flipped | set(tiny_cache.missing(list(files)))
    work = [
        _Item(sha256, file, sha256 in without_features, sha256 in without_flipped)
        for sha256, file in files.items()
        if sha256 in todo
    ]
    done = len(files) - len(work)
    progress(done)
    failed: list[tuple[str, str]] = []
    pending, tiny_pending, flip_pending = (
        _Pending(each) for each in (cache, tiny_cache, flip_cache)
    )
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="decode") as pool:
        batches = _batches(pool, iter(work), encoder.backbone, batch)
        try:
            while True:
                if cancelled():
                    raise JobCancelled(
                        f"Stopped after {done} of {len(files)} images.",
                        "Start it again to go on from there.",
                    )
                results = next(batches, None)
                if results is None:
                    break
                for item, result in results:
                    if isinstance(result, str):
                        failed.append((item.sha256, result))
                good = [(item, r) for item, r in results if not isinstance(r, str)]
                plain = [(item.sha256, pixels) for item, (pixels, _) in good if item.features]
                mirrored = [
                    (item.sha256, pixels[:, :, ::-1]) for item, (pixels, _) in good if item.flipped
                ]
                for wanted, there in ((plain, pending), (mirrored, flip_pending)):
                    if wanted:
                        features = encoder.encode(np.stack([pixels for _, pixels in wanted]))
                        there.add([sha256 for sha256, _ in wanted], features)
                if good:
                    tiny_pending.add(
                        [i.sha256 for i, _ in good], np.stack([t for _, (_, t) in good])
                    )
                done += len(results)
                progress(done)
        finally:
            batches.close()  # waiting decodes are dropped
            for each in (pending, tiny_pending, flip_pending):
                each.flush()
    return failed


_Pixels = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _batches(
    pool: ThreadPoolExecutor, work: Iterator[_Item], backbone: Backbone, batch: int
) -> Generator[list[tuple[_Item, _Pixels | str]], None, None]:
    """Batches of each item with its pixels, or its error text, decoded two batches ahead."""
    waiting: deque[tuple[_Item, Future[_Pixels | str]]] = deque()

    def submit(count: int) -> None:
        for item in itertools.islice(work, count):
            waiting.append((item, pool.submit(_read, item.file, backbone)))

    try:
        submit(2 * batch)
        while waiting:
            ready = [waiting.popleft() for _ in range(min(batch, len(waiting)))]
            results = [(item, future.result()) for item, future in ready]
            submit(batch)
            yield results
    finally:
        for _, future in waiting:
            future.cancel()


def _read(file: Readable, backbone: Backbone) -> _Pixels | str:
    """:func:`pixels_of` a file, or why there are none."""
    try:
        return pixels_of(file.read_bytes(), backbone)
    except Rejected as error:
        return f"{file.name}: {error.detail}"
    except OSError as error:
        return f"{file} could not be read: {error.strerror or error}."


def pixels_of(content: bytes, backbone: Backbone) -> _Pixels:
    """What the network and the baselines see: (3, size, size) and (3072,), uint8.

    Raises Rejected.
    """
    image = decode(content, at_least=backbone.resize)
    return prepare_image(image, backbone), prepare_tiny(image)


@dataclass
class _Pending:
    """Rows on their way to a cache; none ever come where it is None."""

    cache: FeatureCache | None
    digests: list[str] = field(default_factory=list)
    rows: list[NDArray[Any]] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def add(self, digests: list[str], rows: NDArray[Any]) -> None:
        self.digests += digests
        self.rows.append(rows)
        late = time.monotonic() - self.since > _SECONDS_PENDING
        if late or len(self.digests) >= _ROWS_PENDING:
            self.flush()

    def flush(self) -> None:
        if self.digests and self.cache is not None:
            self.cache.append(self.digests, np.concatenate(self.rows))
        self.digests, self.rows, self.since = [], [], time.monotonic()
