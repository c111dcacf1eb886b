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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import platformdirs
from filelock import FileLock

from curator.errors import FileError, InputError
from curator.files import write_atomic
from curator.store import jobs

if TYPE_CHECKING:
    from curator.store.jobs import Job
    from curator.store.workspace import Workspace

_KEY_BYTES = 32
_SHOWN = 300  # characters of a waiting job


@dataclass(frozen=True)
class WaitingJob:
    """A job that the project came with: not run, but offered."""

    id: int
    kind: str
    arguments: dict[str, object]
    sentence: str
    """What it would do, in one printable line."""


Purpose = Literal["to run", "was run"]
"""A job that was run has another mark, so that nobody can have it run again by its old one."""


def mark(workspace: Workspace, job: Job, purpose: Purpose) -> str:
    """The mark of a job, as 64 hex digits. Raises FileError when no key can be kept."""
    said = "\0".join([str(workspace.path), purpose, jobs.signed_text(job)])
    return hmac.new(_key(), said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_ours(workspace: Workspace, job: Job, purpose: Purpose) -> bool:
    """Whether this user asked for the job, in this very project."""
    try:
        return hmac.compare_digest(mark(workspace, job, purpose), job.mark or "")
    except (FileError, TypeError):  # no key, or a mark that is no text of ours
        return False


def was_asked(workspace: Workspace, job: Job) -> bool:
    """Whether this user asked for the job, run or not: it may be offered again with one click."""
    return is_ours(workspace, job, "to run") or is_ours(workspace, job, "was run")


def queue(workspace: Workspace, kind: str, arguments: dict[str, Any]) -> int:
    """Add a job that this user asks for; return its id. Raises FileError without a key."""
    return jobs.queue(
        workspace.database, kind, arguments, lambda job: mark(workspace, job, "to run")
    )


def start(workspace: Workspace, job: Job) -> bool:
    """Mark a queued job as running in this process; False when it was cancelled meanwhile."""
    return jobs.start(workspace.database, job.id, _after(workspace, job))


def begin(workspace: Workspace, kind: str, arguments: dict[str, Any]) -> int:
    """Add a job that runs in this process from now on; return its id."""
    return jobs.begin(workspace.database, kind, arguments, lambda job: _after(workspace, job))


def _after(workspace: Workspace, job: Job) -> str:
    with contextlib.suppress(FileError):  # then nobody can ask for it again with one click
        return mark(workspace, job, "was run")
    return ""


def offered(workspace: Workspace) -> list[WaitingJob]:
    """Jobs that are not run but offered, oldest first."""
    return [
        WaitingJob(job.id, job.kind, job.arguments, _described(job)) for job in _waiting(workspace)
    ]


def _waiting(workspace: Workspace) -> list[Job]:
    found = jobs.of_states(workspace.database, (jobs.OFFERED, jobs.QUEUED))
    return [
        job for job in found if job.state == jobs.OFFERED or not is_ours(workspace, job, "to run")
    ]


def _described(job: Job) -> str:
    """What a waiting job would do, in one printable line."""
    said = f"{job.kind if job.kind.isprintable() else json.dumps(job.kind)}"
    if job.arguments:
        said += f" with {json.dumps(job.arguments)}"
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."


def dismiss(workspace: Workspace, job_id: int) -> None:
    """Drop a waiting job. Raises InputError when no such job waits."""
    take(workspace, job_id)


def take(workspace: Workspace, job_id: int) -> Job:
    """The waiting job, which waits no more. Raises InputError when no such job waits."""
    for job in _waiting(workspace):
        if job.id == job_id:
            jobs.cancel(workspace.database, job_id)
            return job
    raise InputError(
        f"No job {job_id} is waiting in {workspace.path}.",
        "`curator waiting PROJECT` lists those that are.",
    )


def set_aside(workspace: Workspace) -> None:
    """Take out of the queue what this user did not ask for. For whoever holds the worker's lock."""
    for job in jobs.of_states(workspace.database, (jobs.QUEUED,)):
        if not is_ours(workspace, job, "to run"):
            jobs.offer(workspace.database, job.id)


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
