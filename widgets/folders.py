"""Folders that an export is written to: what was typed, one that is free, what was written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from curator.errors import InputError
from curator.platform import file_manager
from curator.project import Project
from curator.store import jobs

LOCAL = "CURATOR_LOCAL"
"""Set by the server for its kernels where nobody else's machine can reach it."""
_LONGEST_CARD = 1 << 16  # bytes


def absolute(project: Project, typed: str) -> Path:
    """The folder that was typed: beside the project unless it is absolute, "~" the user's home.

    Raises InputError for one that names no folder.
    """
    text = typed.strip()
    if not text or "\0" in text:
        raise InputError("The new folder needs a name.", "Type one; it is made for you.")
    try:
        folder = Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{text!r} is nobody's home folder.", "Type another folder.") from error
    return Path(os.path.abspath(project.path.parent / folder))  # noqa: PTH100 -- follows no link


def free(project: Project, kind: str) -> Path:
    """A folder beside the project that does not exist yet."""
    base = project.path.parent / f"{project.path.name}-{kind}"
    number = 2
    folder = base
    while folder.exists():
        folder = base.with_name(f"{base.name}-{number}")
        number += 1
    return folder


def last_written(project: Project, kind: str) -> str:
    """The folder that the last export of a kind wrote, if it is still there, else ""."""
    folder, _ = jobs.written(project.database, kind.replace("_", "-"))
    return "" if folder is None else str(folder)


def failure(project: Project, kind: str) -> str:
    """Why the last export of a kind failed, "" where it did not."""
    last = jobs.latest(project.database, (jobs.DONE, jobs.FAILED), kind.replace("_", "-"))
    return (last.error or "") if last is not None and last.state == jobs.FAILED else ""


def held(folder: str) -> dict[str, Any] | None:
    """What lies in a folder that was written: its files with their sizes, and its card."""
    if not folder:
        return None
    try:
        files = sorted(path for path in Path(folder).iterdir() if path.is_file())
        card = Path(folder) / "README.md"
        text = b""
        if card.is_file():
            with card.open("rb") as stream:
                text = stream.read(_LONGEST_CARD)
        return {
            "files": [{"path": path.name, "bytes": path.stat().st_size} for path in files[:40]],
            "card": text.decode(errors="replace"),
        }
    except OSError:
        return None


def can_open() -> bool:
    """Whether a folder can be shown to the user in this machine's file manager."""
    return bool(os.environ.get(LOCAL)) and file_manager() is not None
