"""Telling the jobs that this user asked for from those that a project came with.

A project may come from anyone, and with it the table of its jobs. A job that is asked for here gets
a mark: an HMAC over what it is, with a key that is kept in the user's own folder and never in a
project. Only a job with its mark is run by a worker; it stays valid when worker or page are started
anew, and becomes worthless in a copy of the project elsewhere. What has no mark is *waiting*: it is
shown, and run or dismissed as the user says.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from filelock import FileLock

from curator.errors import FileError, InputError
from curator.files import write_atomic
from curator.store import jobs

if TYPE_CHECKING:
    from curator.jobs.progress import Listener
    from curator.project import Project
    from curator.store.jobs import Job

_KEY_BYTES = 32
_SHOWN = 300  # characters of a waiting job

Purpose = Literal["to run", "was run"]
"""A job that was run has another mark, so that nobody can have it run again by its old one."""


def mark(project: Project, job: Job, purpose: Purpose) -> str:
    """The mark of a job, as 64 hex digits. Raises FileError when no key can be kept."""
    said = "\0".join([str(project.path), purpose, jobs.signed_text(job)])
    return hmac.new(_key(), said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_ours(project: Project, job: Job, purpose: Purpose) -> bool:
    """Whether this user asked for the job, in this very project."""
    try:
        return hmac.compare_digest(mark(project, job, purpose), job.mark or "")
    except (FileError, TypeError):  # no key, or a mark that is no text of ours
        return False


def was_asked(project: Project, job: Job) -> bool:
    """Whether this user asked for the job, run or not: it may be offered again with one click."""
    return is_ours(project, job, "to run") or is_ours(project, job, "was run")


def queue(project: Project, kind: str, arguments: dict[str, Any]) -> int:
    """Add a job that this user asks for; return its id. Raises FileError without a key."""
    return jobs.queue(project.database, kind, arguments, lambda job: mark(project, job, "to run"))


def start(project: Project, job: Job) -> bool:
    """Mark a queued job as running in this process; False when it was cancelled meanwhile."""
    return jobs.start(project.database, job.id, _after(project, job))


def begin(project: Project, kind: str, arguments: dict[str, Any]) -> int:
    """Add a job that runs in this process from now on; return its id."""
    return jobs.begin(project.database, kind, arguments, lambda job: _after(project, job))


def _after(project: Project, job: Job) -> str:
    with contextlib.suppress(FileError):  # then nobody can ask for it again with one click
        return mark(project, job, "was run")
    return ""


def waiting(project: Project) -> list[Job]:
    """Jobs that are not run but offered, oldest first."""
    found = jobs.of_states(project.database, (jobs.OFFERED, jobs.QUEUED))
    return [
        job for job in found if job.state == jobs.OFFERED or not is_ours(project, job, "to run")
    ]


def described(job: Job) -> str:
    """What a waiting job would do, in one printable line."""
    said = f"{job.kind if job.kind.isprintable() else json.dumps(job.kind)}"
    if job.arguments:
        said += f" with {json.dumps(job.arguments)}"
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."


def submit_waiting(project: Project, job_id: int) -> int:
    """Hand a waiting job to the worker: it is this user's wish now. Return the new job's id.

    Raises InputError when no such job waits, and what :meth:`Project.submit` raises.
    """
    job = _taken(project, job_id)
    from curator.jobs import worker

    return worker.submit(project, job.kind, job.arguments)


def run_waiting(project: Project, job_id: int, listener: Listener | None = None) -> dict[str, Any]:
    """Run a waiting job here and now; see :meth:`Project.run`. Raises InputError as above."""
    job = _taken(project, job_id)
    from curator.jobs import runner

    return runner.run(project, job.kind, job.arguments, listener)


def dismiss(project: Project, job_id: int) -> None:
    """Drop a waiting job. Raises InputError when no such job waits."""
    _taken(project, job_id)


def _taken(project: Project, job_id: int) -> Job:
    """The waiting job, which waits no more."""
    for job in waiting(project):
        if job.id == job_id:
            jobs.cancel(project.database, job_id)
            return job
    raise InputError(
        f"No job {job_id} is waiting in {project.path}.",
        "`curator waiting PROJECT` lists those that are.",
    )


def set_aside(project: Project) -> None:
    """Take out of the queue what this user did not ask for. For whoever holds the worker's lock."""
    for job in jobs.of_states(project.database, (jobs.QUEUED,)):
        if not is_ours(project, job, "to run"):
            jobs.offer(project.database, job.id)


def _key() -> bytes:
    """The user's key, made at the first use; readable for this user alone."""
    state = os.environ.get("CURATOR_STATE") or platformdirs.user_state_dir("curator")
    path = Path(state) / "jobs.key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.exists():
                    write_atomic(path, secrets.token_bytes(_KEY_BYTES), private=True)
        key = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be used: {error.strerror or error}. It holds the key that marks the "
            "jobs you ask for.",
            "Make its folder writable, or name another one in CURATOR_STATE.",
        ) from error
    if len(key) != _KEY_BYTES:
        raise FileError(f"{path} is damaged: it holds {len(key)} bytes.", "Delete it.")
    return key
