"""Reading images as tables: content, present label and state, split, and where each came from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from curator.frames import pd
from curator.store import schema
from curator.store.classes import counted_as, merged_ids

_ROWS = 10_000  # read at once
LIVE = schema.current.c.state.not_in(schema.OUT)
LEARNABLE = schema.images.c.split.is_distinct_from(schema.TEST)


def present(*columns: ColumnElement[Any], labelled: bool = False) -> Select[Any]:
    """A query for ``columns`` of every image with its present label and state: ``schema.current``.

    ``labelled``: the name of the label, in ``schema.classes``, may be among them.
    """
    query = select(*columns).join_from(
        schema.images, schema.current, schema.current.c.image_id == schema.images.c.id
    )
    if labelled:
        query = query.join(schema.classes, schema.classes.c.id == schema.current.c.class_id)
    return query


def first_sources() -> Select[tuple[int, int]]:
    """(image_id, id of its first source) of every image."""
    table = schema.sources
    return (
        select(table.c.image_id, func.min(table.c.id).label("source_id"))
        .where(table.c.image_id.is_not(None))
        .group_by(table.c.image_id)
    )


def hosts(connection: Connection) -> dict[int, str | None]:
    """The host of every image's first source; "" where its address names none, None of a file."""
    first, table = first_sources().subquery(), schema.sources.c
    query = select(first.c.image_id, table.kind, table.origin).join_from(
        first, schema.sources, table.id == first.c.source_id
    )
    return {
        row.image_id: _host(row.origin) if row.kind == "address" else None
        for row in connection.execute(query)
    }


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def number_live(connection: Connection) -> int:
    """How many images are not deleted."""
    query = select(func.count()).select_from(schema.current).where(LIVE)
    return int(connection.execute(query).scalar_one())


def number_learnable(connection: Connection) -> int:
    """How many images are not deleted and not for the test: what a training sees."""
    query = present(func.count()).where(LIVE, LEARNABLE)
    return int(connection.execute(query).scalar_one())


def number_without_split(connection: Connection) -> int:
    """How many images that are not deleted have no group or no side of the split yet."""
    lacks = or_(schema.images.c.group_id.is_(None), schema.images.c.split.is_(None))
    return int(connection.execute(present(func.count()).where(LIVE, lacks)).scalar_one())


def newest_of_class(connection: Connection, class_id: int, number: int) -> list[int]:
    """Ids of the newest live images of a class, at most ``number``, the newest first.

    A few steps in the index of states, whatever the size of the class.
    """
    table = schema.current.c
    found: list[int] = []
    for state in schema.LIVE_STATES:
        query = (
            select(table.image_id)
            .where(table.state == state, table.class_id == class_id)
            .order_by(table.image_id.desc())
            .limit(number)
        )
        found += connection.execute(query).scalars()
    return sorted(found, reverse=True)[:number]


def with_digest(connection: Connection, sha256: str) -> tuple[int, str] | None:
    """Id and label of the live image with that content, if there is one."""
    query = present(schema.images.c.id, schema.classes.c.name, labelled=True)
    row = connection.execute(query.where(LIVE, schema.images.c.sha256 == sha256)).first()
    return None if row is None else (int(row[0]), str(row[1]))


def live(connection: Connection) -> pd.DataFrame:
    """Every image that is not deleted, by id.

    Columns: image_id, sha256, file, bytes, class_id (present label), label, state, split, group_id,
    phash. No text of sources, so that it stays small.
    """
    query = (
        present(
            schema.images.c.id.label("image_id"),
            schema.images.c.sha256,
            schema.images.c.file,
            schema.images.c.bytes,
            schema.current.c.class_id,
            schema.classes.c.name.label("label"),
            schema.current.c.state,
            schema.images.c.split,
            schema.images.c.group_id,
            schema.images.c.phash,
            labelled=True,
        )
        .where(LIVE)
        .order_by(schema.images.c.id)
    )
    return frame(connection, query)


def unlabelled(connection: Connection) -> pd.DataFrame:
    """Every image that waits for a label, by id. Columns: image_id, sha256, file."""
    table = schema.images.c
    query = present(table.id.label("image_id"), table.sha256, table.file)
    waiting = query.where(schema.current.c.state == schema.UNLABELLED)
    return frame(connection, waiting.order_by(table.id))


def with_sources(connection: Connection) -> pd.DataFrame:
    """Every image, deleted ones too, with its present label and its first source.

    Columns: image_id, sha256, file, format, width, height, bytes, label, given_label, state,
    action (last decision, or None), split, group_id, source_id, source (address or original
    relative path), final_address, and what its list said: license, creator, source_page.
    """
    first = first_sources().subquery()
    given = schema.classes.alias("given")
    query = (
        present(
            schema.images.c.id.label("image_id"),
            schema.images.c.sha256,
            schema.images.c.file,
            schema.images.c.format,
            schema.images.c.width,
            schema.images.c.height,
            schema.images.c.bytes,
            schema.classes.c.name.label("label"),
            given.c.name.label("given_label"),
            schema.current.c.state,
            schema.current.c.action,
            schema.images.c.split,
            schema.images.c.group_id,
            schema.sources.c.id.label("source_id"),
            schema.sources.c.origin.label("source"),
            schema.sources.c.final_address,
            schema.sources.c.license,
            schema.sources.c.creator,
            schema.sources.c.source_page,
            labelled=True,
        )
        .join(given, given.c.id == counted_as(schema.images.c.class_id, merged_ids(connection)))
        .join(first, first.c.image_id == schema.images.c.id)
        .join(schema.sources, schema.sources.c.id == first.c.source_id)
        .order_by(schema.images.c.id)
    )
    return frame(connection, query)


def frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """The rows of a query as a table, with its columns even when there is no row."""
    names = list(query.selected_columns.keys())
    columns: list[list[Any]] = [[] for _ in names]
    # An object for each row would take three times as much memory, and half as long again.
    for rows in connection.execute(query).partitions(_ROWS):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    found = dict(zip(names, columns, strict=True)) if columns[0] else None
    return pd.DataFrame(found, columns=names)
