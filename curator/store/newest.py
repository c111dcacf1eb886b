"""The newest row of each table whose growth changes what people are shown: ten look-ups by key.

Rows are only ever added to these tables, so two readings that agree saw the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from curator.store import schema

if TYPE_CHECKING:
    from curator.store.database import Database


@dataclass(frozen=True)
class Newest:
    """Ids of the newest rows, 0 where there is none."""

    classes: int
    images: int
    decisions: int
    class_acts: int
    dismissals: int
    concept_marks: int
    split_acts: int
    concept_acts: int
    runs: int
    pages: int


def newest(database: Database) -> Newest:
    """The ids as they are now."""
    with database.read() as connection:
        return Newest(*map(int, connection.execute(_NEWEST).one()))


_TABLES = (
    schema.classes,
    schema.images,
    schema.decisions,
    schema.class_acts,
    schema.dismissals,
    schema.concept_marks,
    schema.split_acts,
    schema.concept_acts,
    schema.runs,
    schema.pages,
)
_NEWEST = select(
    *(
        func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 0).label(table.name)
        for table in _TABLES
    )
)
