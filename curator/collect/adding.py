"""Putting a list of addresses into the project: nothing is fetched here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, bindparam, insert, select

from curator.collect.lists import Address, Refused, parse_text, read_list
from curator.errors import BadList
from curator.store import schema
from curator.store.classes import find_class
from curator.store.database import Database


@dataclass(frozen=True)
class Added:
    """What became of each line of a list."""

    class_name: str
    new: int
    known: int  # in the project already, for this class
    twice: int  # repeated within the list
    refused: tuple[Refused, ...]  # by line number, with the problem
    other_class: int  # new here, but listed under another class too

    @property
    def sentence(self) -> str:
        """One line for people."""
        parts = [f"{self.new} new for {self.class_name}"]
        if self.known:
            parts.append(f"{self.known} already there")
        if self.twice:
            parts.append(f"{self.twice} repeated in the list")
        if self.refused:
            parts.append(f"{len(self.refused)} refused")
        if self.other_class:
            parts.append(f"{self.other_class} also listed under another class")
        return ", ".join(parts) + "."


def add(database: Database, class_name: str, addresses: str | Path, listed_in: str) -> Added:
    """See :meth:`curator.Project.add`."""
    with database.read() as connection:
        target = find_class(connection, class_name)
    if isinstance(addresses, Path):
        parsed, listed_in = read_list(addresses), addresses.name
    else:
        parsed = parse_text(addresses)
    if not parsed.addresses:
        seen = f"{len(parsed.refused)} refused lines, {parsed.comments} comments"
        first = parsed.refused[0] if parsed.refused else None
        hint = f" Line {first.line}: {first.problem}" if first else ""
        raise BadList(
            f"The list {listed_in!r} holds no usable address ({seen}).{hint}",
            "Give one http:// or https:// address a line, or a table with a column `url`.",
        )
    with database.write() as connection:
        known = _classes_of(connection, (item.url for item in parsed.addresses))
        fresh = [item for item in parsed.addresses if target.id not in known.get(item.url, ())]
        if fresh:
            connection.execute(
                insert(schema.sources), [_source(item, target.id, listed_in) for item in fresh]
            )
    return Added(
        class_name=target.name,
        new=len(fresh),
        known=len(parsed.addresses) - len(fresh),
        twice=len(parsed.duplicates),
        refused=tuple(parsed.refused),
        other_class=sum(item.url in known for item in fresh),
    )


def _source(item: Address, class_id: int, listed_in: str) -> dict[str, object]:
    return {
        "kind": "address",
        "origin": item.url,
        "class_id": class_id,
        "listed_in": listed_in,
        "line": item.line,
        "state": schema.PENDING,
    }


def _classes_of(connection: Connection, urls: Iterable[str]) -> dict[str, set[int]]:
    table = schema.sources
    query = select(table.c.origin, table.c.class_id).where(
        table.c.kind == "address", table.c.origin.in_(bindparam("urls", expanding=True))
    )
    found: dict[str, set[int]] = {}
    every = list(urls)
    for start in range(0, len(every), 500):
        for row in connection.execute(query, {"urls": every[start : start + 500]}):
            found.setdefault(row.origin, set()).add(row.class_id)
    return found
