"""The images most like one image: of its own label, and of the class it may belong to.

By the bundled network's features, which the check has computed; nothing is encoded here. At most
:data:`~curator.check.outliers.REFERENCES` images of a class are compared, so that the cost of one
look has an end.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.check.neighbours import nearest
from curator.check.outliers import REFERENCES
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache
from curator.errors import CuratorError
from curator.store import images, schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.encode.feature_cache import FeatureCache
    from curator.store.workspace import Workspace


def most_alike(
    workspace: Workspace, connection: Connection, image_id: int, class_id: int, count: int = 3
) -> list[tuple[int, float]]:
    """(image id, cosine -1..1) of the live images of a class most like an image, nearest first.

    Its near-duplicates are left out: that they are alike is known. Empty without features.
    """
    table, now = schema.images.c, schema.current.c
    if not any(workspace.features.glob("*/rows.bin")):
        return []
    own = connection.execute(select(table.sha256, table.group_id).where(table.id == image_id)).one()
    query = (
        images.present(table.id, table.sha256, table.group_id)
        .where(images.LIVE, now.class_id == class_id, table.id != image_id)
        .order_by(table.sha256)  # random, and the same everywhere
        .limit(REFERENCES)
    )
    others = connection.execute(query).all()
    try:
        cache = _cache(workspace)
        lacking = set(cache.missing([own.sha256, *(row.sha256 for row in others)]))
        if own.sha256 in lacking:
            return []
        others = [row for row in others if row.sha256 not in lacking]
        group = -1 if own.group_id is None else own.group_id
        groups = [-2 if row.group_id is None else row.group_id for row in others]
        places, cosines = nearest(
            cache,
            [own.sha256],
            [row.sha256 for row in others],
            (np.array([group]), np.array(groups, dtype=np.int64)),
            count,
        )
    except CuratorError:  # a folder that cannot be read: the zoom shows the rest
        _cache.cache_clear()
        return []
    found = zip(places[0].tolist(), cosines[0].tolist(), strict=True)
    known = [(int(others[place].id), float(cosine)) for place, cosine in found if place >= 0]
    return sorted(known, key=lambda item: (-item[1], item[0]))


@lru_cache(maxsize=2)  # its index is read once, not at each look
def _cache(workspace: Workspace) -> FeatureCache:
    return feature_cache(workspace, describe(DEFAULT))
