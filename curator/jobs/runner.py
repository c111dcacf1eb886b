"""Running a job function on a project, in this process.

A job function is ``run(workspace, progress, **arguments) -> Report``, see
:class:`curator.jobs.report.Report`; arguments and report can be written as JSON. Which functions
there are is for others to know: :mod:`curator.worker` runs them by name, :class:`curator.Project`
has a method for each.
"""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from filelock import Timeout
from pydantic import TypeAdapter, ValidationError

from curator.errors import CuratorError, InputError, JobCancelled, JobRunning
from curator.files import sweep_dead
from curator.jobs import health, locks, marks
from curator.jobs.progress import Listener, Progress
from curator.jobs.report import Report
from curator.store import jobs
from curator.store.workspace import Workspace

AnyReport = TypeVar("AnyReport", bound=Report)


def run(
    workspace: Workspace,
    kind: str,
    function: Callable[..., AnyReport],
    arguments: Mapping[str, object],
    listener: Listener | None = None,
) -> AnyReport:
    """Run a job in the foreground and return its report.

    Raises :class:`JobRunning` when another long job holds the project, ProjectReadOnly, and
    whatever the job raises; the outcome is in the jobs table in any case.
    """
    arguments = as_json(arguments)
    workspace.database.require_writable()
    lock = locks.work_lock(workspace)
    try:
        # A moment's patience: `locks.reap` holds the lock for an instant.
        lock.acquire(timeout=1)
    except Timeout as error:
        silence = health.look(workspace)
        if silence is not None:
            raise JobRunning(silence.problem, silence.fix) from error
        running = jobs.latest(workspace.database, (jobs.RUNNING,))
        what = f"{running.kind} (job {running.id})" if running else "another long job"
        raise JobRunning(
            f"{what} is running on {workspace.path}.",
            "Wait for its end or cancel it on the page, then run this again.",
        ) from error
    try:
        jobs.fail_running(workspace.database, locks.DIED)
        job_id = marks.begin(workspace, kind, arguments)
        sweep_dead(workspace.path)
        with workspace.database.kept_copied():
            return execute(workspace, job_id, kind, function, arguments, listener)
    finally:
        lock.release()


def execute(
    workspace: Workspace,
    job_id: int,
    kind: str,
    function: Callable[..., AnyReport],
    arguments: Mapping[str, object],
    listener: Listener | None = None,
) -> AnyReport:
    """Run a job that is marked running, and record how it ended. The caller holds the lock."""
    progress = Progress(workspace.database, job_id, listener)
    state, error = jobs.FAILED, None
    result: dict[str, object] | None = None
    try:
        check_arguments(kind, function, arguments)
        report = function(workspace, progress, **arguments)
        state, result = jobs.DONE, report.to_dict()
    except (JobCancelled, KeyboardInterrupt):
        state, error = jobs.CANCELLED, "Cancelled. What was done so far is kept."
        raise
    except CuratorError as problem:
        error = str(problem)
        raise
    except BaseException as problem:
        # Not foreseen: the page shows one sentence, the log keeps the traceback.
        error = f"{type(problem).__name__}: {problem} (details in {workspace.log_file})"
        workspace.log_file.parent.mkdir(parents=True, exist_ok=True)
        with workspace.log_file.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        raise
    else:
        return report
    finally:
        try:
            progress.close()
        finally:
            # Whatever becomes of the last report, such as a second Ctrl+C: the job has ended.
            jobs.end(workspace.database, job_id, state, result, error)


def as_json(arguments: Mapping[str, object]) -> dict[str, Any]:
    """Arguments as the jobs table keeps them: paths as text, from the root; numpy's numbers plain.

    Raises :class:`InputError` for what no job takes.
    """
    return {name: _plain(name, value) for name, value in arguments.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, os.PathLike):
        # The worker may have been started in another folder.
        return str(Path(os.fsdecode(value)).expanduser().absolute())
    if isinstance(value, dict):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return _plain(name, value.item())
    raise InputError(
        f"The argument {name} of a job cannot be a {type(value).__name__}.",
        "Give text, numbers, paths, or lists of them.",
    )


def check_arguments(kind: str, function: Any, arguments: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` for an argument that the job does not have, or of a wrong type.

    They may come from a project's database. What a job takes as ``**settings`` it checks itself.
    """
    known = inspect.signature(function).parameters
    hints = get_type_hints(function, localns={"Workspace": Any, "Progress": Any})
    open_ended = any(item.kind is item.VAR_KEYWORD for item in known.values())
    for name, value in arguments.items():
        if name in ("workspace", "progress") or (name not in known and not open_ended):
            raise InputError(f"{name!r} is no argument of the job {kind}.")
        try:
            if name in known:
                TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise InputError(
                f"{name}={value!r} cannot be given to the job {kind}: {problem}."[:500]
            ) from error
