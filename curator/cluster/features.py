"""Features of the default network, on a cluster, for images that lack them: before a check.

The originals lie in the project, so they travel: a task gets the bytes of some images, decodes and
encodes them as one machine does, and hands back rows, which are kept as they come. So a task, a
machine or this job may die at any instant: what is kept stays, and what lacks is computed the next
time. What no task could do is left to the check, which computes here and says what is wrong.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.cluster.engine import TICK, Engine, Lost
from curator.cluster.machines import done_here, refuse_other_version
from curator.encode.backbones import DEFAULT, describe
from curator.encode.preprocess import TINY_DIMENSION
from curator.encode.project_features import feature_cache, tiny_cache
from curator.errors import ProjectAltered
from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from curator.cluster.settings import ClusterSettings
    from curator.encode.encoder import Encoder
    from curator.encode.feature_cache import FeatureCache
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

IMAGES, BYTES = 128, 16 << 20  # of a task, at most: some seconds of a core
_AHEAD = 2  # tasks for each core, so that none waits for the next


@dataclass(frozen=True)
class Batch:
    """What one task does. It goes to other machines."""

    contents: dict[str, bytes]
    """Originals by SHA-256."""
    version: str
    """Of the curator that asks."""


@dataclass(frozen=True)
class Rows:
    """Of n images: ``features`` (n, 1280) float32 and ``tiny`` (n, 3072) uint8."""

    digests: list[str]
    features: NDArray[np.float32]
    tiny: NDArray[np.uint8]

    @property
    def can_be(self) -> bool:
        """Whether they have the shapes and values that features have."""
        count, dimension = len(self.digests), describe(DEFAULT).dimension
        return (
            (self.features.shape, self.tiny.shape) == ((count, dimension), (count, TINY_DIMENSION))
            and (self.features.dtype.name, self.tiny.dtype.name) == ("float32", "uint8")
            and bool(np.isfinite(self.features).all())
        )


def compute(
    workspace: Workspace, progress: Progress, told: ClusterSettings, table: pd.DataFrame
) -> list[str]:
    """Have the features computed that images of ``table`` (sha256, file) lack; give notes.

    Raises PackageMissing without Ray, JobError where no cluster answers, JobCancelled.
    """
    caches = feature_cache(workspace, describe(DEFAULT)), tiny_cache(workspace)
    missing = {digest for cache in caches for digest in cache.missing(table["sha256"].tolist())}
    if not missing:
        return []
    progress.begin("computing features on the cluster", len(missing))
    batches = _batches(workspace, table[table["sha256"].isin(missing)])
    lost: list[str] = []
    engine: Engine[Batch, Rows] = Engine(told.address, encode)
    with engine:
        under_way = 0
        while True:
            progress.check()
            wanted = _AHEAD * engine.cores - under_way  # below 0 where a machine was lost
            for batch in itertools.islice(batches, max(0, wanted)):
                engine.submit(batch)
                under_way += 1
            if not under_way:
                break
            for batch, rows in engine.finished(TICK):
                under_way -= 1
                lost += _take_in(caches, batch, rows)
                progress.advance(len(batch.contents))
    return done_here(lost)


def _batches(workspace: Workspace, table: pd.DataFrame) -> Iterator[Batch]:
    """The images of ``table`` with their bytes; without those whose original cannot be read."""
    contents: dict[str, bytes] = {}
    size = 0
    for digest, file in zip(table["sha256"].tolist(), table["file"].tolist(), strict=True):
        with contextlib.suppress(OSError, ProjectAltered):
            contents[digest] = workspace.original(file).read_bytes()
            size += len(contents[digest])
        if len(contents) == IMAGES or size >= BYTES:
            yield Batch(contents, __version__)
            contents, size = {}, 0
    if contents:
        yield Batch(contents, __version__)


def _take_in(
    caches: tuple[FeatureCache, FeatureCache], batch: Batch, rows: Rows | Lost
) -> list[str]:
    """Keep what came; why nothing did."""
    if isinstance(rows, Lost):
        return [rows]
    if not rows.can_be or not batch.contents.keys() >= set(rows.digests):
        return ["what a machine handed back cannot be features"]
    features, tiny = caches
    features.append(rows.digests, rows.features)
    tiny.append(rows.digests, rows.tiny)
    return []


def encode(batch: Batch) -> Rows:
    """What a machine of the cluster does: features of the images that can be decoded.

    Raises InputError for another version of the curator, and what the network's weights may raise.
    """
    refuse_other_version(batch.version)
    from curator.encode.extract import BATCH, pixels_of
    from curator.imaging.decoding import Rejected

    encoder = _encoder()
    backbone = encoder.backbone
    digests: list[str] = []
    pixels: list[NDArray[np.uint8]] = []
    tiny = [np.empty((0, TINY_DIMENSION), np.uint8)]
    features = [np.empty((0, backbone.dimension), np.float32)]
    for digest, content in batch.contents.items():
        with contextlib.suppress(Rejected):
            seen, small = pixels_of(content, backbone)
            digests.append(digest)
            pixels.append(seen)
            tiny.append(small[None])
        if len(pixels) == BATCH:
            features.append(encoder.encode(np.stack(pixels)))
            pixels.clear()
    if pixels:
        features.append(encoder.encode(np.stack(pixels)))
    return Rows(digests, np.concatenate(features), np.concatenate(tiny))


@functools.cache
def _encoder() -> Encoder:
    """The network on one core; a worker of Ray does many tasks."""
    from curator.encode.backbones import choose
    from curator.encode.encoder import Encoder

    return Encoder(choose(DEFAULT, "cpu"), threads=1)
