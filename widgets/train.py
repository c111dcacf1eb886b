"""The station Train: baselines, the head, curves while they grow, and before/after."""

from __future__ import annotations

from typing import Any

from curator.errors import DataError
from curator.project import Project
from curator.review.comparing import compare
from curator.store import runs
from curator.store.jobs import Job
from widgets.panel import Handler, Panel, script


class TrainPanel(Panel):
    """Shows the newest run; training goes to the worker."""

    _esm = script("train")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers,
            names=[],
            run=None,
            metrics=None,
            history=[],
            live=[],
            choice="",
            comparison=None,
            images=0,
            stale=0,
            error=None,
            busy=False,
        )

    def refresh(self, project: Project, status: dict[str, Any], busy: bool) -> None:
        """Show the newest run and, from the second on, what the cleaning changed."""
        values: dict[str, Any] = {"run": None, "metrics": None, "history": [], "choice": ""}
        comparison = None
        if status["run"]:
            with project.database.read() as connection:
                run = runs.get(connection)
            values = {
                "run": run.id,
                "metrics": run.metrics,
                "history": run.history,
                "choice": run.settings.get("choice", ""),
            }
            try:
                comparison = compare(project)
            except DataError:  # one run only: there is nothing to compare yet
                comparison = None
        self.show(
            **values,
            names=project.class_names(),
            comparison=comparison,
            images=status["images"],
            stale=status["stale"],
            busy=busy,
        )

    def follow(self, job: Job | None) -> None:
        """Show the table of a training that runs, and the reason if the last one failed."""
        training = job is not None and job.kind == "train"
        self.show(
            live=job.table if training and job is not None and job.is_open else [],
            error=job.error if training and job is not None and job.state == "failed" else None,
        )
