"""More like this: images by their likeness to some of them, or to pictures from outside.

Likeness is the cosine of the features, taken from the middle of all images, with the mean direction
of what is asked with: one product, however many there are. It found more than the plain cosine and
than the nearest of several examples (`docs/experiments.md`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import DEFAULT, describe
from curator.encode.feature_cache import FeatureCache
from curator.errors import InputError, UnknownImage
from curator.find.features import features_of, no_features
from curator.store import schema
from curator.store.database import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

MOST = 1000  # images that are asked with at once
_DIGEST = re.compile("[0-9a-f]{64}")


def written(image_ids: Sequence[int], pictures: Sequence[str] = ()) -> str:
    """What is asked with, as text for a filter and an address; see :func:`likeness`.

    ``pictures``: SHA-256 of pictures from outside, as of :func:`curator.find.outside.take_in`.
    Raises InputError where there are none of either.
    """
    if not image_ids and not pictures:
        raise InputError("There is nothing to compare with.", "Give ids of images, or a picture.")
    return ",".join([*map(str, image_ids), *pictures])


def read(like: str) -> tuple[list[int], list[str]]:
    """Image ids and SHA-256 of pictures from what :func:`written` wrote. Raises InputError."""
    ids: list[int] = []
    pictures: list[str] = []
    for word in filter(None, (part.strip() for part in like.split(","))):
        if word.isascii() and word.isdigit() and int(word) <= schema.LARGEST_ID:
            ids.append(int(word))
        elif _DIGEST.fullmatch(word):
            pictures.append(word)
        else:
            raise InputError(
                f"{word[:80]!r} is no image to compare with.", "Give ids, separated by commas."
            )
    if len(ids) + len(pictures) > MOST:
        raise InputError(
            f"{len(ids) + len(pictures)} images to compare with are too many.",
            f"Give {MOST} at most.",
        )
    if not ids and not pictures:
        raise InputError("There is nothing to compare with.", "Give ids of images, or a picture.")
    return list(dict.fromkeys(ids)), list(dict.fromkeys(pictures))


def likeness(
    workspace: Workspace, connection: Connection, like: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every image with features but those asked with: ids (N,) rising, likeness (N,), -1..1.

    ``like``: as of :func:`written`. Raises InputError, UnknownImage, NotEnoughData where nothing
    has features or one that is asked with has none, FileError.
    """
    ids, pictures = read(like)
    asked = np.array(sorted(ids), dtype=np.int64)
    _check_known(connection, ids)
    features = features_of(workspace, connection)
    if not len(features):
        raise no_features("The images have")
    units = [features.units(asked)]
    if pictures:
        units.append(_of_pictures(workspace, pictures))
    scores = features.likeness(np.concatenate(units))
    others = ~np.isin(features.ids, asked)
    return features.ids[others], scores[others]


def outside_cache(workspace: Workspace) -> FeatureCache:
    """Features of pictures that were asked with and are none of the project's images."""
    backbone = describe(DEFAULT)
    return FeatureCache(workspace.features, f"{backbone.key}-asked", backbone.dimension)


def _of_pictures(workspace: Workspace, pictures: list[str]) -> NDArray[np.float32]:
    cache = outside_cache(workspace)
    if lacking := cache.missing(pictures):
        raise InputError(
            f"The picture {lacking[0][:12]} is not known here any more.", "Give it once again."
        )
    rows = cache.rows(pictures)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    found: NDArray[np.float32] = np.asarray(rows / np.where(length > 0, length, 1), np.float32)
    return found


def _check_known(connection: Connection, ids: list[int]) -> None:
    table = schema.images.c
    known = {row.id for row in rows_of(connection, select(table.id), table.id, ids)}
    if unknown := [key for key in ids if key not in known]:
        raise UnknownImage(
            f"There is no image with id {unknown[0]}.", "`curator rank` and `queue` list the ids."
        )
