"""Uploads that were left behind: by a page that was closed or loaded again, or by their job.

An upload whose lock (see :mod:`widgets.uploads`) nobody holds goes on nowhere: it is removed as a
whole and told, so that nothing half-done stays.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from curator.collect.imports.job import uploads_of
from curator.project import Project
from curator.store import jobs


def interrupted(project: Project) -> tuple[list[str], bool]:
    """Remove uploads that no process receives any more; say what they were.

    The second: whether there are others, which some process still receives. Also removed are
    folders that no job can ask for again.
    """
    if project.read_only:
        return [], False
    root = uploads_of(project)
    notices, alive = [], False
    for folder in sorted(root.glob("*.part")):
        with _held(folder.with_suffix(".lock")) as held:
            if not held:
                alive = True
                continue
            notices.append(_notice(folder))
            shutil.rmtree(folder, ignore_errors=True)
    if root.is_dir():
        _remove_orphans(project, root)
    return notices, alive


def _remove_orphans(project: Project, root: Path) -> None:
    """Remove uploads whose job has ended, unless it is the newest and may be started again."""
    newest = jobs.latest(project.database)
    known = jobs.of_states(project.database, (*jobs.OPEN, jobs.OFFERED))
    asked = {str(job.arguments.get("upload")) for job in [*known, *([newest] if newest else [])]}
    for folder in root.iterdir():
        if folder.is_dir() and folder.suffix != ".part" and folder.name not in asked:
            with _held(folder.with_suffix(".lock")) as held:
                if held:
                    shutil.rmtree(folder, ignore_errors=True)


def _notice(folder: Path) -> str:
    about: dict[str, Any] = {"title": "some files"}
    with contextlib.suppress(OSError, ValueError):
        about |= json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return (
        f"The upload of {about['title']} was cut off when its page was closed or reloaded. "
        "Nothing of it was taken in; drop it again."
    )


@contextlib.contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Whether the lock could be taken, which then is gone."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            path.unlink()
