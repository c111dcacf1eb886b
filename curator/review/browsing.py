"""Everything there is in one order, a window at a time: what a grid of all images scrolls through.

The database puts the images in order, and the order is fixed when it is opened: 8 bytes an image
are held here, whatever there is of them, and what is shown is read for one window alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Select, and_, case, func, select

from curator.errors import InputError
from curator.records import Record
from curator.review.queue.filters import Filters, conditions
from curator.review.queue.scope import Scope
from curator.store import images, schema
from curator.store.classes import present_names
from curator.store.database import rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

WINDOW = 4000  # images of a window at most


@dataclass(frozen=True)
class Cell(Record):
    """What is shown of one image."""

    id: int
    label: str
    """The present one."""
    state: str
    decision_id: int | None
    """Of its last decision; None: nobody decided on it."""
    relabelled: bool
    """Whether its label is another than the one it came with."""
    split: str | None
    predicted: str | None
    """The likeliest class by the run; None where the run has not seen the image."""
    confidence: float | None
    """0..1, of ``predicted``."""
    in_sample: bool
    """Whether the model that predicted learnt from the image."""


@dataclass(frozen=True, eq=False)
class Grid:
    """An order that is open. ``ids`` (N,): the images in it, fixed when it was opened."""

    workspace: Workspace = field(repr=False)
    sort: str
    """One of :data:`SORTS`."""
    label: str
    """The class that is shown; "" for all."""
    narrowed: bool
    """Whether a concept or a selection leaves images out."""
    run_id: int | None
    """The run whose scores count; None where nothing was trained."""
    ids: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def window(self, start: int, stop: int) -> list[Cell]:
        """The images of the places ``start`` to ``stop``, from 0, as they are now, in order.

        Places that there are not are left out, and so is what lies beyond :data:`WINDOW` images.
        """
        first = max(0, start)
        return cells(self.workspace, self.ids[first : min(stop, first + WINDOW)], self.run_id)


def open_grid(
    workspace: Workspace,
    sort: str = "",
    label: str = "",
    run_id: int | None = None,
    *,
    concept: str = "",
    selection: str = "",
) -> Grid:
    """All live images in an order of :data:`SORTS`; of one class, if ``label`` names one.

    ``concept``, ``selection``: only those images, as :class:`curator.Filters` has it.

    ``sort`` "": by suspicion, or the newest first where nothing was trained. ``run_id``: the run
    whose scores count; the newest one that ranks when left out. Raises InputError for an unknown
    order, concept or selection, UnknownClass, UnknownRun, NotEnoughData.
    """
    if sort and sort not in SORTS:
        raise InputError(f"{sort!r} is no order.", f"Use one of {', '.join(SORTS)}.")
    with workspace.database.read() as connection:
        scope = Scope(connection, run_id, workspace)
        run = scope.found_run
        chosen = sort or ("newest" if run is None else "suspicion")
        among = conditions(scope, Filters(label=label, concept=concept, selection=selection))
        query = SORTS[chosen](scope).where(images.LIVE, *among)
        ids = np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
    narrowed = bool(concept or selection)
    return Grid(workspace, chosen, label, narrowed, None if run is None else run.id, ids)


def cells(workspace: Workspace, image_ids: NDArray[np.int64], run_id: int | None) -> list[Cell]:
    """What is shown of these images, in their order; what the run ``run_id`` says of them."""
    now, table, said = schema.current.c, schema.images.c, schema.predictions.c
    with workspace.database.read() as connection:
        names = present_names(connection)
        query = (
            images.present(
                table.id,
                table.split,
                table.class_id.label("given"),
                now.class_id,
                now.state,
                now.decision_id,
                said.predicted_id,
                said.confidence,
                said.in_sample,
            )
            # Without a run no prediction has this number.
            .outerjoin(
                schema.predictions, and_(said.image_id == table.id, said.run_id == (run_id or 0))
            )
        )
        found = {row.id: row for row in rows_of(connection, query, table.id, image_ids.tolist())}
    return [_cell(found[key], names) for key in image_ids.tolist() if key in found]


def _cell(row: Any, names: dict[int, str]) -> Cell:
    label = names[row.class_id]
    return Cell(
        id=row.id,
        label=label,
        state=row.state,
        decision_id=row.decision_id,
        relabelled=row.state == schema.KEPT and names[row.given] != label,
        split=row.split,
        predicted=None if row.predicted_id is None else names[row.predicted_id],
        confidence=row.confidence,
        in_sample=bool(row.in_sample),
    )


def _by_suspicion(scope: Scope) -> Select[tuple[int]]:
    """The least probable label first; last what the run has not seen, or not with this label."""
    now, said = schema.current.c, schema.predictions.c
    run_id = 0 if scope.found_run is None else scope.found_run.id
    score = case((said.class_id == now.class_id, said.label_score))
    return (
        select(now.image_id)
        .outerjoin(schema.predictions, and_(said.image_id == now.image_id, said.run_id == run_id))
        .order_by(score.is_(None), score, now.image_id)
    )


def _newest(_scope: Scope) -> Select[tuple[int]]:
    return select(schema.current.c.image_id).order_by(schema.current.c.image_id.desc())


def _largest(_scope: Scope) -> Select[tuple[int]]:
    table = schema.images.c
    return images.present(table.id).order_by(table.bytes.desc(), table.id)


def _by_host(_scope: Scope) -> Select[tuple[int]]:
    """By the host of its first source, in the order of the alphabet; last what came from none."""
    now, table = schema.current.c, schema.sources.c
    first = images.first_sources().subquery()
    rest = func.substr(table.origin, func.instr(table.origin, "//") + 2)
    host = case((table.kind == "address", func.substr(rest, 1, func.instr(rest, "/") - 1)))
    return (
        select(now.image_id)
        .outerjoin(first, first.c.image_id == now.image_id)
        .outerjoin(schema.sources, table.id == first.c.source_id)
        .order_by(host.is_(None), host, now.image_id)
    )


SORTS: dict[str, Callable[[Scope], Select[tuple[int]]]] = {
    "suspicion": _by_suspicion,
    "newest": _newest,
    "size": _largest,
    "source": _by_host,
}
"""The orders by name: most suspicious, newest or largest file first; by host."""
