"""Whole copies of ``project.db``, and the way back to one when the database is damaged.

    PROJECT/backups/project-20261124T162000Z.db    the newest two are kept
    PROJECT/damaged/project-20261124T170000Z.db    what a restoring put aside; nothing deletes it

A copy is made by SQLite's own means while others write, checked, made durable and then renamed; an
unsound database is never copied over a sound one. For 200,000 images it takes about a second, in a
thread beside the work.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from curator.errors import CuratorError, InputError, NotAProject, ProjectDamaged
from curator.files import TEMPORARY_PREFIX, write_atomic
from curator.phrasing import duration
from curator.platform import shell_command, sync_folder
from curator.store import schema
from curator.store.reading import refused

KEPT = 2
EVERY_SECONDS = 3600.0
FOLDER, ASIDE = "backups", "damaged"
_STAMP = "%Y%m%dT%H%M%SZ"
_BESIDE = ("-wal", "-shm")
_TOLD = "damage.txt"
_OF_A_PROJECT = (FOLDER, "originals", "features", "runs")

_log = logging.getLogger(__name__)


def copies_of(path: Path) -> list[Path]:
    """The copies of the database at ``path``, newest first."""
    return sorted((path.parent / FOLDER).glob(f"{path.stem}-*Z.db"), reverse=True)


def made_at(copy: Path) -> datetime:
    """When a copy was made."""
    return datetime.strptime(copy.stem.rpartition("-")[2], _STAMP).replace(tzinfo=UTC)


def keep(path: Path) -> Path | None:
    """Copy the database unless the newest copy has all of it, or another process is at it.

    Raises ProjectDamaged when the database is not whole, OSError and sqlite3.Error when the disk
    refuses; the copies before stay.
    """
    folder = path.parent / FOLDER
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / "copying.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    try:
        for left in folder.glob(f"{TEMPORARY_PREFIX}*"):
            left.unlink()
        before = copies_of(path)
        if before and _marks(path) == _marks(before[0], "&immutable=1"):
            return None
        target = folder / f"{path.stem}-{datetime.now(UTC):{_STAMP}}.db"
        unfinished = folder / f"{TEMPORARY_PREFIX}{os.getpid()}.db"
        try:
            _copy(path, unfinished)
            if problem := _problem(unfinished):
                found = damaged(path, sqlite3.DatabaseError(problem))
                write_atomic(folder / _TOLD, str(found).encode())
                raise found
            os.replace(unfinished, target)
            (folder / _TOLD).unlink(missing_ok=True)
            sync_folder(folder)
        finally:
            unfinished.unlink(missing_ok=True)
        for old in copies_of(path)[KEPT:]:
            old.unlink()
        return target
    finally:
        lock.release()


def keep_when_due(path: Path, every: float = EVERY_SECONDS) -> None:
    """:func:`keep` when the newest copy is older than ``every`` seconds; what fails is logged."""
    newest = next(iter(copies_of(path)), None)
    if newest is not None and 0 <= time.time() - made_at(newest).timestamp() < every:
        return
    try:
        keep(path)
    except (CuratorError, OSError, sqlite3.Error) as error:
        _log.warning("No copy of %s was made: %s", path, error)


@contextlib.contextmanager
def keeping(path: Path, every: float = EVERY_SECONDS) -> Iterator[None]:
    """Copy the database now and every so many seconds while the block runs, in a thread."""
    ended = threading.Event()

    def work() -> None:
        due = 0.0
        while True:
            keep_when_due(path, due)
            due = every
            if ended.wait(every):
                return

    thread = threading.Thread(target=work, name="copies", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def damage_of(path: Path) -> str | None:
    """What the last copying found wrong with the database, for the user; None: nothing."""
    try:
        return (path.parent / FOLDER / _TOLD).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def is_of_a_project(path: Path) -> bool:
    """Whether what lies beside the file is a project's, so that the file was its database."""
    return any((path.parent / name).is_dir() for name in _OF_A_PROJECT)


def damaged(path: Path, error: Exception) -> ProjectDamaged:
    """The error for a database that is not whole, with the way back."""
    if isinstance(error, ProjectDamaged):
        return error
    if not path.exists():
        what = f"{path} is missing"
    elif not path.stat().st_size:
        what = f"{path} is damaged: it is empty"
    elif isinstance(error, (KeyError, ValueError)):
        what = f"{path} is damaged: it does not say what it is"
    else:
        what = f"{path} is damaged: {getattr(error, 'orig', None) or error}"
    copy = next(iter(copies_of(path)), None)
    if copy is None:
        return ProjectDamaged(
            f"{what}. There is no copy of it.",
            "The images are whole, in originals/: import that folder into a new project, or put "
            f"back {path.name} from a backup of your own.",
        )
    return ProjectDamaged(
        f"{what}. The newest whole copy is of {_said(made_at(copy))}: {copy}.",
        f"Go back to it with `{shell_command('curator', 'restore', path.parent)}`: what was "
        "decided since is not in it, images are not lost, and the damaged file is kept.",
    )


@dataclass(frozen=True)
class Restored:
    """What :func:`restore` did: from which copy, made when, and where the damaged file is."""

    copy: Path
    at: datetime
    aside: Path

    @property
    def sentence(self) -> str:
        """For the user."""
        return (
            f"The database is that of {_said(self.at)} again; what was decided since is not in it. "
            f"The damaged one is in {self.aside}."
        )


def restore(path: Path) -> Restored:
    """Put the newest whole copy in the place of a damaged database, which is kept.

    The caller knows that no process works on it. A kill in between leaves the damaged database
    or the copy. Raises NotAProject, InputError when the database is whole, ProjectDamaged when
    no copy is, ProjectReadOnly.
    """
    if not is_of_a_project(path):
        raise NotAProject(f"{path.parent} is not a project.", "Name the project's folder.")
    if path.exists() and not _problem(path):
        raise InputError(f"{path} is whole: there is nothing to restore.", "Open it as it is.")
    whole = next((copy for copy in copies_of(path) if not _problem(copy)), None)
    if whole is None:
        raise damaged(path, sqlite3.DatabaseError("no copy of it is whole"))
    aside = path.parent / ASIDE / f"{path.stem}-{datetime.now(UTC):{_STAMP}}{path.suffix}"
    try:
        _replace(path, whole, aside)
    except OSError as error:
        raise refused(path, error) from error
    return Restored(whole, made_at(whole), aside)


def _replace(path: Path, whole: Path, aside: Path) -> None:
    aside.parent.mkdir(exist_ok=True)
    for ending in ("", *_BESIDE):
        lost = path.with_name(path.name + ending)
        if lost.exists():
            shutil.copy2(lost, aside.with_name(aside.name + ending))
    unfinished = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
    try:
        shutil.copyfile(whole, unfinished)
        _make_durable(unfinished)
        for ending in _BESIDE:  # they belong to the damaged file, and would be read into the copy
            path.with_name(path.name + ending).unlink(missing_ok=True)
        os.replace(unfinished, path)
        (path.parent / FOLDER / _TOLD).unlink(missing_ok=True)
        sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(path: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(path, timeout=30)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        # A part is thrown away and the whole made durable at once: neither journal nor order.
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        source.backup(copy)
    _make_durable(target)


def _make_durable(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _problem(path: Path) -> str:
    """What is wrong with the database of a project; empty: it is whole."""
    # With a write-ahead file the two are one; a copy has none, and none is made beside it.
    waiting = path.with_name(f"{path.name}-wal").exists()
    uri = path.as_uri() + ("?mode=ro" if waiting else "?mode=ro&immutable=1")
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        return str(error)
    return "" if said == "ok" else str(said)


def _marks(path: Path, how: str = "") -> list[object] | None:
    """Differ whenever something was added, in whatever table, or a job ended."""
    uri = f"{path.as_uri()}?mode=ro{how}"
    ends = [f"SELECT max(rowid) FROM {table}" for table in schema.metadata.tables]  # noqa: S608  our own names
    newest = "SELECT state, done, ended_at FROM jobs ORDER BY id DESC LIMIT 1"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as source:
            return [source.execute(query).fetchone() for query in (*ends, newest)]
    except sqlite3.Error:
        return None


def _said(at: datetime) -> str:
    ago = duration(max(0.0, (datetime.now(UTC) - at).total_seconds()))
    return f"{at:%Y-%m-%d %H:%M} UTC, {ago} ago"
