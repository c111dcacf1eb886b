"""A database that cannot be written, and how it is read all the same.

A mounted backup, a folder of somebody else, a full disk: nothing can be created there, but SQLite's
write-ahead mode wants two files beside the database. In this order:

1. As it is, without writing, where these files are there: what others write meanwhile is seen.
2. A copy in the temporary folder, where a write-ahead file holds what the database lacks.
3. As a file that nobody changes. Whether it did change is asked before each reading, which then
   begins anew.

Knows nothing of the tables.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

from curator.errors import FileError, ProjectReadOnly

_TRIAL_BYTES = 1 << 16  # SQLite's own two files begin with 32 kB
_NOT_WRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}


def why_not_writable(path: Path) -> ProjectReadOnly | None:
    """Why the database at ``path`` cannot be written, with the next step; None: it can.

    Nothing is written to find out: the write lock is taken and given back. Who waits for another
    process may write.
    """
    problem = _refusal(path)
    if problem is None:
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
                connection.isolation_level = None
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            if primary_code(error) in _NOT_WRITABLE:
                problem = OSError(0, str(error))
    return None if problem is None else refused(path, problem)


def refused(path: Path, problem: OSError | None = None) -> ProjectReadOnly:
    """The error for a database that the system does not let us write."""
    problem = problem or _refusal(path)
    number = 0 if problem is None else problem.errno
    if number in {errno.ENOSPC, errno.EDQUOT}:
        why, fix = "its disk is full", "Free some space on that disk, then open the project again."
    elif number == errno.EROFS:
        why = "it is on a disk that is mounted for reading only"
        fix = "To go on working, copy the project's folder to a disk that you may write to."
    elif number in {errno.EACCES, errno.EPERM}:
        why = "you may not write there"
        fix = "Give yourself write permission on the project's folder and files, or copy it."
    else:
        why = "the disk refuses" if problem is None else str(problem.strerror)
        fix = "See whether its disk is full or failing, or copy the project's folder elsewhere."
    return ProjectReadOnly(f"{path} cannot be written: {why}.", fix)


def primary_code(error: object) -> int:
    """SQLite's primary result code of an error of the driver; 0 where it has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _refusal(path: Path) -> OSError | None:
    """What the system says to writing in the file and its folder.

    The file itself is not opened: closing it again would end the locks that SQLite holds on it
    elsewhere in this process.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent) as trial:
            trial.write(bytes(_TRIAL_BYTES))
            trial.flush()
    except OSError as error:
        return error
    if path.exists() and not os.access(path, os.W_OK):
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return None


class Reader:
    """Connections for reading a database that cannot be written; for all threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._lock = threading.Lock()
        self._uri = ""
        self._state: tuple[int, ...] | None = None  # of a file that others might change
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def connect(self) -> sqlite3.Connection:
        """A new connection. Raises FileError when the temporary folder has no room for a copy."""
        with self._lock:
            if not self._uri:
                self._uri = self._chosen()
        return sqlite3.connect(self._uri, uri=True, check_same_thread=False)

    def outdated(self) -> bool:
        """Whether the file was changed since; if so, the next connection looks anew."""
        with self._lock:
            if self._state is None or self._state == self._present():
                return False
            self._uri, self._state = "", None
            return True

    def copy(self) -> Path:
        """Read from a copy in the temporary folder from now on; return it, to be changed.

        Raises FileError when that folder has no room.
        """
        with self._lock:
            return self._copied()

    def close(self) -> None:
        """Remove the copy, if there is one."""
        with self._lock:
            self._uri, self._state = "", None
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _chosen(self) -> str:
        live = f"{self._path.as_uri()}?mode=ro"
        beside = self._path.with_name(f"{self._path.name}-shm").exists()
        if beside and _readable(live):
            return live
        self._state = self._present()
        if self._state[-1]:
            return self._copied().as_uri()
        return f"{live}&immutable=1"

    def _present(self) -> tuple[int, ...]:
        """Differ whenever the file or its write-ahead file was written; the latter's size last."""
        found = self._path.stat()
        try:
            waiting = self._wal.stat()
        except FileNotFoundError:
            return (found.st_ino, found.st_size, found.st_mtime_ns, 0, 0)
        written = (waiting.st_mtime_ns, waiting.st_size) if waiting.st_size else (0, 0)
        return (found.st_ino, found.st_size, found.st_mtime_ns, *written)

    def _copied(self) -> Path:
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="curator-")
            target = Path(self._folder.name, self._path.name)
            shutil.copyfile(self._path, target)
            target.with_name(self._wal.name).unlink(missing_ok=True)
            if self._wal.exists():
                shutil.copyfile(self._wal, target.with_name(self._wal.name))
        except OSError as error:
            raise FileError(
                f"{self._path} cannot be written, and no copy to read it from can be made in "
                f"{tempfile.gettempdir()}: {error.strerror or error}.",
                "Free some space there, or name another folder in the variable TMPDIR.",
            ) from error
        self._uri = target.as_uri()
        return target


def _readable(uri: str) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        return primary_code(error) not in _NOT_WRITABLE
    return True
