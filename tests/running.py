"""Running a job by its kind, as the worker does, and runs that take too long to train in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator import worker
from curator.jobs import runner
from curator.store import runs

if TYPE_CHECKING:
    from curator.jobs.progress import Listener
    from curator.store.workspace import Workspace


def run_job(
    workspace: Workspace, kind: str, listener: Listener | None = None, **arguments: Any
) -> Any:
    """Run a job here and now; give its report."""
    return runner.run(workspace, kind, worker.function_of(kind), arguments, listener)


def add_tuned_run(workspace: Workspace) -> int:
    """Record a fine-tuned run with the figures of run 1, not judged out-of-fold; give its id."""
    with workspace.database.write() as connection:
        asked = runs.get(connection, 1)
        return runs.add(
            connection,
            recipe="finetune",
            backbone=asked.backbone,
            ledger_position=asked.ledger_position,
            out_of_fold=0,
            settings=asked.settings,
            metrics=asked.metrics,
            history=[],
        )
