"""Subsets: images that are typical of their class, unlike each other, or drawn by chance.

The same images, filters and seed give the same subset. From more than :data:`CANDIDATES` images
the unlike ones are chosen among as many that are drawn by chance, which bounds time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from sqlalchemy import select

from curator.check.duplicates.keepers import placed, shared_groups
from curator.errors import InputError
from curator.find.features import Features, features_of, no_features
from curator.hashing import draws
from curator.jobs.report import Report
from curator.phrasing import many
from curator.store import schema
from curator.store.classes import names_by_id
from curator.store.database import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

Way = Literal["diverse", "typical", "random"]
CANDIDATES = 20_000  # 100 MB of features; each of the chosen costs a product with them


@dataclass(frozen=True, kw_only=True)
class Subset(Report):
    """Chosen images. ``image_ids``: in the order in which they were chosen."""

    way: Way
    image_ids: tuple[int, ...]
    counts: dict[str, int]
    """Images of each label."""


def subset(
    workspace: Workspace,
    image_ids: NDArray[np.int64],
    number: int,
    way: Way,
    *,
    balanced: bool = False,
    without_duplicates: bool = False,
) -> Subset:
    """Choose ``number`` of ``image_ids`` (N,); all of them where there are fewer.

    "diverse": each time the image that is least like all that were chosen before (k-centre greedy,
    Gonzalez, 1985), which covers what there is, strangers included. "typical": those of each class
    nearest to its mean, as many as its share. "random": drawn by the project's seed. ``balanced``:
    as many of each class, as far as it has them. ``without_duplicates``: of near-duplicates only
    the best to keep. Raises InputError, and NotEnoughData before the first check.
    """
    if way not in get_args(Way):
        raise InputError(f"{way!r} is no way to choose.", f"Use {', '.join(get_args(Way))}.")
    if number < 1:
        raise InputError(f"{number} images cannot be chosen.", "Choose 1 or more.")
    with workspace.database.read() as connection:
        names = names_by_id(connection)
        if without_duplicates:
            members = placed(shared_groups()).subquery().c
            spare = select(members.image_id).where(members.place > 1)
            image_ids = np.setdiff1d(image_ids, list(connection.execute(spare).scalars()))
        features = None
        if way != "random":
            features = features_of(workspace, connection)
            image_ids = np.intersect1d(image_ids, features.ids)
            if not len(image_ids):
                raise no_features("The images have")
        now = schema.current.c
        query = select(now.image_id, now.class_id)
        rows = rows_of(connection, query, now.image_id, image_ids.tolist())
        class_of = {row.image_id: row.class_id for row in rows}
    image_ids = np.sort(image_ids)
    labels = np.array([class_of[key] for key in image_ids.tolist()], dtype=np.int64)
    by_chance = np.argsort(draws(image_ids, workspace.seed), kind="stable")
    image_ids, labels = image_ids[by_chance], labels[by_chance]
    if balanced or way == "typical":
        parts = _allotted(labels, number, balanced)
    else:
        parts = [(np.arange(len(image_ids)), min(number, len(image_ids)))]
    chosen = [image_ids[own][_chosen(features, image_ids[own], count, way)] for own, count in parts]
    found = np.concatenate(chosen) if chosen else image_ids[:0]
    counts: dict[str, int] = {}
    for key in found.tolist():
        name = names[class_of[key]]
        counts[name] = counts.get(name, 0) + 1
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return Subset(
        sentence=f"{many(len(found), f'{way} image')}" + (f": {said}." if said else "."),
        way=way,
        image_ids=tuple(found.tolist()),
        counts=counts,
    )


def _chosen(
    features: Features | None, image_ids: NDArray[np.int64], count: int, way: Way
) -> NDArray[np.intp]:
    """Places (count,) among ``image_ids`` (N,), which come in an order drawn by chance."""
    if features is None:
        return np.arange(count)
    if way == "typical":
        return nearest_to_mean(features.units(image_ids[: max(count, CANDIDATES)]), count)
    return k_centre(features.units(image_ids[: max(count, CANDIDATES)]), count)


def nearest_to_mean(units: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Places (count,) of the rows of ``units`` (N, D), of length 1, nearest to their mean."""
    return np.argsort(-(units @ units.mean(axis=0)), kind="stable")[:count]


def k_centre(units: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Places (count,) of rows of ``units`` (N, D), each the farthest from those before it.

    The first is row 0. The largest distance of any row to the chosen ones is at most twice the
    smallest that is possible (Gonzalez, 1985).
    """
    chosen = np.zeros(count, dtype=np.intp)
    nearest = np.full(len(units), -np.inf, dtype=np.float32)
    for step in range(1, count):
        last = chosen[step - 1]
        np.maximum(nearest, units @ units[last], out=nearest)
        nearest[last] = np.inf  # never again, also where all are the same
        chosen[step] = np.argmin(nearest)
    return chosen


def _allotted(
    labels: NDArray[np.int64], number: int, balanced: bool
) -> Sequence[tuple[NDArray[np.intp], int]]:
    """The places of each label's images, and how many of them to choose.

    By share, or as equal as the labels' sizes allow; what does not divide goes to the largest rest,
    or to the first labels.
    """
    own = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    sizes = np.array([len(places) for places in own])
    number = min(number, int(sizes.sum()))
    if balanced:
        level = np.zeros_like(sizes)
        while (left := number - int(level.sum())) > 0:
            room = np.flatnonzero(level < sizes)
            each = max(1, min(left // len(room), int((sizes - level)[room].min())))
            level[room[: left // each]] += each
        return list(zip(own, level.tolist(), strict=True))
    exact = sizes * number / max(1, int(sizes.sum()))
    counts = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - counts), kind="stable")[: number - int(counts.sum())]
    counts[rest] += 1
    return list(zip(own, counts.tolist(), strict=True))
