"""Which images are of poor quality: thresholds on the measures that each image was stored with.

The names, the direction of the scores (0..1, low = suspicious) and the thresholds are cleanvision's
(0.3). The odd size is relative to the other images and is computed here; everything else is
measured once, when an image comes in (:mod:`curator.imaging.measures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, case, false, func, or_, select

from curator.frames import pd
from curator.store import images, schema

# Below these scores an image is worth a look.
DARK = 0.32  # all but 1 % of the pixels are less than a third as bright as white
LIGHT = 0.05  # all but 5 % of the pixels are within 5 % of white
LOW_INFORMATION = 0.3  # under 3 bits: of a grey image, as from 8 levels, or one plain ground
BLURRY = 0.29  # edges with a deviation under 34 levels, and no plain ground
ODD_ASPECT_RATIO = 0.35  # longer than 1 : 2.9, as are banners and strips
GRAYSCALE = 0.5  # the score is 0 or 1
ODD_SIZE = 0.5  # three interquartile ranges beyond the quartiles; see `odd_size_scores`

# Each score with its threshold, and what it says of an image.
QUALITY = {
    "dark_score": (DARK, "very dark"),
    "light_score": (LIGHT, "very light"),
    "low_information_score": (LOW_INFORMATION, "nearly empty"),
    "blurry_score": (BLURRY, "blurry"),
    "odd_aspect_ratio_score": (ODD_ASPECT_RATIO, "of an odd shape"),
    "odd_size_score": (ODD_SIZE, "of an odd size"),
    "grayscale_score": (GRAYSCALE, "without colour"),
}
# A measure that flags more than this share of the images describes the collection, not its faults:
# scanned digits are all "blurry". The same limit as cleanvision's ``max_prevalence``.
LARGEST_PREVALENCE = 0.5

_QUARTILE_RANGES = 3.0  # how far beyond the quartiles a size is still ordinary
_ROWS = 10_000  # read at once


@dataclass(frozen=True)
class Limits:
    """What counts as poor quality in one project.

    ``flagged``: live images below each threshold, by column of :data:`QUALITY`, only of measures
    that say something (see :data:`LARGEST_PREVALENCE`). ``areas``: smallest and largest of an
    ordinary image, in pixels.
    """

    flagged: dict[str, int]
    areas: tuple[float, float]

    def below(self, column: str) -> ColumnElement[bool]:
        """For a query over ``schema.images``: whether that measure flags the image."""
        table = schema.images.c
        if column not in self.flagged:
            return false()
        if column == "odd_size_score":
            area = table.width * table.height
            return or_(area < self.areas[0], area > self.areas[1])
        return table[column] < QUALITY[column][0]

    def worst_first(self, column: str) -> list[ColumnElement[Any]]:
        """The order by that measure, for the same query."""
        table = schema.images.c
        if column != "odd_size_score":
            return [table[column], table.id]
        # Without the root, which some builds of SQLite lack, small and large are compared by how
        # many times they are beyond the ordinary.
        pixels = table.width * table.height
        area = case((pixels < 1, 1), else_=pixels)
        beyond = case(
            (area > self.areas[1], area / max(self.areas[1], 1.0)), else_=self.areas[0] / area
        )
        return [beyond.desc(), table.id]


def limits(connection: Connection) -> Limits:
    """Thresholds and prevalences over all live images; 8 bytes an image while it is made."""
    table = schema.images.c
    stored = [name for name in QUALITY if name in table]
    # Few are left out, so a look at those is faster than a join with all.
    out = select(schema.current.c.image_id).where(schema.current.c.state.in_(schema.OUT))
    live = table.id.not_in(out)
    counts = connection.execute(
        select(
            func.count(),
            *(func.sum(case((table[name] < QUALITY[name][0], 1), else_=0)) for name in stored),
        ).where(live)
    ).one()
    query = select(table.width * table.height).where(live)
    areas = np.fromiter(connection.execute(query).scalars(), dtype=np.float64)
    lower, upper = _ordinary_sizes(np.sqrt(areas))
    flagged = dict(zip(stored, (int(number or 0) for number in counts[1:]), strict=True))
    flagged["odd_size_score"] = int(((areas < lower**2) | (areas > upper**2)).sum())
    said = {
        name: flagged[name]
        for name in QUALITY
        if 0 < flagged[name] <= LARGEST_PREVALENCE * len(areas)
    }
    return Limits(said, (lower**2, upper**2))


def quality_issues(connection: Connection) -> dict[str, list[int]]:
    """For each measure of :data:`QUALITY` that flags some: the live images below, worst first.

    Left out is a measure that flags more than :data:`LARGEST_PREVALENCE` of the images.
    """
    found = limits(connection)
    query = images.present(schema.images.c.id)
    return {
        name: list(
            connection.execute(
                query.where(images.LIVE, found.below(name)).order_by(*found.worst_first(name))
            ).scalars()
        )
        for name in found.flagged
    }


def quality_table(connection: Connection) -> pd.DataFrame:
    """Every live image with its scores, by id; 250 bytes an image while it is made, then 70.

    Columns: ``image_id``; for each issue its ``<issue>_score`` (0..1, low = suspicious; missing
    where the image was not measured yet) and ``is_<issue>_issue`` (whether the score is below its
    threshold), as in cleanvision.
    """
    stored = [name for name in QUALITY if name in schema.images.c]
    query = (
        images.present(
            schema.images.c.id,
            schema.images.c.width,
            schema.images.c.height,
            *(schema.images.c[name] for name in stored),
        )
        .where(images.LIVE)
        .order_by(schema.images.c.id)
    )
    parts = [np.empty((0, 3 + len(stored)))]
    # As numbers at once: as rows of Python objects they would take ten times the memory.
    parts += [
        np.array([tuple(row) for row in rows], dtype=np.float64)
        for rows in connection.execute(query).partitions(_ROWS)
    ]
    ids, width, height, *scores = np.concatenate(parts).T  # (N,) each
    values = dict(zip(stored, scores, strict=True))
    values["odd_size_score"] = odd_size_scores(width, height)
    columns: dict[str, NDArray[np.generic]] = {"image_id": ids.astype(np.int64)}
    for name, (threshold, _) in QUALITY.items():
        columns[name] = values[name]
        columns[_issue(name)] = values[name] < threshold
    return pd.DataFrame(columns)


def odd_size_scores(width: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """How ordinary each size is among all: (N,) pixels each; returns (N,), 0..1, low = odd.

    The size is the root of the area. Ordinary are sizes within three interquartile ranges of the
    quartiles: the score is 1 in the middle of that range, 0.5 at its ends and 0 beyond twice as
    far. Where most images have the very same size, the range is from half of it to one and a half
    (cleanvision: that size alone).
    """
    size = np.sqrt(width * height)
    middle, reach = _middle_and_reach(size)
    scores: NDArray[np.float64] = 1 - np.clip(np.abs(size - middle) / reach, 0, 1)
    return scores


def _ordinary_sizes(size: NDArray[np.float64]) -> tuple[float, float]:
    """The sizes with a score of :data:`ODD_SIZE`: what is beyond them is odd."""
    middle, reach = _middle_and_reach(size)
    return max(0.0, middle - (1 - ODD_SIZE) * reach), middle + (1 - ODD_SIZE) * reach


def _middle_and_reach(size: NDArray[np.float64]) -> tuple[float, float]:
    """Where the score of a size is 1, and how far from there it is 0."""
    if not len(size):
        return 0.0, 1.0
    lower, upper = np.percentile(size, [25, 75])
    middle = (lower + upper) / 2
    return float(middle), float((1 + 2 * _QUARTILE_RANGES) * (upper - lower) or middle)


def _issue(score: str) -> str:
    """The column that says whether a score is below its threshold."""
    return f"is_{score.removesuffix('_score')}_issue"
