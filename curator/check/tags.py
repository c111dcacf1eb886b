"""What the bundled network calls each image: ImageNet's names, from features computed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.encode.classifier import load_classifier
from curator.store import tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.encode.backbones import Backbone
    from curator.encode.feature_cache import FeatureCache

ROWS = 4096  # images named at once


def names_of(
    backbone: Backbone, cache: FeatureCache, digests: Sequence[str]
) -> list[list[tuple[str, float]]]:
    """The five likeliest names of each image with probabilities 0..1, likeliest first.

    ``digests`` (N,): SHA-256 of images with features of ``backbone`` in ``cache``. Raises
    WeightsMissing, WeightsAltered, FileError.
    """
    classifier = load_classifier(backbone)
    said = []
    for start in range(0, len(digests), ROWS):
        places, shares = classifier.best(cache.rows(digests[start : start + ROWS]), tags.PLACES)
        said += [
            [(classifier.names[place], share) for place, share in zip(*both, strict=True)]
            for both in zip(places.tolist(), shares.tolist(), strict=True)
        ]
    return said
