"""What is known of a page's images from others: groups, other lists, what is usual in the project.

Read for the images of one page; nothing here grows with the data set but what is kept between
pages, and that is read again only after so many decisions that each pays for a bounded part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from curator.check.duplicates.keepers import placed
from curator.check.outliers import THRESHOLD
from curator.check.quality import QUALITY, Limits, limits
from curator.store import ledger_log, schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from curator.review.queue.scope import Scope
    from curator.store.workspace import Workspace

_REMEMBERED = 8  # projects whose limits of quality are kept


@dataclass(frozen=True)
class Around:
    """``best``: the image to keep of each group with several live images, by group.

    ``mixed``: groups of several labels. ``listed``: the classes of each undecided image that is
    listed under several, in the model's order. ``quality``: what is poor in this project.
    """

    best: dict[int, int]
    mixed: frozenset[int]
    listed: dict[int, list[str]]
    quality: Limits

    def issues(self, image: Any) -> list[str]:
        """The columns of :data:`curator.check.quality.QUALITY` that flag the image."""
        found = []
        for name in self.quality.flagged:
            if name == "odd_size_score":
                smallest, largest = self.quality.areas
                poor = not smallest <= image.width * image.height <= largest
            else:
                value = getattr(image, name)
                poor = value is not None and value < QUALITY[name][0]
            if poor:
                found.append(name)
        return found

    def flags(self, image: Any, issues: list[str]) -> list[str]:
        """Short words for what is known of an image with these ``issues`` without a run."""
        twin = image.group_id in self.best
        words = {
            "two classes": image.id in self.listed or (twin and image.group_id in self.mixed),
            "duplicate": twin,
            "outlier": is_outlier(image),
        }
        return [word for word, holds in words.items() if holds] + [
            name.removesuffix("_score").replace("_", " ") for name in issues
        ]

    def place(self, image: Any) -> str:
        """What the image is in its group of near-duplicates, in words; "" alone."""
        if image.group_id not in self.best:
            return ""
        return "best to keep" if self.best[image.group_id] == image.id else "spare"


def is_outlier(image: Any) -> bool:
    """Whether the last check found the image far from its label's others, and nobody kept it."""
    score = image.outlier_score
    return score is not None and score < THRESHOLD and image.state != schema.KEPT


def look_around(scope: Scope, quality: Limits, every: Sequence[Any]) -> Around:
    """Read what surrounds the images ``every``.

    They are rows as :func:`curator.review.queue.tiles.images_of` gives them.
    """
    groups = sorted({row.group_id for row in every if row.group_id is not None})
    wanted = select(schema.images.c.group_id).where(schema.images.c.group_id.in_(groups))
    members = placed(wanted).subquery().c
    best = select(members.group_id, members.image_id, members.lowest, members.highest).where(
        members.place == 1, members.members > 1
    )
    found = scope.connection.execute(best).all()
    return Around(
        {row.group_id: row.image_id for row in found},
        frozenset(row.group_id for row in found if row.lowest != row.highest),
        _listed_under(scope, [row.id for row in every if row.state in schema.UNDECIDED]),
        quality,
    )


def _listed_under(scope: Scope, image_ids: list[int]) -> dict[int, list[str]]:
    under: dict[int, set[int]] = {}
    for row in scope.connection.execute(_LISTED, {"ids": image_ids}):
        under.setdefault(row.image_id, set()).add(scope.merged.get(row.class_id, row.class_id))
    return {
        image_id: [name for key, name in scope.names.items() if key in classes]
        for image_id, classes in under.items()
        if len(classes) > 1
    }


_LISTED = (
    select(schema.sources.c.image_id, schema.sources.c.class_id)
    .distinct()
    .where(schema.sources.c.image_id.in_(bindparam("ids", expanding=True)))
)

_limits_of: dict[str, tuple[int, int, Limits]] = {}


def known_limits(workspace: Workspace, connection: Connection) -> Limits:
    """The project's limits of quality, read anew when images came or 1 % of them were decided on.

    They are drawn from every image, so reading them for each page would cost what pages must not.
    """
    newest = connection.execute(select(func.coalesce(func.max(schema.images.c.id), 0))).scalar_one()
    position = ledger_log.position(connection)
    key = str(workspace.database.path)
    known = _limits_of.get(key)
    if known and known[0] == newest and abs(position - known[1]) <= newest // 100:
        return known[2]
    found = limits(connection)
    if len(_limits_of) >= _REMEMBERED:
        _limits_of.clear()
    _limits_of[key] = (newest, position, found)
    return found
