"""What a stretch of the ledger did to the images, all its back and forth taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select

from curator.store import schema

if TYPE_CHECKING:
    from sqlalchemy import Connection


def changes(connection: Connection, after: int, until: int) -> dict[str, int]:
    """How many images the decisions with ids in (``after``, ``until``] left changed.

    ``relabelled``: live at both ends, of another class; ``left_out``: deleted, or marked as showing
    several classes or none; ``brought_back``: the opposite; ``confirmed``: kept as they were;
    ``unsure``. An image counts once, and not at all if it is as it was: what was undone does not
    count. The cost grows with the decisions in between, not with the data set.
    """
    rows = schema.decisions
    ends = (
        select(func.min(rows.c.id).label("first"), func.max(rows.c.id).label("last"))
        .where(rows.c.id > after, rows.c.id <= until)
        .group_by(rows.c.image_id)
        .subquery()
    )
    first, last = rows.alias("first_row"), rows.alias("last_row")
    before, now = first.c.state_before, last.c.state_after
    live = and_(before.not_in(schema.OUT), now.not_in(schema.OUT))
    same = first.c.class_before == last.c.class_after
    kinds = {
        "relabelled": and_(live, first.c.class_before != last.c.class_after),
        "left_out": and_(before.not_in(schema.OUT), now.in_(schema.OUT)),
        "brought_back": and_(before.in_(schema.OUT), now.not_in(schema.OUT)),
        "confirmed": and_(live, same, before != now, now == schema.KEPT),
        "unsure": and_(live, same, before != now, now == schema.UNSURE),
    }
    query = select(
        *(func.coalesce(func.sum(case((what, 1), else_=0)), 0) for what in kinds.values())
    ).select_from(ends.join(first, first.c.id == ends.c.first).join(last, last.c.id == ends.c.last))
    return dict(zip(kinds, map(int, connection.execute(query).one()), strict=True))
