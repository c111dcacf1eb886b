"""What the ledger says of the past: how images were at a position, and what a stretch of it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select

from curator.store import ledger_log, runs, schema
from curator.store.classes import no_label_id
from curator.store.undo import IMPORT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace


def changes(connection: Connection, after: int, until: int) -> dict[str, int]:
    """How many images the decisions with ids in (``after``, ``until``] left changed.

    ``relabelled``: live at both ends, of another class; ``left_out``: deleted, or marked as showing
    several classes or none; ``brought_back``: the opposite; ``confirmed``: kept as they were;
    ``unsure``. That an import brought an image, or was undone, is no change.

    An image counts once, and not at all if it is as it was: what was undone does not count. The
    cost grows with the decisions in between, not with the data set.
    """
    rows = schema.decisions
    ends = (
        select(func.min(rows.c.id).label("first"), func.max(rows.c.id).label("last"))
        .where(rows.c.id > after, rows.c.id <= until, rows.c.action != IMPORT)
        .group_by(rows.c.image_id)
        .subquery()
    )
    first, last = rows.alias("first_row"), rows.alias("last_row")
    before, now = first.c.state_before, last.c.state_after
    live = and_(before.not_in(schema.OUT), now.not_in(schema.OUT))
    same = first.c.class_before == last.c.class_after
    kinds = {
        "relabelled": and_(live, first.c.class_before != last.c.class_after),
        "left_out": and_(before.not_in(schema.OUT), now.in_(schema.LEFT_OUT)),
        "brought_back": and_(before.in_(schema.LEFT_OUT), now.not_in(schema.OUT)),
        "confirmed": and_(live, same, before != now, now == schema.KEPT),
        "unsure": and_(live, same, before != now, now == schema.UNSURE),
    }
    query = select(
        *(func.coalesce(func.sum(case((what, 1), else_=0)), 0) for what in kinds.values())
    ).select_from(ends.join(first, first.c.id == ends.c.first).join(last, last.c.id == ends.c.last))
    return dict(zip(kinds, map(int, connection.execute(query).one()), strict=True))


@dataclass(frozen=True)
class Known:
    """What was known of one image."""

    class_id: int
    state: str

    @property
    def live(self) -> bool:
        """Whether the image was neither deleted nor otherwise left out."""
        return self.state not in schema.OUT


def labels_at(connection: Connection, position: int) -> dict[int, Known]:
    """Label and state of every validation image after the decision with id ``position``, by id.

    0 or less: before any decision, which is the given class of each image. The ledger does not say
    when an image came: those that were added later are there too, with their given class.
    """
    table = schema.decisions
    no_label = no_label_id(connection)
    last = (
        select(table.c.image_id, func.max(table.c.id).label("id"))
        .where(table.c.id <= position)
        .group_by(table.c.image_id)
        .subquery()
    )
    query = (
        select(
            schema.images.c.id,
            func.coalesce(table.c.class_after, schema.images.c.class_id),
            func.coalesce(
                table.c.state_after,
                case((schema.images.c.class_id == no_label, schema.UNLABELLED), else_=schema.NEW),
            ),
        )
        .select_from(
            schema.images.outerjoin(last, last.c.image_id == schema.images.c.id).outerjoin(
                table, table.c.id == last.c.id
            )
        )
        .where(schema.images.c.split == schema.VALID)
    )
    return {row[0]: Known(row[1], row[2]) for row in connection.execute(query)}


@dataclass(frozen=True)
class Since:
    """The newest run, its validation images, and how many decisions it does not know of."""

    run: int
    images: int
    waiting: int


def since_newest_run(workspace: Workspace) -> Since | None:
    """Where the newest run stands; None before the first."""
    with workspace.database.read() as connection:
        if runs.latest_id(connection) is None:
            return None
        run = runs.get(connection)
        now = ledger_log.position(connection)
        waiting = ledger_log.count(connection, run.ledger_position, now)
    return Since(run.id, run.metrics["valid"]["images"], waiting)


def changes_between(workspace: Workspace, before: int, after: int) -> dict[str, int]:
    """The :func:`changes` between what two runs knew, by their ids. Raises UnknownRun."""
    with workspace.database.read() as connection:
        first, last = (runs.get(connection, run_id) for run_id in (before, after))
        return changes(connection, first.ledger_position, last.ledger_position)
