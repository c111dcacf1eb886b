"""Changes of classes during a review: a new class, another name, two classes made one.

Each is an act of the ledger (:mod:`curator.store.undo`): a row of ``class_acts`` that says what the
class was before and after. A merge also has a decision for each image that it moves, with the
image's state as it was. What comes later under the merged class, from addresses still to be fetched
or files imported again, joins the merge's batch (:func:`follow`), so that undoing the merge takes
that back too. Ids never change, so runs and older decisions stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, literal, or_, select, update

from curator.errors import InputError, UnknownClass
from curator.frames import pd
from curator.store import schema
from curator.store.class_names import LONGEST_NAME, validated_names
from curator.store.classes import add_classes, names_by_id
from curator.store.database import Database, now, pieces
from curator.store.images import frame
from curator.store.undo import IMPORT, MERGE, UNDO, Decided, last_batch, reviewer

_SHOWN = 3  # classes of an import that are named when it is undone
NEW_CLASS = "new class"
RENAME = "rename"


def new_class(database: Database, name: str, by: str | None = None) -> Decided:
    """Append a class. The name of a retired one may be used. Raises BadClassName."""
    with database.write() as connection:
        made = add_classes(connection, [name])[-1]
        batch = last_batch(connection) + 1
        values = {"name_before": made.name, "retired_before": 1, "merged_before": None}
        _record(connection, batch, by, NEW_CLASS, made.id, values)
        return Decided(batch, (), what=f"made the class {made.name}")


def rename(database: Database, class_id: int, name: str, by: str | None = None) -> Decided:
    """Give a class another name; the name that it has already records nothing.

    Raises UnknownClass; BadClassName when another class has the name.
    """
    with database.write() as connection:
        before = _live(connection, class_id)
        others = names_by_id(connection)
        del others[class_id]
        (wished,) = validated_names([name], others.values())
        if wished == before.name:
            return Decided(0, ())
        batch = last_batch(connection) + 1
        _change(connection, batch, by, RENAME, before, {"name": wished})
        return Decided(batch, (), what=f"renamed {before.name} to {wished}")


def merge(database: Database, class_id: int, into_id: int, by: str | None = None) -> Decided:
    """Make all images of a class, deleted ones too, images of another, and retire the class.

    Raises UnknownClass for one that is not there or is retired, InputError for one and the same.
    """
    with database.write() as connection:
        before, into = _live(connection, class_id), _live(connection, into_id)
        if class_id == into_id:
            raise InputError(
                f"The class {before.name!r} cannot be merged into itself.", "Name two classes."
            )
        batch = last_batch(connection) + 1
        _change(
            connection,
            batch,
            by,
            MERGE,
            before,
            {"name": f"{before.name} (merged {batch})", "retired": 1, "merged_into": into_id},
        )
        _move(connection, batch, by or reviewer(), class_id, into_id)
        moved = _images_of(connection, batch)
        return Decided(batch, moved, what=f"merged {before.name} into {into.name}")


def follow(
    connection: Connection,
    image_ids: Sequence[int] | None = None,
    before: int = schema.LARGEST_ID,
    state: str | None = None,
) -> None:
    """Bring images (by default all) that came under a merged class into what it was merged into.

    They join the batch of the merge, signed by who merged. For one transaction with their coming.
    ``before``: only merges of an earlier batch count; ``state``: that of the images until then,
    where it is not the present one.
    """
    # Oldest first: what a class was merged into may itself have been merged, but only later.
    for act in _merges(connection):
        if act.batch >= before:
            break
        whole = (act.batch, act.by, act.class_id, act.merged_after)
        if image_ids is None:
            _move(connection, *whole)
            continue
        for piece in pieces(image_ids):
            _move(connection, *whole, piece, state)


def record_imported(connection: Connection, batch: int, made: Sequence[int], by: str) -> None:
    """Record classes that an import has made as part of its act."""
    for class_id in made:
        row = connection.execute(
            select(schema.classes.c.name).where(schema.classes.c.id == class_id)
        ).one()
        values = {"name_before": row.name, "retired_before": 1, "merged_before": None}
        _record(connection, batch, by, IMPORT, class_id, values)


def invert(connection: Connection, batch: int, number: int, action: str, by: str | None) -> str:
    """Undo or redo (``action``) the class act in ``batch``, as batch ``number``.

    ``batch`` is that of the act for an undo, of the undo for a redo. Gives the act in a few words,
    "" when the batch holds none. A class that has images or addresses stays when its making is
    undone, and a name that another class has taken meanwhile gets a number; the words say so.
    """
    table = schema.class_acts
    rows = connection.execute(
        select(table).where(table.c.batch == batch).order_by(table.c.id)
    ).all()
    said = [_invert_row(connection, row, number, action, by) for row in rows]
    if len(said) > _SHOWN:
        said = [*said[:_SHOWN], f"{len(said) - _SHOWN} more classes"]
    return " and ".join(said)


def _invert_row(connection: Connection, row: Any, number: int, action: str, by: str | None) -> str:
    table = schema.class_acts
    act = row
    if row.undoes is not None:
        act = connection.execute(select(table).where(table.c.id == row.undoes)).one()
        while act.undoes is not None:  # the redo of what is undone again
            act = connection.execute(select(table).where(table.c.id == act.undoes)).one()
    said = _in_words(connection, act)
    present = connection.execute(
        select(schema.classes).where(schema.classes.c.id == row.class_id)
    ).one()
    values = {
        "name": row.name_before,
        "retired": row.retired_before,
        "merged_into": row.merged_before,
    }
    if action == UNDO and act.action in (NEW_CLASS, IMPORT):
        used = (
            _in_use(connection, row.class_id)
            if act.action == NEW_CLASS
            else _has_others(connection, row.class_id)
        )
        if used:
            values = {}
            said += ", which stays because it has images or addresses"
        else:
            values["name"] = f"{row.name_after} (undone {number})"
    after = _change(connection, number, by, action, present, values, row.id)
    if values and not values["retired"] and after != values["name"]:
        said += f"; it is called {after} now, since {values['name']} is another class"
    return said


def log(database: Database, limit: int | None = None) -> pd.DataFrame:
    """The class acts, newest first: act, batch, at, by, action, and the names before and after."""
    table = schema.class_acts
    query = (
        select(
            table.c.id.label("act"),
            table.c.batch,
            table.c.at,
            table.c.by,
            table.c.action,
            table.c.class_id,
            table.c.name_before,
            table.c.name_after,
            schema.classes.c.name.label("merged_into"),
            table.c.undoes,
        )
        .outerjoin(schema.classes, schema.classes.c.id == table.c.merged_after)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    with database.read() as connection:
        return frame(connection, query)


def _live(connection: Connection, class_id: int) -> Any:
    table = schema.classes
    row = None
    if class_id <= schema.LARGEST_ID:
        row = connection.execute(
            select(table).where(table.c.id == class_id, table.c.retired == 0)
        ).first()
    if row is None:
        raise UnknownClass(
            f"There is no class with id {class_id}.",
            "It may have been merged or undone meanwhile: look at the classes again.",
        )
    return row


def _change(
    connection: Connection,
    batch: int,
    by: str | None,
    action: str,
    before: Any,
    values: dict[str, Any],
    undoes: int | None = None,
) -> str:
    """Set columns of a class and record it; gives the name, another one where that is taken."""
    table = schema.classes
    if values:
        free = _free_name(connection, values.get("name", before.name), before.id)
        values = values | {"name": free}
        connection.execute(update(table).where(table.c.id == before.id).values(values))
    was = {
        "name_before": before.name,
        "retired_before": before.retired,
        "merged_before": before.merged_into,
    }
    return _record(connection, batch, by, action, before.id, was | {"undoes": undoes})


def _record(
    connection: Connection,
    batch: int,
    by: str | None,
    action: str,
    class_id: int,
    values: dict[str, Any],
) -> str:
    """Add the row of an act whose class is changed already; gives the class's name."""
    after = connection.execute(select(schema.classes).where(schema.classes.c.id == class_id)).one()
    connection.execute(
        insert(schema.class_acts).values(
            batch=batch,
            at=now(),
            by=by or reviewer(),
            action=action,
            class_id=class_id,
            name_after=after.name,
            retired_after=after.retired,
            merged_after=after.merged_into,
            **values,
        )
    )
    return str(after.name)


def _free_name(connection: Connection, wished: str, class_id: int) -> str:
    """``wished``, or with the first number that makes it no other class's, retired ones too."""
    others = names_by_id(connection)
    del others[class_id]
    taken = {name.casefold() for name in others.values()}
    name, number = wished, 1
    while name.casefold() in taken:
        number += 1
        ending = f" {number}"
        name = wished[: LONGEST_NAME - len(ending)] + ending
    return name


def _move(
    connection: Connection,
    batch: int,
    by: str,
    class_id: int,
    into_id: int,
    image_ids: Sequence[int] | None = None,
    state: str | None = None,
) -> None:
    """Record that images of a class, all or these, are now of another, with their state."""
    table = schema.current
    query = select(
        literal(batch),
        literal(now()),
        literal(by),
        table.c.image_id,
        literal(MERGE),
        table.c.class_id,
        literal(into_id),
        table.c.state if state is None else literal(state),
        table.c.state if state is None else literal(state),
    ).where(table.c.class_id == class_id)
    if image_ids is not None:
        query = query.where(table.c.image_id.in_(image_ids))
    names = ["batch", "at", "by", "image_id", "action", "class_before", "class_after"]
    connection.execute(
        insert(schema.decisions).from_select(
            [*names, "state_before", "state_after"], query.order_by(table.c.image_id)
        )
    )


def _images_of(connection: Connection, batch: int) -> tuple[int, ...]:
    table = schema.decisions
    query = select(table.c.image_id).where(table.c.batch == batch).order_by(table.c.id)
    return tuple(connection.execute(query).scalars())


def _merges(connection: Connection) -> list[Any]:
    """The merges in force, oldest first: the last one of each class that is merged now."""
    acts, table = schema.class_acts, schema.classes
    last = (
        select(func.max(acts.c.id))
        .join(table, table.c.id == acts.c.class_id)
        .where(acts.c.action == MERGE, table.c.merged_into.is_not(None))
        .group_by(acts.c.class_id)
    )
    return list(connection.execute(select(acts).where(acts.c.id.in_(last)).order_by(acts.c.id)))


def _in_use(connection: Connection, class_id: int) -> bool:
    """Whether a source names the class, or an image is of it or came as one of it."""
    tables = (schema.sources, schema.images, schema.current)
    known = (select(t.c.class_id).where(t.c.class_id == class_id).exists() for t in tables)
    return bool(connection.execute(select(or_(*known))).scalar_one())


def _has_others(connection: Connection, class_id: int) -> bool:
    """Whether the class of an import that was taken back has more: images, or addresses."""
    kept = select(schema.current.c.image_id).where(
        schema.current.c.class_id == class_id, schema.current.c.state != schema.WITHDRAWN
    )
    listed = select(schema.sources.c.id).where(
        schema.sources.c.class_id == class_id, schema.sources.c.kind != "file"
    )
    return bool(connection.execute(select(or_(kept.exists(), listed.exists()))).scalar_one())


def _in_words(connection: Connection, act: Any) -> str:
    if act.action == IMPORT:
        return f"the class {act.name_after}"
    if act.action == NEW_CLASS:
        return f"made the class {act.name_after}"
    if act.action == RENAME:
        return f"renamed {act.name_before} to {act.name_after}"
    return f"merged {act.name_before} into {names_by_id(connection)[act.merged_after]}"
