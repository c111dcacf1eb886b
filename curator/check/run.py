"""The job `check`, and what every training does first: groups of near-duplicates, and splits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import bindparam, select, update

from curator.check import duplicates, report, splits
from curator.collect import keeping
from curator.project import VALID_SHARE
from curator.store import schema
from curator.store.images import frame

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project


def run(project: Project, progress: Progress) -> dict[str, Any]:
    """Group near-duplicates, give every image its split, and report what is wrong."""
    progress.begin("looking for near-duplicates")
    prepare(project)
    progress.check()
    found = report.report(project)
    return {**found, "sentence": report.sentence(found)}


def prepare(project: Project) -> None:
    """Give every image that lacks one a group and a split. Cheap when nothing is new."""
    query = select(
        schema.images.c.id,
        schema.images.c.sha256,
        schema.images.c.file,
        schema.images.c.phash,
        schema.images.c.group_id,
        schema.images.c.split,
        schema.current.c.class_id,
    ).join(schema.current, schema.current.c.image_id == schema.images.c.id)
    with project.database.read() as connection:
        table = frame(connection, query.order_by(schema.images.c.id))
    missing = table["group_id"].isna().to_numpy()
    if not missing.any() and table["split"].notna().all():
        return
    ids = table["id"].to_numpy(dtype=np.int64)
    hashes = np.array([int(text, 16) for text in table["phash"]], dtype=np.uint64)
    pairs = duplicates.close_pairs(hashes, missing)
    positions = np.unique(pairs).tolist()
    digests = table["sha256"].iloc[positions].tolist()
    files = dict(zip(digests, table["file"].iloc[positions].tolist(), strict=True))
    thumbnails = keeping.thumbnails(project, files)
    pictures = {
        position: duplicates.small_picture(thumbnails[digest])
        for position, digest in zip(positions, digests, strict=True)
        if digest in thumbnails
    }
    pairs = pairs[np.isin(pairs, list(pictures)).all(axis=1)]
    pairs = duplicates.confirm(pairs, pictures)
    # The links found before are kept as pairs of an image with the first of its group.
    where = {image_id: position for position, image_id in enumerate(ids.tolist())}
    old = [
        (where[int(group)], position)
        for position, group in enumerate(table["group_id"].tolist())
        if not missing[position]
    ]
    known = np.array(old, dtype=np.int64).reshape(-1, 2)
    group_ids = duplicates.groups(ids, np.concatenate([known, pairs]))
    split_of = splits.assign(
        ids.tolist(),
        table["class_id"].tolist(),
        group_ids.tolist(),
        table["sha256"].tolist(),
        [None if pd.isna(value) else str(value) for value in table["split"]],
        project.seed,
        VALID_SHARE,
    )
    changed = [
        {"key": image_id, "group": group}
        for image_id, group, before in zip(
            ids.tolist(), group_ids.tolist(), table["group_id"].tolist(), strict=True
        )
        if group != before
    ]
    with project.database.write() as connection:
        if changed:
            connection.execute(
                update(schema.images)
                .where(schema.images.c.id == bindparam("key"))
                .values(group_id=bindparam("group")),
                changed,
            )
        if split_of:
            connection.execute(
                update(schema.images)
                .where(schema.images.c.id == bindparam("key"))
                .values(split=bindparam("part")),
                [{"key": key, "part": part} for key, part in split_of.items()],
            )
