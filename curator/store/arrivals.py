"""What an import brings, as one act of the ledger that undo takes back as a whole.

Each image has a row that says that it was ``withdrawn`` before and is ``new`` since; each class
that was made has one too. They come while the import runs and join its batch, as long as nobody has
taken that back meanwhile: what comes then is another act. An image that was there stays untouched,
unless it came by an import that is undone: then this import brings it again, under its own class.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from curator.store import class_changes, schema
from curator.store.classes import merged_ids, no_label_id
from curator.store.database import now, rows_of
from curator.store.undo import IMPORT, is_undone, last_batch, reviewer


class Arrivals:
    """The act of one import. Its methods are for one transaction with what they record."""

    def __init__(self) -> None:
        self._batch = 0  # until something has come
        self._by = reviewer()

    def made_classes(self, connection: Connection, class_ids: Sequence[int]) -> None:
        """Record classes that are made already."""
        if class_ids:
            batch = self._open(connection)
            class_changes.record_imported(connection, batch, class_ids, self._by)

    def came(self, connection: Connection, fresh: Sequence[int], again: Mapping[int, int]) -> None:
        """Record images: ``fresh`` ones, and those that come ``again``, by id with their class."""
        if not fresh and not again:
            return
        # What was done to an image since must not lie behind its coming.
        batch = self._open(connection, alone=bool(again))
        class_changes.follow(connection, fresh, before=batch, state=schema.WITHDRAWN)
        merged = merged_ids(connection) if again else {}
        no_label = no_label_id(connection)
        table = schema.current
        query = select(table.c.image_id, table.c.class_id, table.c.state)
        before = {
            row.image_id: row
            for row in rows_of(connection, query, table.c.image_id, [*fresh, *again])
        }
        signed = {"batch": batch, "at": now(), "by": self._by, "action": IMPORT}
        rows: list[dict[str, Any]] = []
        for image_id in sorted(before):
            was = before[image_id]
            given = again.get(image_id, was.class_id)
            after = merged.get(given, given) if again else given
            rows.append(
                {
                    **signed,
                    "image_id": image_id,
                    "class_before": was.class_id,
                    "class_after": after,
                    # One that waited for a label gets it now.
                    "state_before": was.state if image_id in again else schema.WITHDRAWN,
                    "state_after": schema.UNLABELLED if after == no_label else schema.NEW,
                }
            )
        connection.execute(insert(schema.decisions), rows)
        class_changes.follow(connection, sorted(before))

    def _open(self, connection: Connection, alone: bool = False) -> int:
        """The batch to join; a new one where there is none, or none that may still grow."""
        newest = last_batch(connection)
        if (
            not self._batch
            or is_undone(connection, self._batch)
            or (alone and newest != self._batch)
        ):
            self._batch = newest + 1
        return self._batch


def withdrawn(connection: Connection, among: Collection[int] | None = None) -> Collection[int]:
    """The images that are out because the import that brought them last was undone.

    ``among``: only those of these; else of all.
    """
    return _in_state(connection, schema.WITHDRAWN, among)


def unlabelled(connection: Connection, among: Collection[int]) -> Collection[int]:
    """Those of the images that came without a label and have none yet."""
    return _in_state(connection, schema.UNLABELLED, among)


def _in_state(connection: Connection, state: str, among: Collection[int] | None) -> Collection[int]:
    table = schema.current.c
    query = select(table.image_id).where(table.state == state)
    if among is None:
        return set(connection.execute(query).scalars())
    return {row.image_id for row in rows_of(connection, query, table.image_id, among)}
