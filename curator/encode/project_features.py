"""A project's features: where they are kept, and computing those that lack.

Check and train both come here, so what one of them encoded the other finds. Besides the
backbone's features every image gets a 32 x 32 version, for the baselines.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from curator.encode.backbones import STRONGER, choose, describe, fetch_weights
from curator.encode.encoder import Encoder
from curator.encode.extract import extract
from curator.encode.feature_cache import FeatureCache
from curator.encode.preprocess import TINY_DIMENSION
from curator.encode.weights import MEGABYTE
from curator.errors import ProjectAltered, WeightsAltered, WeightsMissing
from curator.phrasing import many

if TYPE_CHECKING:
    import pandas as pd

    from curator.encode.backbones import Backbone, Choice, Precision
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

TINY_KEY = "tiny-32x32-v1"

Checked: TypeAlias = dict[Path, set[str]]
"""SHA-256 of the rows that have their checksum, by the cache's folder."""

# Kept between jobs of a worker process, so that the next one loads no network again.
_encoders: dict[Choice, Encoder] = {}


def ready(
    progress: Progress,
    name: str | None = None,
    device: str | None = None,
    notes: list[str] | None = None,
) -> Choice:
    """:func:`choose`, with the weights on disk afterwards: what a job begins with.

    On a GPU with no backbone named, the stronger network's weights are fetched once; where that
    fails the bundled network is the choice, and its reason says why. ``notes`` as of
    :func:`ensure_features`. Errors as of :func:`choose` and
    :func:`curator.encode.weights.fetch`; raises JobCancelled.
    """
    choice = choose(name, device)
    wanted = choice.backbone
    if name is None and choice.device != "cpu":
        wanted = describe(STRONGER)
    try:
        fetch_as_step(progress, wanted, notes)
    except (WeightsMissing, WeightsAltered) as error:
        if wanted == choice.backbone:
            raise
        return replace(choice, reason=f"{choice.reason}. {error.problem}")
    return choose(name, device)


def encoder(choice: Choice) -> Encoder:
    """The loaded network; the same object at every call. Errors as of :class:`Encoder`."""
    if choice not in _encoders:
        _encoders[choice] = Encoder(choice)
    return _encoders[choice]


def feature_cache(
    workspace: Workspace,
    backbone: Backbone,
    *,
    flip: bool = False,
    precision: Precision = "float32",
) -> FeatureCache:
    """The project's features of that backbone, float32; with ``flip`` of the mirrored images.

    ``precision``: of the arithmetic that made them.
    """
    key = backbone.key + ("" if precision == "float32" else f"-{precision}")
    return FeatureCache(workspace.features, key + ("-flip" if flip else ""), backbone.dimension)


def tiny_cache(workspace: Workspace) -> FeatureCache:
    """The project's 32 x 32 versions, uint8 rows of 3,072."""
    return FeatureCache(workspace.features, TINY_KEY, TINY_DIMENSION, dtype="uint8")


def ensure_features(
    workspace: Workspace,
    progress: Progress,
    choice: Choice,
    table: pd.DataFrame,
    *,
    flip: bool = False,
    notes: list[str] | None = None,
    checked: Checked | None = None,
) -> list[tuple[str, str]]:
    """Encode what of ``table`` (sha256, file) is not in the caches; return unreadable images.

    Each as (sha256, what is wrong). ``flip``: the mirrored images' features too. ``notes`` gets
    sentences for the user: a damaged cache or graph that was made again, batches halved for want
    of memory. ``checked``: rows of each cache that this job has checked already; those of this call
    are added. Weights that are not on disk are downloaded first.

    Raises JobCancelled (what was encoded before is kept), WeightsMissing, WeightsAltered.
    """
    said: list[str] = [] if notes is None else notes
    cache = feature_cache(workspace, choice.backbone, precision=choice.precision)
    flipped = (
        feature_cache(workspace, choice.backbone, flip=True, precision=choice.precision)
        if flip
        else None
    )
    tiny = tiny_cache(workspace)
    caches = [each for each in (cache, flipped, tiny) if each is not None]
    digests = table["sha256"].tolist()
    checked = {} if checked is None else checked
    known = [checked.setdefault(each.folder, set()) for each in caches]
    damaged = sum(
        each.check([digest for digest in digests if digest not in good])
        for each, good in zip(caches, known, strict=True)
    )
    if damaged:
        said.append(f"{many(damaged, 'stored feature')} had been altered and were computed again.")
    missing = {digest for each in caches for digest in each.missing(digests)}
    unreadable: list[tuple[str, str]] = []
    if missing:
        fetch_as_step(progress, choice.backbone, said)
        progress.begin(f"computing features on {choice.device}", len(missing))
        items = []
        for digest, file in zip(digests, table["file"].tolist(), strict=True):
            if digest in missing:
                try:
                    items.append((digest, workspace.original(file)))
                except ProjectAltered as error:
                    unreadable.append((digest, str(error)))
        network = encoder(choice)
        unreadable += extract(
            items,
            cache,
            tiny,
            network,
            progress.reach,
            progress.cancelled,
            flip_cache=flipped,
        )
        said += network.take_notes()
    for good in known:
        good.update(digests)
        good.difference_update(digest for digest, _ in unreadable)
    # Told once, and only when it is mended: a job that is cancelled leaves it to the next.
    said += [damage for each in caches if (damage := each.take_damage())]
    return unreadable


def fetch_as_step(progress: Progress, backbone: Backbone, notes: list[str] | None) -> None:
    """Have the weights on disk; a download is a step of the job, counted in megabytes.

    Errors as of :func:`curator.encode.weights.fetch`.
    """
    begun = False
    said: list[str] = [] if notes is None else notes

    def on_bytes(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            megabytes = max(1, round(total / MEGABYTE)) if total else None
            progress.begin(f"downloading the weights of {backbone.name} (MB)", megabytes)
            begun = True
        progress.reach(round(done / MEGABYTE))

    fetch_weights(backbone, on_bytes, said.append)
