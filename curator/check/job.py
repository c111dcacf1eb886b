"""The job `check`, and what every training does first: near-duplicates, splits and names.

Whatever network is trained on, images are compared by the features of the bundled one, so that
groups do not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import bindparam, update

from curator.check import report, splits
from curator.check.duplicates.grouping import grouped
from curator.check.outliers import update_outliers
from curator.check.photographs import update_no_photographs
from curator.check.remeasure import bring_up_to_date
from curator.check.tags import names_of
from curator.cluster.features import compute
from curator.cluster.settings import ClusterSettings
from curator.encode.backbones import DEFAULT, choose, describe
from curator.encode.project_features import Checked, ensure_features, feature_cache
from curator.frames import pd
from curator.phrasing import many
from curator.store import images, originals, schema, tags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace


def run(
    workspace: Workspace, progress: Progress, cluster: Mapping[str, object] | None = None
) -> report.CheckReport:
    """Hash the originals, measure and compare images, give each its split, report what is wrong.

    ``cluster``: fields of ClusterSettings to override: features that lack are computed there first.
    None: here. Raises what :func:`prepare` raises; on a cluster InputError, PackageMissing without
    Ray, JobError where none answers.
    """
    told = None if cluster is None else ClusterSettings.of(cluster)
    originals.examine(workspace.database, workspace.original, progress)
    bring_up_to_date(workspace, progress)
    notes: list[str] = []
    if told is not None:
        table = _table(workspace)
        notes += compute(workspace, progress, told, table[_encoded(table)])
    unreadable = prepare(workspace, progress, notes=notes)
    cache = feature_cache(workspace, describe(DEFAULT))
    update_outliers(workspace, cache, progress)
    update_no_photographs(workspace, cache)
    progress.check()
    found = report.report(workspace)
    sentence = found.sentence
    if unreadable:
        were = "was" if len(unreadable) == 1 else "were"
        sentence = f"{many(len(unreadable), 'image')} could not be read and {were} left out. " + (
            sentence
        )
    return replace(
        found,
        unreadable=tuple(f"{digest}: {problem}" for digest, problem in unreadable),
        notes=tuple(notes),
        sentence=" ".join([*notes, sentence]),
    )


def prepare(
    workspace: Workspace,
    progress: Progress,
    device: str | None = None,
    notes: list[str] | None = None,
    checked: Checked | None = None,
) -> list[tuple[str, str]]:
    """Give every image that lacks them a group, a split and names. Cheap when nothing is new.

    Features of live images, and of those without a label, are computed where they lack, on
    ``device`` (None: the fastest); ``notes`` and ``checked`` as of
    :func:`curator.encode.project_features.ensure_features`. Returns
    (SHA-256, what is wrong) of images that cannot be read; they are compared by their hash alone.

    Raises JobCancelled, WeightsMissing, WeightsAltered, FileError.
    """
    table = _table(workspace)
    backbone = describe(DEFAULT)
    encoded = _encoded(table)
    fresh = encoded & (table["checked_with"] != backbone.key).to_numpy(dtype=bool)
    ungrouped = (table["group_id"].isna() | table["split"].isna()).to_numpy(dtype=bool)
    # All of them: a features folder that was deleted is made good here.
    choice = choose(DEFAULT, device)
    unreadable = ensure_features(
        workspace, progress, choice, table[encoded], notes=notes, checked=checked
    )
    cache = feature_cache(workspace, backbone)
    lacking = set(cache.missing(table["sha256"].tolist()))
    featured = ~table["sha256"].isin(lacking).to_numpy(dtype=bool)
    named = fresh & featured
    new = named | ungrouped
    if not new.any():
        return unreadable
    said = names_of(backbone, cache, table["sha256"][named].tolist()) if named.any() else []
    groups = grouped(workspace, table, new, cache, featured, progress)
    _store(workspace, table, groups, named, said, backbone.key)
    return unreadable


def _encoded(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each image (N,) is to have features."""
    # Those that wait for a label, too: by their features they are put in order.
    wanted = ~table["state"].isin(schema.OUT) | (table["state"] == schema.UNLABELLED)
    return wanted.to_numpy(dtype=bool)


def _table(workspace: Workspace) -> pd.DataFrame:
    """Every image, deleted ones too, by id."""
    query = images.present(
        schema.images.c.id,
        schema.images.c.sha256,
        schema.images.c.file,
        schema.images.c.phash,
        schema.images.c.group_id,
        schema.images.c.split,
        schema.images.c.checked_with,
        schema.current.c.class_id,
        schema.current.c.state,
    )
    with workspace.database.read() as connection:
        return images.frame(connection, query.order_by(schema.images.c.id))


def _store(
    workspace: Workspace,
    table: pd.DataFrame,
    groups: np.ndarray[Any, np.dtype[np.int64]],
    named: np.ndarray[Any, np.dtype[np.bool_]],
    said: list[list[tuple[str, float]]],
    key: str,
) -> None:
    """Write groups, the splits that follow from them, and names, in one transaction."""
    ids = table["id"].tolist()
    split_of = splits.assign(
        ids,
        table["class_id"].tolist(),
        groups.tolist(),
        table["sha256"].tolist(),
        [None if pd.isna(value) else str(value) for value in table["split"]],
        workspace.seed,
        splits.VALID_SHARE,
        workspace.test_share,
    )
    changed = {
        image_id: group
        for image_id, group, before in zip(
            ids, groups.tolist(), table["group_id"].tolist(), strict=True
        )
        if group != before
    }
    compared = table["id"][named].tolist()
    with workspace.database.write() as connection:
        for column, values in (
            (schema.images.c.group_id, changed),
            (schema.images.c.split, split_of),
            (schema.images.c.checked_with, dict.fromkeys(compared, key)),
        ):
            if values:
                connection.execute(
                    update(schema.images)
                    .where(schema.images.c.id == bindparam("key"))
                    .values({column: bindparam("value")}),
                    [{"key": image_id, "value": value} for image_id, value in values.items()],
                )
        tags.replace(connection, list(zip(compared, said, strict=True)))
