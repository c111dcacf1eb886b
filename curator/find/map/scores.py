"""What the ranking run says of the present labels: the probability that an image is of its label.

Only by models that did not see the image. An image that was given another label since the run is
judged by that label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.store import runs, schema
from curator.store.classes import merged_ids
from curator.store.database import rows_of
from curator.store.predictions import unpack_row

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection


def label_scores(
    connection: Connection, run: runs.Run, image_ids: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of ascending ``image_ids`` (n,): probability of the label (n,), and likeliest class id (n,).

    0..1, low = suspicious; NaN and -1 where the run did not see the image, and a score of NaN where
    it knows no such label or saw the image while it learnt. Raises ProjectAltered.
    """
    scores = np.full(len(image_ids), np.nan)
    guesses = np.full(len(image_ids), -1, dtype=np.int64)
    merged = merged_ids(connection)
    said, now = schema.predictions.c, schema.current.c
    query = (
        select(
            said.image_id,
            said.class_id,
            said.predicted_id,
            said.label_score,
            said.in_sample,
            now.class_id.label("label"),
        )
        .join_from(schema.predictions, schema.current, now.image_id == said.image_id)
        .where(said.run_id == run.id)
        .order_by(said.image_id)
    )
    changed: dict[int, tuple[int, int]] = {}
    rows = connection.execute(query).all()
    if not rows or not len(image_ids):
        return scores, guesses
    own = np.searchsorted(image_ids, [row.image_id for row in rows])
    for place, row in zip(np.minimum(own, len(image_ids) - 1).tolist(), rows, strict=True):
        if image_ids[place] != row.image_id:
            continue
        guesses[place] = merged.get(row.predicted_id, row.predicted_id)
        if row.in_sample:
            continue
        if row.label == row.class_id and not merged:
            scores[place] = row.label_score
        else:
            changed[row.image_id] = (place, row.label)
    if changed:
        counted = np.array([merged.get(key, key) for key in run.class_ids])
        table = schema.predictions.c
        blobs = select(table.image_id, table.probabilities).where(table.run_id == run.id)
        for found in rows_of(connection, blobs, table.image_id, list(changed)):
            place, label = changed[found.image_id]
            column = counted == label
            if column.any():
                shares = unpack_row(found.probabilities, len(counted), run.id)
                scores[place] = float(shares[column].sum())
    return scores, guesses
