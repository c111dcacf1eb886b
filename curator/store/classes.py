"""The labels of a project: names that work as folder names on every system, in a fixed order."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from curator.errors import BadClassName, UnknownClass
from curator.store import schema

LONGEST_NAME = 100
FORBIDDEN = '<>:"/\\|?*'
RESERVED = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}


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
    elif not cleaned.isprintable():
        problem = "it has unprintable characters"
    elif cleaned.startswith(".") or cleaned.endswith("."):
        problem = "it starts or ends with a dot"
    elif found := sorted(set(cleaned) & set(FORBIDDEN)):
        problem = f"it holds {' '.join(found)}"
    elif cleaned.split(".")[0].lower() in RESERVED:
        problem = "Windows reserves that name"
    if problem:
        raise BadClassName(
            f"{cleaned[:40]!r} cannot be a class name: {problem}.",
            "Class names become folder names; use letters, digits, blanks, - and _.",
        )
    return cleaned


def all_classes(connection: Connection) -> list[Class]:
    """Every class, in the model's order."""
    rows = connection.execute(
        select(schema.classes.c.id, schema.classes.c.name).order_by(schema.classes.c.position)
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
    """The name of each class by its id, in the model's order."""
    return {item.id: item.name for item in all_classes(connection)}


def add_classes(connection: Connection, names: Sequence[str]) -> list[Class]:
    """Append classes. Raises :class:`BadClassName`; then none is added."""
    cleaned = validated_names(names, (item.name for item in all_classes(connection)))
    position = connection.execute(
        select(func.coalesce(func.max(schema.classes.c.position), -1))
    ).scalar_one()
    for offset, name in enumerate(cleaned, start=1):
        connection.execute(insert(schema.classes).values(name=name, position=position + offset))
    return all_classes(connection)


def find_class(connection: Connection, name: str) -> Class:
    """The class of that name, in whatever case; else :class:`UnknownClass`."""
    known = all_classes(connection)
    wanted = unicodedata.normalize("NFC", name.strip()).casefold()
    for item in known:
        if item.name.casefold() == wanted:
            return item
    raise UnknownClass(
        f"There is no class {name!r}.",
        f"The classes are: {', '.join(item.name for item in known) or 'none yet'}.",
    )
