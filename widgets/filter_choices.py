"""What the gallery's filters offer: hosts, names of the pretrained network, quality measures.

Counted over all images, so counted again only when images came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from curator.check.quality import QUALITY
from curator.review.queue.filters import hosts
from curator.store import schema, tags

if TYPE_CHECKING:
    from curator.project import Project

OFFERED = 200  # of a kind
NOTHING: dict[str, Any] = {"hosts": [], "tags": [], "issues": []}


class Choices:
    """The choices of one project at a time."""

    def __init__(self) -> None:
        self._of: tuple[Any, ...] = ()  # project and label
        self._counted: tuple[Any, ...] = ()  # what was there when they were counted
        self._found = NOTHING

    def known(self, project: Project, label: str | None) -> dict[str, Any]:
        """What was counted of this project and label; nothing before that."""
        return self._found if self._of == (project.path, label) else NOTHING

    def of(self, project: Project, label: str | None) -> dict[str, Any]:
        """Lists of (value, number of images) or (value, words); names are those of ``label``."""
        with project.database.read() as connection:
            newest = connection.execute(select(func.max(schema.images.c.id))).scalar()
            named = connection.execute(select(func.count()).select_from(schema.tags)).scalar()
            if ((project.path, label), (newest, named)) != (self._of, self._counted):
                seen = tags.tag_counts(connection, label).head(OFFERED)
                self._of, self._counted = (project.path, label), (newest, named)
                self._found = {
                    "hosts": [list(pair) for pair in hosts(connection)[:OFFERED]],
                    "tags": [[row.name, int(str(row.images))] for row in seen.itertuples()],
                    "issues": [
                        [name.removesuffix("_score"), words] for name, (_, words) in QUALITY.items()
                    ],
                }
        return self._found
