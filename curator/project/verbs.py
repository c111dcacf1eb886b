"""What every verb of a project stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from curator.store import classes, runs
from curator.store.workspace import Workspace

if TYPE_CHECKING:
    from curator.jobs.marks import WaitingJob
    from curator.jobs.progress import Listener
    from curator.jobs.report import Report

AnyReport = TypeVar("AnyReport", bound="Report")


class Verbs(Workspace):
    """A workspace whose jobs can be run."""

    def waiting_jobs(self) -> list[WaitingJob]:
        """Jobs that were found in the project and that this user did not ask for: not run.

        Whoever made the project asked for them. :func:`curator.worker.run_waiting` runs one,
        :func:`curator.jobs.marks.dismiss` drops it.
        """
        from curator.jobs import marks

        return marks.offered(self)

    def ranking_run(self) -> int | None:
        """Id of the newest run whose scores order the queues; None before the first."""
        with self.database.read() as connection:
            return runs.ranking_id(connection)

    def _run(
        self,
        kind: str,
        function: Callable[..., AnyReport],
        arguments: Mapping[str, object],
        listener: Listener | None,
    ) -> AnyReport:
        from curator.jobs import runner

        return runner.run(self, kind, function, arguments, listener)

    def _class_id(self, name: str | int) -> int:
        if isinstance(name, int):
            return name
        with self.database.read() as connection:
            return classes.find_class(connection, name).id
