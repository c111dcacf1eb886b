"""What queues, rows and matrices read again and again in one look at the database."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Select, and_, select

from curator.check.quality import Limits, limits
from curator.store import runs, schema
from curator.store.classes import all_classes, counted_as, merged_ids, names_by_id

if TYPE_CHECKING:
    from curator.store.workspace import Workspace


class Scope:
    """A connection and the run that scores come from, with what is read at most once.

    ``run_id``: None for the newest run that ranks; then ``run`` is None where there is none.
    ``workspace``: for filters by what lies beside the database. Raises UnknownRun.
    """

    def __init__(
        self,
        connection: Connection,
        run_id: int | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self.connection = connection
        self._workspace = workspace
        found = runs.ranking_id(connection) if run_id is None else run_id
        self._run = None if found is None else runs.get(connection, found)

    @property
    def workspace(self) -> Workspace:
        """Where features lie."""
        assert self._workspace is not None
        return self._workspace

    @property
    def found_run(self) -> runs.Run | None:
        """The run, None where nothing was trained."""
        return self._run

    @property
    def run(self) -> runs.Run:
        """The run. Raises NoRun."""
        if self._run is None:
            raise runs.never_trained()
        return self._run

    @cached_property
    def names(self) -> dict[int, str]:
        """The name of each class by its id, retired ones too."""
        return names_by_id(self.connection)

    @cached_property
    def offered(self) -> dict[int, str]:
        """The name of each class that an image can be given, by id, in the model's order."""
        return {item.id: item.name for item in all_classes(self.connection)}

    @cached_property
    def merged(self) -> dict[int, int]:
        """The class that each merged one counts as now, by id."""
        return merged_ids(self.connection)

    @cached_property
    def limits(self) -> Limits:
        """What counts as poor quality just now; reads every image."""
        return limits(self.connection)

    def counted(self, column: ColumnElement[int]) -> ColumnElement[int]:
        """For a query: a class id, or that of the class it was merged into."""
        return counted_as(column, self.merged)

    def judged(self) -> Select[tuple[int]]:
        """A query for the ids of the images that the run judged, with its predictions joined."""
        said, now = schema.predictions.c, schema.current.c
        return select(now.image_id).join(
            schema.predictions, and_(said.image_id == now.image_id, said.run_id == self.run.id)
        )
