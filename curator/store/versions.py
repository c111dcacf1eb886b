"""Versions: the data set as it was when it got a name, so that it can be had again.

A version keeps what belongs to it and as what: labels by the names that classes had then, splits,
decisions, and the first source of each image. Contents and addresses never change, so a manifest
made of it is the same at any time. Images that are deleted later stay in it: their originals do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Select, insert, select

from curator.errors import InputError, UnknownVersion
from curator.frames import pd
from curator.hashing import sha256_of_all
from curator.records import Record
from curator.store import images, schema
from curator.store.database import now, pieces
from curator.store.undo import reviewer

NOW = "now"
"""The data set as it is, where a version's name is asked for."""
UNDECIDED = "undecided"
"""The split of an image that came since the last check."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_STATE_OF = {"": schema.NEW, "relabelled": schema.KEPT}  # of a decision; others are the state
_AT_ONCE = 5000  # rows written in one statement


@dataclass(frozen=True)
class TaggedVersion(Record):
    """A version, without its images."""

    id: int
    name: str
    at: str
    by: str
    images: int
    data_sha256: str
    """Of contents, labels, splits and decisions: equal for equal data sets."""
    manifest_sha256: str
    """Of the manifest.csv that its exports hold."""
    facts: str
    """JSON: what its card says beyond its images."""


@dataclass(frozen=True)
class VersionChange(Record):
    """What became of one image from one version to another."""

    change: Literal["added", "deleted", "relabelled", "split"]
    image_id: int
    sha256: str
    source: str
    before: str
    """Its label, or split; "" for one that was added."""
    after: str
    """The same; "" for one that was deleted."""


def present(connection: Connection) -> pd.DataFrame:
    """The data set as it is: every image that is not left out, by id.

    Columns: those of :func:`curator.store.images.with_sources`; ``split`` is :data:`UNDECIDED`
    where there is none; ``decision``, what a person decided: "kept", "relabelled", "unsure", or
    "" where nobody did.
    """
    table = images.with_sources(connection)
    table = table[~table["state"].isin(schema.OUT)].reset_index(drop=True)
    table["split"] = table["split"].fillna(UNDECIDED)
    relabelled = table["label"] != table["given_label"]
    state = table["state"].where(table["state"] != schema.NEW, "")
    table["decision"] = state.where(~(relabelled & (state == schema.KEPT)), "relabelled")
    return table


def tagged(connection: Connection, version: TaggedVersion) -> pd.DataFrame:
    """The data set of a version, by image id, with the columns of :func:`present` but ``action``.

    ``group_id`` is that of today.
    """
    kept, image, source = schema.version_images.c, schema.images.c, schema.sources.c
    query: Select[Any] = (
        select(
            kept.image_id, image.sha256, image.file, image.format, image.width, image.height,
            image.bytes, kept.label, kept.given_label, kept.split, kept.decision, image.group_id,
            kept.source_id, source.origin.label("source"), source.final_address, source.license,
            source.creator, source.source_page,
        )
        .join(schema.images, image.id == kept.image_id)
        .join(schema.sources, source.id == kept.source_id)
        .where(kept.version_id == version.id)
        .order_by(kept.image_id)
    )  # fmt: skip
    table = images.frame(connection, query)
    table["state"] = table["decision"].map(lambda value: _STATE_OF.get(value, value))
    return table


def data_digest(table: pd.DataFrame) -> str:
    """SHA-256 of what a model can learn from a data set, whatever the order of its rows.

    Of the columns sha256, label, split and state.
    """
    rows = zip(table["sha256"], table["label"], table["split"], table["state"], strict=True)
    return sha256_of_all(repr(row).encode() for row in sorted(rows))


def add(
    connection: Connection,
    name: str,
    table: pd.DataFrame,
    manifest_sha256: str,
    facts: str,
    by: str | None = None,
) -> TaggedVersion:
    """Keep a data set of the form of :func:`present` under a name. Raises InputError."""
    if not _NAME.fullmatch(name) or name.lower() == NOW:
        raise InputError(
            f"{name[:100]!r} cannot be the name of a version.",
            "Use letters, digits, dots, hyphens and underscores, 64 at most, such as v1.2.",
        )
    twin = select(schema.versions.c.name).where(schema.versions.c.name == name)
    if (taken := connection.execute(twin).scalar()) is not None:
        raise InputError(
            f"There is a version {taken!r} already, and versions never change.",
            "Give the data set of today another name.",
        )
    values = {
        "name": name,
        "at": now(),
        "by": by or reviewer(),
        "images": len(table),
        "data_sha256": data_digest(table),
        "manifest_sha256": manifest_sha256,
        "facts": facts,
    }
    connection.execute(insert(schema.versions), values)
    version = named(connection, name)
    columns = ["image_id", "source_id", "label", "given_label", "split", "decision"]
    for rows in pieces(table[columns].to_dict("records"), _AT_ONCE):
        connection.execute(
            insert(schema.version_images), [{"version_id": version.id, **row} for row in rows]
        )
    return version


def every(connection: Connection) -> list[TaggedVersion]:
    """All versions, oldest first."""
    rows = connection.execute(select(schema.versions).order_by(schema.versions.c.id))
    return [TaggedVersion(**row._mapping) for row in rows]


def named(connection: Connection, name: str) -> TaggedVersion:
    """A version by its name, in whatever case. Raises UnknownVersion."""
    table = schema.versions
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None:
        names = ", ".join(item.name for item in every(connection)[-5:]) or "none yet"
        raise UnknownVersion(
            f"There is no version {name[:100]!r}; the newest are: {names}.",
            "Name one of `curator version list PROJECT`, or tag one.",
        )
    return TaggedVersion(**row._mapping)


def names(connection: Connection) -> dict[str, str]:
    """The name of the first version that is each data set, by :func:`data_digest`."""
    return {item.data_sha256: item.name for item in reversed(every(connection))}


def changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[VersionChange, ...]:
    """What differs between two data sets of the form of :func:`present`, by kind and image.

    An image that was relabelled and changed its split is there twice.
    """
    old: dict[int, Any] = {row.image_id: row for row in _rows(before)}
    new: dict[int, Any] = {row.image_id: row for row in _rows(after)}

    def change(kind: Any, row: Any, said_before: str, said_after: str) -> VersionChange:
        return VersionChange(
            kind, int(row.image_id), row.sha256, row.source, said_before, said_after
        )

    both = [(old[key], new[key]) for key in sorted(old.keys() & new.keys())]
    return (
        *(change("added", new[key], "", new[key].label) for key in sorted(new.keys() - old.keys())),
        *(
            change("deleted", old[key], old[key].label, "")
            for key in sorted(old.keys() - new.keys())
        ),
        *(change("relabelled", n, o.label, n.label) for o, n in both if o.label != n.label),
        *(change("split", n, o.split, n.split) for o, n in both if o.split != n.split),
    )


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    columns = ["image_id", "sha256", "source", "label", "split"]
    return iter(table[columns].itertuples(index=False))
