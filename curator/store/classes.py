"""The labels of a project: names that work as folder names on every system, in a fixed order.

A class that was merged into another, or whose making was undone, is *retired*: it keeps its row,
since runs and the ledger know it by its id, under a name that leaves the old one free. How classes
change is in :mod:`curator.store.class_changes`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, insert, select

from curator.errors import UnknownClass
from curator.store import schema
from curator.store.class_names import NO_LABEL, validated_names


@dataclass(frozen=True)
class Class:
    """One label."""

    id: int
    name: str


def all_classes(connection: Connection) -> list[Class]:
    """Every class that is not retired, in the model's order."""
    table = schema.classes
    rows = connection.execute(
        select(table.c.id, table.c.name).where(table.c.retired == 0).order_by(table.c.position)
    )
    return [Class(row.id, row.name) for row in rows]


def names_by_id(connection: Connection) -> dict[int, str]:
    """The name of each class by its id, in the model's order; retired ones too."""
    table = schema.classes
    rows = connection.execute(select(table.c.id, table.c.name).order_by(table.c.position))
    return {row.id: row.name for row in rows}


def present_names(connection: Connection) -> dict[int, str]:
    """What each class is called by its id; a merged one is called as what it was merged into."""
    names, merged = names_by_id(connection), merged_ids(connection)
    return {class_id: names[merged.get(class_id, class_id)] for class_id in names}


@dataclass(frozen=True)
class ClassSize:
    """A class and its images: ``images`` live ones, ``left_out`` the others."""

    id: int
    name: str
    images: int
    left_out: int


def class_sizes(connection: Connection) -> list[ClassSize]:
    """Each class that is not retired, in the model's order, with the number of its images."""
    now = schema.current.c
    query = select(now.class_id, now.state, func.count()).group_by(now.class_id, now.state)
    live: Counter[int] = Counter()
    left_out: Counter[int] = Counter()
    for class_id, state, number in connection.execute(query):
        if state != schema.WITHDRAWN:
            (left_out if state in schema.LEFT_OUT else live)[class_id] += number
    return [
        ClassSize(item.id, item.name, live[item.id], left_out[item.id])
        for item in all_classes(connection)
    ]


def merged_ids(connection: Connection) -> dict[int, int]:
    """The class that each merged one counts as now, by id; merges of merged ones are followed."""
    table = schema.classes
    into: dict[int, int] = {
        row.id: row.merged_into
        for row in connection.execute(
            select(table.c.id, table.c.merged_into).where(table.c.merged_into.is_not(None))
        )
    }
    # What a class was merged into may itself have been merged, but only later: no circles.
    return {class_id: _end(class_id, into) for class_id in into}


def _end(class_id: int, into: Mapping[int, int]) -> int:
    while class_id in into:
        class_id = into[class_id]
    return class_id


def counted_as(column: ColumnElement[int], merged: Mapping[int, int]) -> ColumnElement[int]:
    """For a query: the class id in ``column``, or what it counts as by :func:`merged_ids`."""
    return case(dict(merged), value=column, else_=column) if merged else column


def merged_names(connection: Connection) -> dict[str, Class]:
    """The merged classes by their name before, case-folded: what files may still call them.

    A name that a class has at present is not among them.
    """
    acts, table = schema.class_acts, schema.classes
    newest = select(func.max(acts.c.id)).group_by(acts.c.class_id)
    rows = connection.execute(
        select(table.c.id, acts.c.name_before)
        .join(acts, acts.c.class_id == table.c.id)
        .where(table.c.merged_into.is_not(None), acts.c.id.in_(newest))
        .order_by(acts.c.id)
    )
    taken = {item.name.casefold() for item in all_classes(connection)}
    found = {row.name_before.casefold(): Class(row.id, row.name_before) for row in rows}
    return {name: item for name, item in found.items() if name not in taken}


def add_classes(connection: Connection, names: Sequence[str]) -> list[Class]:
    """Append classes. Raises :class:`BadClassName`; then none is added."""
    cleaned = validated_names(names, names_by_id(connection).values())
    position = connection.execute(
        select(func.coalesce(func.max(schema.classes.c.position), -1))
    ).scalar_one()
    for offset, name in enumerate(cleaned, start=1):
        connection.execute(insert(schema.classes).values(name=name, position=position + offset))
    return all_classes(connection)


NO_LABEL_ID = select(schema.classes.c.id).where(
    schema.classes.c.name == NO_LABEL, schema.classes.c.retired == 1
)
"""What images are listed under that have no label."""


def no_label_id(connection: Connection) -> int | None:
    """The id of what images are listed under that have no label; None where none ever came."""
    found: int | None = connection.execute(NO_LABEL_ID).scalar()
    return found


def listed_class(connection: Connection, name: str) -> Class:
    """The class that images can be listed under: by its name, or :data:`NO_LABEL`.

    Raises UnknownClass. For a transaction that writes.
    """
    if name != NO_LABEL:
        return find_class(connection, name)
    found = no_label_id(connection)
    if found is None:
        values = {"name": NO_LABEL, "position": -1, "retired": 1}
        connection.execute(insert(schema.classes).values(values))
        found = no_label_id(connection)
        assert found is not None
    return Class(found, NO_LABEL)


def find_class(connection: Connection, name: str, renamed: bool = False) -> Class:
    """The class of that name, in whatever case; else :class:`UnknownClass`.

    ``renamed``: or the one class that was ever called so, unless it was merged or undone since.
    """
    known = all_classes(connection)
    wanted = _folded(name)
    # As it is spelled first: an old project may have two names that differ by case only.
    for item in sorted(known, key=lambda item: item.name != name):
        if item.name == name or _folded(item.name) == wanted:
            return item
    if renamed:
        once = _once_called(connection, wanted)
        for item in known:
            if once == {item.id}:
                return item
    merged = merged_names(connection).get(wanted)
    became = ""
    if merged is not None:
        target = names_by_id(connection)[merged_ids(connection)[merged.id]]
        became = f" {merged.name!r} was merged into {target!r}."
    raise UnknownClass(
        f"There is no class {name!r}.{became}",
        f"The classes are: {', '.join(item.name for item in known) or 'none yet'}.",
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


def _once_called(connection: Connection, wanted: str) -> set[int]:
    """The ids of all classes that ever had the folded name, retired ones too."""
    acts = schema.class_acts.c
    rows = connection.execute(select(acts.class_id, acts.name_before, acts.name_after))
    return {
        row.class_id for row in rows if wanted in map(_folded, (row.name_before, row.name_after))
    }
