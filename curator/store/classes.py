"""The labels of a project: names that work as folder names on every system, in a fixed order.

A class that was merged into another, or whose making was undone, is *retired*: it keeps its row,
since runs and the ledger know it by its id, under a name that leaves the old one free. How classes
change is in :mod:`curator.store.class_changes`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, insert, select

from curator.errors import BadClassName, UnknownClass
from curator.store import schema

LONGEST_NAME = 100  # characters
LONGEST_BYTES = 240  # of UTF-8; file systems take 255, and exports may append to a name
FORBIDDEN = '<>:"/\\|?*'
RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in "123456789\u00b9\u00b2\u00b3"
}


@dataclass(frozen=True)
class Class:
    """One label."""

    id: int
    name: str


def validated_name(name: str) -> str:
    """``name`` without surrounding blanks, or :class:`BadClassName` with the reason."""
    # Composed, since some systems decompose the names of folders.
    cleaned = unicodedata.normalize("NFC", name.strip())
    problem = ""
    if not cleaned:
        problem = "it is empty"
    elif len(cleaned) > LONGEST_NAME:
        problem = f"it has {len(cleaned)} characters, and {LONGEST_NAME} are the most"
    elif (size := len(cleaned.encode("utf-8", "surrogatepass"))) > LONGEST_BYTES:
        problem = f"it has {size} bytes, and {LONGEST_BYTES} are the most"
    elif not cleaned.isprintable():
        problem = "it has unprintable characters"
    elif cleaned.startswith(".") or cleaned.endswith("."):
        problem = "it starts or ends with a dot"
    elif found := sorted(set(cleaned) & set(FORBIDDEN)):
        problem = f"it holds {' '.join(found)}"
    elif cleaned.split(".")[0].strip().lower() in RESERVED:
        problem = "Windows reserves that name"
    if problem:
        raise BadClassName(
            f"{cleaned[:40]!r} cannot be a class name: {problem}.",
            "Class names become folder names; use letters, digits, blanks, - and _.",
        )
    return cleaned


def all_classes(connection: Connection) -> list[Class]:
    """Every class that is not retired, in the model's order."""
    table = schema.classes
    rows = connection.execute(
        select(table.c.id, table.c.name).where(table.c.retired == 0).order_by(table.c.position)
    )
    return [Class(row.id, row.name) for row in rows]


def validated_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """``names``, each valid and, in whatever case, neither ``taken`` nor there twice."""
    known = {name.casefold(): name for name in taken}
    cleaned = [validated_name(name) for name in names]
    for name in cleaned:
        twin = known.get(name.casefold())
        if twin is not None:
            same = "is there already" if twin == name else f"differs from {twin!r} only by case"
            raise BadClassName(f"The class {name!r} {same}.", "Give each class a name of its own.")
        known[name.casefold()] = name
    return cleaned


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
