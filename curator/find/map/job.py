"""The job `map`: lay out all live images, or place those that came since among the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from curator.encode.backbones import DEFAULT, choose, describe
from curator.encode.project_features import ensure_features, feature_cache
from curator.errors import NotEnoughData, ProjectAltered
from curator.find.map import kept
from curator.find.map.projection import METHOD, MOST_FITTED, STEPS, Projection, fit
from curator.hashing import draws
from curator.jobs.report import Report
from curator.phrasing import many
from curator.store import images
from curator.store.database import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from curator.encode.feature_cache import FeatureCache
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

_AT_ONCE = 4096  # images that are placed between two reports: 20 MB of features


@dataclass(frozen=True, kw_only=True)
class MapReport(Report):
    """How the map ended."""

    images: int
    """Live images on it."""
    placed: int
    """Images that came onto it now; all of them where it was fitted anew."""
    fitted: bool
    """Whether the plane was fitted, so that every point is a new one."""
    features: str
    """Key of the network whose features it shows."""
    unreadable: tuple[str, ...] = ()
    """Images that are not on it, by SHA-256, and why."""


def run(workspace: Workspace, progress: Progress, anew: bool = False) -> MapReport:
    """Make or extend the map of all live images; ``anew``: fit it again whatever there is.

    Features that lack are computed first. Fitted are :data:`~.projection.MOST_FITTED` images at
    the most, drawn by the project's seed; the others are placed among them. Raises NotEnoughData
    without an image, JobCancelled (the last map is kept), WeightsMissing, WeightsAltered,
    FileError.
    """
    with workspace.database.read() as connection:
        table = images.live(connection)
    backbone = describe(DEFAULT)
    notes: list[str] = []
    unreadable = ensure_features(workspace, progress, choose(DEFAULT), table, notes=notes)
    cache = feature_cache(workspace, backbone)
    lacks = table["sha256"].isin(set(cache.missing(table["sha256"].tolist())))
    left_out = table["image_id"][lacks].to_numpy(dtype=np.int64)
    table = table[~lacks]
    if table.empty:
        raise NotEnoughData("There is no image to show on a map.", "Add some images first.")
    ids = table["image_id"].to_numpy(dtype=np.int64)
    digests = table["sha256"].tolist()
    before = None if anew else _usable(workspace, notes, backbone.key)
    if before is None:
        projection, chosen = _fitted(workspace, progress, cache, ids, digests)
        made = now()
        known, points = ids[chosen], projection.points
    else:
        projection, made = before.projection, before.shown.made
        known, points = before.shown.image_ids, before.shown.points
    new = ~np.isin(ids, known)
    lacking = [digest for digest, is_new in zip(digests, new.tolist(), strict=True) if is_new]
    found = _placed(projection, progress, cache, lacking)
    every = np.concatenate([known, ids[new]])
    order = np.argsort(every)
    shown = kept.ImageMap(
        every[order], np.concatenate([points, found])[order], backbone.key, METHOD, made, left_out
    )
    if before is None or lacking or not np.array_equal(left_out, before.shown.left_out):
        kept.write(workspace, kept.Kept(shown, projection))
    placed = len(ids) if before is None else len(lacking)
    return MapReport(
        sentence=" ".join([*notes, _said(len(ids), placed, before is None, len(unreadable))]),
        images=len(ids),
        placed=placed,
        fitted=before is None,
        features=backbone.key,
        unreadable=tuple(f"{digest}: {problem}" for digest, problem in unreadable),
    )


def _usable(workspace: Workspace, notes: list[str], key: str) -> kept.Kept | None:
    """The last map where it can be extended."""
    try:
        found = kept.read_all(workspace)
    except ProjectAltered as error:
        notes.append(f"{error.problem} It was computed anew.")
        return None
    if found is None:
        return None
    if found.shown.features != key or len(found.projection.mean) != describe(DEFAULT).dimension:
        notes.append("The last map showed the features of another network.")
        return None
    return found


def _fitted(
    workspace: Workspace,
    progress: Progress,
    cache: FeatureCache,
    ids: NDArray[np.int64],
    digests: Sequence[str],
) -> tuple[Projection, NDArray[np.intp]]:
    """The plane, and the places (f,) among ``ids`` of the images that it was fitted to."""
    progress.begin("laying out the map", STEPS)
    drawn = np.argsort(draws(ids, workspace.seed), kind="stable")[:MOST_FITTED]
    chosen = np.sort(drawn)
    rows = cache.rows([digests[place] for place in chosen.tolist()])
    return fit(rows, workspace.seed, progress.reach), chosen


def _placed(
    projection: Projection, progress: Progress, cache: FeatureCache, digests: Sequence[str]
) -> NDArray[np.float32]:
    """Points (m, 2) of images that are not among the fitted."""
    found = [np.empty((0, 2), np.float32)]
    if digests:
        progress.begin("placing images on the map", len(digests))
    for start in range(0, len(digests), _AT_ONCE):
        piece = digests[start : start + _AT_ONCE]
        found.append(projection.place(cache.rows(piece)))
        progress.reach(start + len(piece))
    return np.concatenate(found)


def _said(number: int, placed: int, fitted: bool, unreadable: int) -> str:
    if fitted:
        said = f"{many(number, 'image')} laid out on a map."
    elif placed:
        said = f"{many(placed, 'image')} placed on the map; the others are where they were."
    else:
        said = f"The map shows all of {many(number, 'image')}."
    if unreadable:
        said += f" {many(unreadable, 'image')} could not be read and left out."
    return said
