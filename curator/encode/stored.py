"""A project's features: where they are kept, and computing those that lack.

Check and train both come here, so what one of them encoded the other finds. Besides the
backbone's features every image gets a 32 x 32 version, for the baselines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.encode.encoder import Encoder
from curator.encode.extract import extract
from curator.encode.features import FeatureCache
from curator.encode.preprocess import TINY_DIMENSION

if TYPE_CHECKING:
    import pandas as pd

    from curator.encode.backbones import Backbone, Choice
    from curator.jobs.progress import Progress
    from curator.project import Project

TINY_KEY = "tiny-32x32-v1"

# Kept between jobs of a worker process, so that the next one loads no network again.
_encoders: dict[Choice, Encoder] = {}


def encoder(choice: Choice) -> Encoder:
    """The loaded network; the same object at every call. Errors as of :class:`Encoder`."""
    if choice not in _encoders:
        _encoders[choice] = Encoder(choice)
    return _encoders[choice]


def feature_cache(project: Project, backbone: Backbone) -> FeatureCache:
    """The project's features of that backbone, float32."""
    return FeatureCache(project.features, backbone.key, backbone.dimension)


def tiny_cache(project: Project) -> FeatureCache:
    """The project's 32 x 32 versions, uint8 rows of 3,072."""
    return FeatureCache(project.features, TINY_KEY, TINY_DIMENSION, dtype="uint8")


def ensure_features(
    project: Project, progress: Progress, choice: Choice, table: pd.DataFrame
) -> list[tuple[str, str]]:
    """Encode what of ``table`` (sha256, file) is not in the caches; return unreadable images.

    Each as (sha256, what is wrong). Raises JobCancelled; what was encoded before is kept.
    """
    cache, tiny = feature_cache(project, choice.backbone), tiny_cache(project)
    digests = table["sha256"].tolist()
    missing = set(cache.missing(digests)) | set(tiny.missing(digests))
    if not missing:
        return []
    progress.begin(f"computing features on {choice.device}", len(missing))
    items = [
        (digest, project.originals / file)
        for digest, file in zip(digests, table["file"].tolist(), strict=True)
        if digest in missing
    ]
    return extract(items, cache, tiny, encoder(choice), progress.reach, progress.cancelled)
