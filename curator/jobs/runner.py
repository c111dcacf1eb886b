"""Running a job function on a project, in this process.

A job function is ``run(project, progress, **arguments) -> dict``; the dict must be JSON and holds
``sentence``: what happened and the next step, in one line.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from curator.errors import CuratorError, InputError, JobCancelled, JobRunning
from curator.files import sweep_dead
from curator.jobs import marks
from curator.jobs.progress import Listener, Progress
from curator.store import copies, jobs
from curator.store.reading import refused

if TYPE_CHECKING:
    from curator.project import Project

# Imported when they run: training loads heavy packages that fetching does not need.
FUNCTIONS = {
    "sample": "curator.sample.job",
    "import": "curator.collect.importing",
    "fetch": "curator.collect.fetch",
    "check": "curator.check.run",
    "train": "curator.learn.train",
    "refit": "curator.learn.refit",
    "cost": "curator.learn.costs",
    "lr-find": "curator.learn.rate_finding",
    "learning-curve": "curator.learn.learning_curve",
    "export": "curator.deliver.folder",
    "export-model": "curator.deliver.bundle",
}

DIED = (
    "The process that ran this job ended without a word (killed, or the machine went down). "
    "Nothing that was saved is lost: start it again and it goes on."
)


WORK_LOCK, WORKER_LOCK = "work.lock", "worker.lock"


def work_lock(project: Project) -> FileLock:
    """The lock that whoever runs a long job holds."""
    return FileLock(project.path / WORK_LOCK)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a project's folder while its database is replaced. Raises JobRunning."""
    if not folder.is_dir():
        yield  # there is nothing to hold, as whoever asked is about to say
        return
    with contextlib.ExitStack() as held:
        for name in (WORKER_LOCK, WORK_LOCK):
            try:
                held.enter_context(FileLock(folder / name).acquire(timeout=1))
            except Timeout as error:
                raise JobRunning(
                    f"Another process works on {folder}.",
                    "Close the dashboard, wait for that process to end, and run this again.",
                ) from error
            except OSError as error:
                raise refused(folder / name, error) from error
        yield


def run(
    project: Project, kind: str, arguments: dict[str, Any], listener: Listener | None = None
) -> dict[str, Any]:
    """Run a job in the foreground and return its result.

    Raises :class:`JobRunning` when another long job holds the project, ProjectReadOnly, and
    whatever the job raises; the outcome is in the jobs table in any case.
    """
    check_kind(kind)
    arguments = as_json(arguments)
    project.database.require_writable()
    lock = work_lock(project)
    try:
        # A moment's patience: `reap` below holds the lock for an instant.
        lock.acquire(timeout=1)
    except Timeout as error:
        from curator.jobs import health

        silence = health.look(project)
        if silence is not None:
            raise JobRunning(silence.problem, silence.fix) from error
        running = jobs.latest(project.database, (jobs.RUNNING,))
        what = f"{running.kind} (job {running.id})" if running else "another long job"
        raise JobRunning(
            f"{what} is running on {project.path}.",
            "Wait for its end or cancel it on the page, then run this again.",
        ) from error
    try:
        jobs.fail_running(project.database, DIED)
        job_id = marks.begin(project, kind, arguments)
        sweep_dead(project.path)
        with copies.keeping(project.database.path):
            return execute(project, job_id, kind, arguments, listener)
    finally:
        lock.release()


def execute(
    project: Project,
    job_id: int,
    kind: str,
    arguments: dict[str, Any],
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Run a job that is marked running, and record how it ended. The caller holds the lock."""
    progress = Progress(project.database, job_id, listener)
    state, result, error = jobs.FAILED, None, None
    try:
        function = function_of(kind)
        check_arguments(kind, function, arguments)
        result = function(project, progress, **arguments)
        state = jobs.DONE
        return dict(result)
    except (JobCancelled, KeyboardInterrupt):
        state, error = jobs.CANCELLED, "Cancelled. What was done so far is kept."
        raise
    except CuratorError as problem:
        error = str(problem)
        raise
    except BaseException as problem:
        # Not foreseen: the page shows one sentence, the log keeps the traceback.
        error = f"{type(problem).__name__}: {problem} (details in {project.log_file})"
        project.log_file.parent.mkdir(parents=True, exist_ok=True)
        with project.log_file.open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        raise
    finally:
        try:
            progress.close()
        finally:
            # Whatever becomes of the last report, such as a second Ctrl+C: the job has ended.
            jobs.end(project.database, job_id, state, result, error)


def as_json(arguments: dict[str, Any]) -> dict[str, Any]:
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


def check_kind(kind: str) -> None:
    """Raise :class:`InputError` for a kind that there is not; imports nothing."""
    if kind not in FUNCTIONS:
        raise InputError(f"{kind!r} is no kind of job.", f"Use one of {', '.join(FUNCTIONS)}.")


def function_of(kind: str) -> Any:
    """The job function of that kind; imports its module."""
    check_kind(kind)
    return importlib.import_module(FUNCTIONS[kind]).run


def check_arguments(kind: str, function: Any, arguments: Mapping[str, Any]) -> None:
    """Raise :class:`InputError` for an argument that the job does not have, or of a wrong type.

    They may come from a project's database. What a job takes as ``**settings`` it checks itself.
    """
    known = inspect.signature(function).parameters
    hints = get_type_hints(function, localns={"Project": Any, "Progress": Any})
    open_ended = any(item.kind is item.VAR_KEYWORD for item in known.values())
    for name, value in arguments.items():
        if name in ("project", "progress") or (name not in known and not open_ended):
            raise InputError(f"{name!r} is no argument of the job {kind}.")
        try:
            if name in known:
                TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise InputError(
                f"{name}={value!r} cannot be given to the job {kind}: {problem}."[:500]
            ) from error


def reap(project: Project) -> int:
    """Mark jobs as failed whose process died; return how many there were."""
    if jobs.latest(project.database, (jobs.RUNNING,)) is None:
        return 0
    lock = work_lock(project)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return 0
    try:
        return jobs.fail_running(project.database, DIED)
    finally:
        lock.release()
