"""Putting a list of addresses into the project: nothing is fetched here.

What adding would do can be seen before, by the same code. Pictures that a list contains itself
(``data:`` addresses) are written to the project's inbox, named by their SHA-256, before their rows
appear; the next fetch verifies them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, insert, select

from curator.collect.http.urls import host_of
from curator.collect.lists import Address, AddressList, EmbeddedImage, Kind, Refused, parse
from curator.collect.lists import read_list as read_list_file
from curator.collect.lists.rights import UNKNOWN
from curator.errors import BadList
from curator.files import write_atomic
from curator.phrasing import many, utf8
from curator.store import schema
from curator.store.class_names import NO_LABEL, validated_names
from curator.store.classes import (
    Class,
    add_classes,
    all_classes,
    find_class,
    listed_class,
    merged_ids,
    no_label_id,
)
from curator.store.database import rows_of

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

_MOST_HOSTS = 10
_SHOWN = 5
_NO_CLASS = -1  # the id of a class that is not made yet

_Item: TypeAlias = Address | EmbeddedImage


@dataclass(frozen=True)
class Preview:
    """What adding a list would do. All numbers count addresses and embedded images alike."""

    class_name: str
    kind: Kind
    found: str  # the list in words: "a web page with 120 image addresses"
    new: int
    known: int  # in the project already, for this class
    twice: int  # repeated within the list
    refused: tuple[Refused, ...]  # by line number, with the problem
    other_class: int  # new here, but listed under another class too
    embedded: int  # of the new: images that the list contains itself
    left_out: tuple[tuple[str, int], ...]  # passed over on purpose: what, how many
    hosts: tuple[tuple[str, int], ...]  # of the new: those with the most, ten at most
    first: tuple[str, ...]  # the first few of the new

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
        said = ", ".join(parts) + "."
        return said if self.kind == "list" else f"{self.found[0].upper()}{self.found[1:]}: {said}"

    @property
    def notes(self) -> list[str]:
        """What was left out on purpose, a line each."""
        return [f"{number} left out: {what}" for what, number in self.left_out]

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON; ``found`` and ``sentence`` are for people."""
        return {
            "class": self.class_name,
            "kind": self.kind,
            "found": self.found,
            "sentence": self.sentence,
            "new": self.new,
            "known": self.known,
            "twice": self.twice,
            "other_class": self.other_class,
            "embedded": self.embedded,
            "left_out": dict(self.left_out),
            "hosts": dict(self.hosts),
            "first": list(self.first),
            "refused": [
                {"line": item.line, "text": item.text, "problem": item.problem}
                for item in self.refused
            ],
        }


class Added(Preview):
    """What became of a list: the same figures, now done."""


def add(
    workspace: Workspace,
    class_name: str,
    lists: Sequence[tuple[str | bytes | Path, str]],
    new_class: bool = False,
) -> list[Added]:
    """Add lists, each with its name, to one class: all of them, or none when one is refused.

    See :meth:`curator.Project.add`.
    """
    workspace.database.require_writable()
    every = [_parsed(addresses, listed_in) for addresses, listed_in in lists]
    with workspace.database.read() as connection:
        target_id, _ = _target(connection, class_name, new_class)
        # Files before rows: a kill in between leaves files that no row asks for, never the reverse.
        for _, parsed in every:
            known = _classes_of(connection, parsed.images)
            for image in parsed.images:
                path = workspace.inbox / image.sha256
                if target_id not in known.get(image.origin, ()) and not path.exists():
                    write_atomic(path, image.data)
    with workspace.database.write() as connection:
        if new_class:
            add_classes(connection, [class_name])
        target = listed_class(connection, class_name)
        return [_enter(connection, target, name, parsed) for name, parsed in every]


def _enter(connection: Connection, target: Class, name: str, parsed: AddressList) -> Added:
    known = _classes_of(connection, _items(parsed))
    fresh = list(_fresh(parsed, known, target.id))
    if fresh:
        connection.execute(
            insert(schema.sources), [_source(item, target.id, name) for item in fresh]
        )
    preview = _preview(parsed, target.name, fresh, known)
    return Added(**{item.name: getattr(preview, item.name) for item in fields(Preview)})


def _target(connection: Connection, class_name: str, new_class: bool) -> tuple[int, str]:
    """Id and name of the class, which may still be to be made. Raises what ``add`` raises."""
    if new_class:
        taken = (item.name for item in all_classes(connection))
        return _NO_CLASS, validated_names([class_name], taken)[0]
    if class_name == NO_LABEL:
        found = no_label_id(connection)
        return _NO_CLASS if found is None else found, class_name
    target = find_class(connection, class_name)
    return target.id, target.name


def preview(
    workspace: Workspace,
    class_name: str,
    addresses: str | bytes | Path,
    listed_in: str,
    new_class: bool = False,
) -> Preview:
    """See :meth:`curator.Project.preview`."""
    _, parsed = _parsed(addresses, listed_in)
    with workspace.database.read() as connection:
        known = _classes_of(connection, _items(parsed))
        class_id, class_name = _target(connection, class_name, new_class)
    return _preview(parsed, class_name, list(_fresh(parsed, known, class_id)), known)


def _parsed(addresses: str | bytes | Path, listed_in: str) -> tuple[str, AddressList]:
    """The list's name and content; an error when nothing in it is usable."""
    if isinstance(addresses, Path):
        listed_in = utf8(addresses.name)
        parsed = read_list_file(addresses)
    else:
        parsed = parse(addresses, listed_in)
    if parsed.addresses or parsed.images:
        return listed_in, parsed
    seen = [many(len(parsed.refused), "refused line"), many(parsed.comments, "comment")]
    seen += [f"{number} {what}" for what, number in parsed.left_out]
    first = parsed.refused[0] if parsed.refused else None
    hint = f" Line {first.line}: {first.problem}" if first else ""
    raise BadList(
        f"The list {listed_in!r}, read as {parsed.sentence}, holds no usable address "
        f"({', '.join(seen)}).{hint}",
        "Give http:// or https:// addresses, one a line, a table with a column `url`, or a saved "
        "page of results.",
    )


def _preview(
    parsed: AddressList,
    class_name: str,
    fresh: list[_Item],
    known: dict[str, set[int]],
) -> Preview:
    origins = [_origin(item) for item in fresh]
    hosts = Counter(host_of(item.url) for item in fresh if isinstance(item, Address))
    return Preview(
        class_name=class_name,
        kind=parsed.kind,
        found=parsed.sentence,
        new=len(fresh),
        known=len(parsed.addresses) + len(parsed.images) - len(fresh),
        twice=len(parsed.duplicates),
        refused=parsed.refused,
        other_class=sum(origin in known for origin in origins),
        embedded=sum(isinstance(item, EmbeddedImage) for item in fresh),
        left_out=parsed.left_out,
        hosts=tuple(hosts.most_common(_MOST_HOSTS)),
        first=tuple(origins[:_SHOWN]),
    )


def _fresh(parsed: AddressList, known: dict[str, set[int]], class_id: int) -> Iterator[_Item]:
    """What of the list the class does not have yet."""
    for item in _items(parsed):
        if class_id not in known.get(_origin(item), ()):
            yield item


def _items(parsed: AddressList) -> Iterable[_Item]:
    yield from parsed.addresses
    yield from parsed.images


def _origin(item: _Item) -> str:
    return item.url if isinstance(item, Address) else item.origin


def _source(item: _Item, class_id: int, listed_in: str) -> dict[str, object]:
    rights = item.rights if isinstance(item, Address) else UNKNOWN
    return {
        **asdict(rights),
        "kind": "address" if isinstance(item, Address) else "data",
        "origin": _origin(item),
        "class_id": class_id,
        "listed_in": listed_in,
        "line": item.line,
        "state": schema.PENDING,
    }


def _classes_of(connection: Connection, items: Iterable[_Item]) -> dict[str, set[int]]:
    """The classes for which the project has each origin already; merged ones as they count now."""
    table = schema.sources
    query = select(table.c.origin, table.c.class_id).where(
        table.c.kind.in_(("address", "data")),
        table.c.root == "",  # always so for these kinds; the index begins with kind and root
    )
    found: dict[str, set[int]] = {}
    merged = merged_ids(connection)
    for row in rows_of(connection, query, table.c.origin, map(_origin, items)):
        found.setdefault(row.origin, set()).add(merged.get(row.class_id, row.class_id))
    return found
