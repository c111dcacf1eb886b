"""Features of images while an import takes them in, from the pixels that verifying decoded anyway.

A large photograph takes longer to decode than the network takes to look at it, so nobody decodes it
twice: the verifying process hands on what the network sees of it, and threads of low priority
encode that while the next ones are verified. Whatever goes wrong is met and told of by the next
check, which computes what lacks from the files. A fetch does without: its many threads would wait
for these (1,200 small pictures took half as long again).
"""

from __future__ import annotations

import logging
import queue
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from curator.encode.backbones import DEFAULT, choose, describe
from curator.encode.encoder import Encoder, graph_is_made
from curator.encode.extract import BATCH
from curator.encode.preprocess import TINY_DIMENSION
from curator.encode.project_features import feature_cache, tiny_cache
from curator.platform import cpu_count, give_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from curator.encode.feature_cache import FeatureCache
    from curator.imaging.inspection import VerifiedImage
    from curator.store.workspace import Workspace

MOST_WAITING = 256  # images, of 150 kB each
FEWEST = 128  # images that the network is loaded for; fewer are left to the check
_GATHER = 0.25  # seconds that a thread waits for others to come: each record costs an fsync

_log = logging.getLogger(__name__)


class Arriving:
    """Encodes the views of arriving images until the ``with`` block ends.

    At its end what waits is encoded, unless the block failed, was cancelled, or brought only a few
    images. It raises nothing of its own: the images are there without it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._backbone = describe(DEFAULT)
        self._waiting: queue.Queue[VerifiedImage | None] = queue.Queue(MOST_WAITING)
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._lock = threading.Lock()  # of the caches
        # Made from torch once a machine, in some seconds: not for an import that may end sooner.
        self._works = graph_is_made(self._backbone)

    def wanted(self) -> str | None:
        """Whose view images should come with: the backbone's name; None: it is behind."""
        room = MOST_WAITING - self._waiting.qsize()
        return self._backbone.name if self._works and room > BATCH else None

    def offer(self, images: Iterable[VerifiedImage | None], check: Callable[[], None]) -> None:
        """Take those that have a view. Where no more can wait, some are encoded here and now.

        ``check`` is called in between, and may raise.
        """
        for image in images:
            if image is None or not image.view or not self._works:
                continue
            if not self._threads and self._waiting.qsize() >= FEWEST:
                self._start()
            while self._works:
                try:
                    self._waiting.put_nowait(image)
                    break
                except queue.Full:
                    check()
                    self._encode(self._ready(BATCH))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self._over.set()
        # This thread has another priority than those: they might wait for each other for long.
        while some := self._ready(BATCH):
            if failed is None and self._threads:
                self._encode(some)
        for _thread in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        for _ in range(cpu_count()):
            thread = threading.Thread(target=self._work, name="arriving", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        give_way()
        while (image := self._waiting.get()) is not None:
            self._over.wait(_GATHER)
            self._encode([image, *self._ready(BATCH - 1)])

    def _ready(self, most: int) -> list[VerifiedImage]:
        """Those that wait, ``most`` of them at the most."""
        some: list[VerifiedImage] = []
        while len(some) < most:
            try:
                image = self._waiting.get_nowait()
            except queue.Empty:
                break
            if image is None:  # the end, for another thread
                self._waiting.put(None)
                break
            some.append(image)
        return some

    def _encode(self, images: list[VerifiedImage]) -> None:
        if not self._works:
            return
        try:
            given = {image.sha256: image.view for image in images}
            with self._lock:
                new = self._cache.missing(list(given))
            if not new:
                return
            both = np.stack([np.frombuffer(given[digest], np.uint8) for digest in new])
            pixels, small = both[:, :-TINY_DIMENSION], both[:, -TINY_DIMENSION:]
            side = self._backbone.size
            features = self._network.encode(pixels.reshape(-1, 3, side, side))
            with self._lock:
                self._cache.append(new, features)
                self._tiny.append(new, small)
        except Exception:  # noqa: BLE001 -- an import must not fail for it
            # Full disk, altered weights, no memory: the check meets the same and says so.
            _log.warning("Features could not be computed while images came.", exc_info=True)
            self._works = False

    @cached_property
    def _cache(self) -> FeatureCache:
        return feature_cache(self._workspace, self._backbone)

    @cached_property
    def _tiny(self) -> FeatureCache:
        return tiny_cache(self._workspace)

    @property
    def _network(self) -> Encoder:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> Encoder:
        # One core a call, which comes from threads of both priorities.
        return Encoder(choose(DEFAULT, "cpu"), threads=1)
