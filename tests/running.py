"""Running a job by its kind, as the worker does: for arguments that no verb of a project takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator import worker
from curator.jobs import runner

if TYPE_CHECKING:
    from curator.jobs.progress import Listener
    from curator.store.workspace import Workspace


def run_job(
    workspace: Workspace, kind: str, listener: Listener | None = None, **arguments: Any
) -> Any:
    """Run a job here and now; give its report."""
    return runner.run(workspace, kind, worker.function_of(kind), arguments, listener)
