"""The sources of a recipe in a project: entered one after the other until one gives the image.

The first address of an image is asked; only where it fails, or leads to another picture by now, is
the next one. Once the image is there, the rest are noted as leading to it: nobody is asked twice
for the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from curator.collect.ingest import known
from curator.store import schema
from curator.store.class_changes import new_class
from curator.store.classes import all_classes, merged_ids, merged_names
from curator.store.database import now, rows_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.deliver.recipe.form import ImageLine, Recipe
    from curator.store.workspace import Workspace

_Key = tuple[str, str, str, int]  # kind, root, origin, class id


@dataclass(frozen=True)
class Entered:
    """A source that the project has: its id, state, and the image that it led to."""

    id: int
    state: str
    image_id: int | None
    reason: str | None


@dataclass(frozen=True)
class Sources:
    """A recipe in this project. ``class_ids``: the present class of each of its labels."""

    recipe: Recipe
    class_ids: Mapping[str, int]

    @classmethod
    def of(cls, workspace: Workspace, recipe: Recipe) -> Sources:
        """Make the classes that the project lacks; a merged one is what it was merged into."""
        with workspace.database.read() as connection:
            ids = _class_ids(connection)
        for name in recipe.header.classes:
            if name.casefold() not in ids:
                new_class(workspace.database, name)
        with workspace.database.read() as connection:
            ids = _class_ids(connection)
        return cls(recipe, {name: ids[name.casefold()] for name in recipe.header.classes})

    def rows(self, line: ImageLine) -> list[dict[str, Any]]:
        """The rows of an image's sources, the first first."""
        recipe = self.recipe
        given = f"{recipe.header.name} ({recipe.sha256[:12]})"
        return [
            {
                "kind": "address" if source.kind == "address" else "file",
                "root": "" if source.kind == "address" else given,
                "origin": source.origin,
                "class_id": self.class_ids[source.label],
                "listed_in": given if source.kind == "address" else "",
                "license": source.license,
                "creator": source.creator,
                "source_page": source.source_page,
                "split": line.split,
                "state": schema.PENDING,
            }
            for source in line.sources
        ]

    def entered(self, connection: Connection, lines: Sequence[ImageLine]) -> dict[_Key, Entered]:
        """The sources of these images that the project has, whatever came of them."""
        table = schema.sources
        query = select(
            table.c.id, table.c.kind, table.c.root, table.c.origin, table.c.class_id,
            table.c.state, table.c.image_id, table.c.reason,
        )  # fmt: skip
        merged = merged_ids(connection)
        origins = {source.origin for line in lines for source in line.sources}
        return {
            (row.kind, row.root, row.origin, merged.get(row.class_id, row.class_id)): Entered(
                row.id, row.state, row.image_id, row.reason
            )
            for row in rows_of(connection, query, table.c.origin, sorted(origins))
        }

    def enter(self, connection: Connection, lines: Sequence[ImageLine]) -> tuple[int, int]:
        """Enter what is to be asked next; give how many that is, and how many images are absent."""
        there = known(connection, [line.sha256 for line in lines])
        entered = self.entered(connection, lines)
        fresh, led = [], []
        asked = absent = 0
        for line in lines:
            rows = [row for row in self.rows(line) if key_of(row) not in entered]
            if line.sha256 in there:
                image_id = there[line.sha256]
                done = {"state": schema.FETCHED, "image_id": image_id, "ended_at": now()}
                fresh += [row | done for row in rows]
                waiting = (entered.get(key_of(row)) for row in self.rows(line))
                led += [
                    {"key": item.id} | done
                    for item in waiting
                    if item is not None and item.state == schema.PENDING
                ]
                continue
            absent += 1
            if any(
                item is not None and item.state == schema.PENDING
                for item in (entered.get(key_of(row)) for row in self.rows(line))
            ):
                continue
            following = [row for row in rows if row["kind"] == "address"][:1]
            fresh += following
            asked += len(following)
        self.add(connection, fresh)
        if led:
            query = update(schema.sources).where(schema.sources.c.id == bindparam("key"))
            connection.execute(query, led)
        return asked, absent

    def add(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows of sources; one that stands under two images of the recipe is added once."""
        once = {key_of(row): row for row in reversed(rows)}
        for row in reversed(once.values()):
            connection.execute(insert(schema.sources), row)


def key_of(row: Mapping[str, Any]) -> _Key:
    """What names the row of a source for good."""
    return row["kind"], row["root"], row["origin"], row["class_id"]


def _class_ids(connection: Connection) -> dict[str, int]:
    """The class of each name in folded case, by the names of merged ones, too."""
    into = merged_ids(connection)
    found = {name: into[item.id] for name, item in merged_names(connection).items()}
    return found | {item.name.casefold(): item.id for item in all_classes(connection)}
