"""Whether the process that runs a job still lives and answers; ending one that does not.

A dead process frees its lock (:func:`curator.jobs.locks.reap`). A stopped one holds it and is
silent: its heartbeat stands still. Only a process that is surely the curator's own, working on this
project, is ever ended.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import FileError, JobSilent, ProjectBusy
from curator.jobs import locks
from curator.phrasing import duration
from curator.platform import shell_command
from curator.store import jobs

if TYPE_CHECKING:
    import psutil

    from curator.store.workspace import Workspace

SILENT_SECONDS = 20.0  # ten heartbeats
END_SECONDS = 10.0  # that the system may take to end a process
_COMMANDS = {"curator", "curator.exe", "__main__.py"}


@dataclass(frozen=True)
class Silence:
    """A process that should work and gives no sign of life."""

    job: jobs.Job
    process: int | None
    seconds: float  # since the last sign
    problem: str
    fix: str

    @property
    def sentence(self) -> str:
        """For the user: what is the matter, and what to do."""
        return f"{self.problem} {self.fix}"


def look(workspace: Workspace) -> Silence | None:
    """Note the death of a process that ran a job; tell of one that lives and does not answer.

    Of a project that can only be read nothing is noted: there the two look the same.
    """
    if workspace.read_only is None:
        with contextlib.suppress(FileError, ProjectBusy):
            locks.reap(workspace)
    job = jobs.latest(workspace.database, (jobs.RUNNING,))
    if job is not None:
        seconds = time.time() - (job.heartbeat or time.time())
        if seconds <= SILENT_SECONDS:
            return None
        process = job.process
    else:
        job = jobs.latest(workspace.database, (jobs.QUEUED,))
        if job is None or workspace.read_only is not None:
            return None
        seconds = time.time() - datetime.fromisoformat(job.created_at).timestamp()
        worker = _stopped_worker(workspace) if seconds > SILENT_SECONDS else None
        if worker is None:
            return None
        process = worker.pid
    if workspace.read_only is not None:
        problem = f"{job.kind} (job {job.id}) gave no sign of life for {duration(seconds)}."
        return Silence(job, process, seconds, problem, "Its process has died, or was stopped.")
    return Silence(
        job,
        process,
        seconds,
        f"The process that works on {job.kind} (job {job.id}, process {process}) has not answered "
        f"for {duration(seconds)}: it was stopped, or the machine has too little memory.",
        f"End it with `{shell_command('curator', 'stop', workspace.path)}`, then start it again: "
        "what was saved is kept.",
    )


def end(workspace: Workspace) -> str | None:
    """End the process that does not answer; return what was done, None when all is well.

    Raises JobSilent when that process is not surely the curator's own.
    """
    silence = look(workspace)
    if silence is None or workspace.read_only is not None:
        return None
    process = _own_process(workspace, silence)
    if process is None:
        raise JobSilent(
            f"Process {silence.process} does not answer, and it is not surely one that the curator "
            "started: it is left alone.",
            "End it yourself, then start the job again: what was saved is kept.",
        )
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        every = [*process.children(recursive=True), process]
        for each in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(every, timeout=END_SECONDS)
    look(workspace)
    return (
        f"Process {silence.process}, which had not answered for {duration(silence.seconds)}, was "
        f"ended. What {silence.job.kind} had saved is kept: start it again and it goes on."
    )


def _own_process(workspace: Workspace, silence: Silence) -> psutil.Process | None:
    """The silent process, if it is a worker or a `curator` command that holds this project."""
    import psutil

    try:
        process = psutil.Process(silence.process)
        if silence.job.started_at is not None:
            began = datetime.fromisoformat(silence.job.started_at).timestamp()
            if process.create_time() > began + 1:
                return None  # another process got the number
        command = process.cmdline()
        known = _is_worker(command, workspace.path) or any(
            Path(part).name in _COMMANDS for part in command[1:3]
        )
        return process if known and _holds(process, workspace.path) else None
    except psutil.Error:
        return None


def _stopped_worker(workspace: Workspace) -> psutil.Process | None:
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _is_worker(process.cmdline(), workspace.path):
                stopped = process.status() == psutil.STATUS_STOPPED
                return process if stopped and _holds(process, workspace.path) else None
    return None


def _is_worker(command: list[str], folder: Path) -> bool:
    package = __name__.partition(".")[0]  # the worker's module lies above, where nothing here looks
    return command[1:] == ["-m", f"{package}.worker", str(folder)]


def _holds(process: psutil.Process, folder: Path) -> bool:
    """Whether a process has one of the project's locks open; Windows does not tell safely."""
    if sys.platform == "win32":
        return True
    held = {str(folder / name) for name in (locks.WORK_LOCK, locks.WORKER_LOCK)}
    return any(file.path in held for file in process.open_files())
