"""Labels that a run and the nearest images contradict together, surely enough to suggest another.

Both witnesses are needed: the out-of-fold prediction, and the labels of the images most like it in
the features of the bundled backbone. With the thresholds below 96 of 100 suggestions were right on
the bears and the digits with 0 to 20 % planted wrong labels (16 cases of each 2 or 3 seeds, 1,382
suggestions; 93 of 100 by the prediction alone), and a third of the wrong labels were among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, select

from curator.check.neighbours import nearest
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache
from curator.store import images, runs, schema
from curator.store.predictions import unpack_row

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

CONFIDENCE = 0.8  # of the predicted class, at least
OWN = 0.05  # of the present label, at most
NEIGHBOURS, AGREEING = 10, 7  # so many of the nearest have the predicted label
CANDIDATES = 500  # the most suspicious ones are looked at
REFERENCES = 4096  # images that they are compared with: 21 MB of features


@dataclass(frozen=True)
class Contradicted:
    """One image and the class that its label should be."""

    image_id: int
    class_id: int


def contradicted(workspace: Workspace, connection: Connection) -> list[Contradicted]:
    """Undecided images with another class that both witnesses name, most suspicious first.

    Near-duplicates of an image are no neighbours of it. Nothing before a run, or without features.
    """
    run_id = runs.ranking_id(connection)
    if run_id is None:
        return []
    run = runs.get(connection, run_id)
    said, table = schema.predictions.c, schema.images.c
    query = (
        select(
            said.image_id,
            said.class_id,
            said.predicted_id,
            said.probabilities,
            table.sha256,
            table.group_id,
        )
        .join(schema.current, schema.current.c.image_id == said.image_id)
        .join(schema.images, table.id == said.image_id)
        .where(
            said.run_id == run_id,
            said.predicted_id != said.class_id,
            said.confidence >= CONFIDENCE,
            schema.current.c.state == schema.NEW,
            schema.current.c.class_id == said.class_id,
        )
        .order_by(said.label_score, said.image_id)
        .limit(CANDIDATES)
    )
    place = {class_id: column for column, class_id in enumerate(run.class_ids)}
    candidates = [
        row
        for row in connection.execute(query)
        if row.class_id in place
        and unpack_row(row.probabilities, len(place), run_id)[place[row.class_id]] <= OWN
    ]
    if not candidates:
        return []
    cache = feature_cache(workspace, describe(DEFAULT))
    lacking = set(cache.missing([row.sha256 for row in candidates]))
    candidates = [row for row in candidates if row.sha256 not in lacking]
    suspects = {row.image_id for row in candidates}
    # By content, which is random, so that they are a fair sample and the same everywhere.
    around = connection.execute(
        images.present(table.id, table.sha256, table.group_id, schema.current.c.class_id)
        .where(images.LIVE)
        .order_by(table.sha256)
        .limit(REFERENCES + len(suspects))
    ).all()
    lacking = set(cache.missing([row.sha256 for row in around]))
    around = [row for row in around if row.id not in suspects and row.sha256 not in lacking]
    if not candidates or len(around) < NEIGHBOURS:
        return []
    groups = [
        np.array([row.group_id or -row_id for row_id, row in enumerate(rows, start=first)])
        for rows, first in ((candidates, 1), (around, 1 + len(candidates)))
    ]
    places, _ = nearest(
        cache,
        [row.sha256 for row in candidates],
        [row.sha256 for row in around],
        (groups[0], groups[1]),
        NEIGHBOURS,
    )
    labels = np.array([row.class_id for row in around])
    predicted = np.array([row.predicted_id for row in candidates])
    agreeing = ((labels[places] == predicted[:, None]) & (places >= 0)).sum(axis=1)
    return [
        Contradicted(row.image_id, row.predicted_id)
        for row, number in zip(candidates, agreeing.tolist(), strict=True)
        if number >= AGREEING
    ]
