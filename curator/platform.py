"""The only place with calls that differ between Linux, macOS and Windows.

Starting a process that outlives its parent, limiting a process's memory, counting cores, making
files durable, the file manager, and how a command is quoted.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30
_LOWEST = 19  # of the priorities that a process may give itself
_FICLONE = 0x40049409  # of Linux's fs.h


def start_detached(command: list[str], log: Path) -> int:
    """Start ``command`` in a session of its own, output appended to ``log``; return its process id.

    The child survives the parent: a dashboard's kernel is shut down at each page reload. Neither it
    nor its children import from the current folder.
    """
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        if sys.platform == "win32":
            flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                creationflags=flags,
            )
        else:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
    # The child is meant to live on: without this, Popen warns when it is collected.
    child.returncode = 0
    return child.pid


def shell_command(*words: object) -> str:
    """The command of these words as one line to be pasted into this system's terminal."""
    if sys.platform == "win32":
        return " ".join(map(quoted_for_windows, map(str, words)))
    return shlex.join(map(str, words))


def quoted_for_windows(word: str) -> str:
    """A word as cmd.exe and PowerShell take it; file names there hold no quotation mark."""
    if re.fullmatch(r"[\w.:\\/-]+", word):
        return word
    # A backslash before the closing mark would take it along.
    tail = len(word) - len(word.rstrip("\\"))
    return f'"{word}{chr(92) * tail}"'


def file_manager() -> list[str] | None:
    """The command that shows the folder named behind it to the user; None where there is none.

    On macOS it is marked in the folder around it: opening one with a program's ending runs it.
    """
    if sys.platform == "win32":
        return ["explorer"]
    if sys.platform == "darwin":
        return ["open", "-R"]
    seen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    found = shutil.which("xdg-open") if seen else None
    return None if found is None else [found]


def cpu_count() -> int:
    """Cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def process_lives(process: int) -> bool:
    """Whether there is a process with that number, whoever's it is."""
    import psutil

    return bool(psutil.pid_exists(process))


def give_way() -> None:
    """Let this thread, and those that it starts, run when nothing else wants the core (Linux)."""
    if sys.platform == "linux":
        # For any other system the number of a thread is none of a process.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)


def limit_memory(size: int) -> None:
    """Let this process have at most ``size`` bytes of address space, where the system can say so.

    More than that is a MemoryError. Linux alone enforces it; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            size = min(size, most)
        resource.setrlimit(resource.RLIMIT_AS, (size, most))


def sync_files(paths: Sequence[Path]) -> None:
    """Make written and renamed files durable, all of one file system.

    Linux does it in one step for all of them, which takes a third of the time or less.
    """
    if not paths:
        return
    if sys.platform == "linux" and (sync := _syncfs()) is not None:
        handle = os.open(paths[0].parent, os.O_RDONLY)
        try:
            if sync(handle) != 0:
                raise OSError(ctypes.get_errno(), "the disk refused")
        finally:
            os.close(handle)
        return
    for path in paths:
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    for folder in {path.parent for path in paths}:
        sync_folder(folder)


@functools.cache
def _syncfs() -> Callable[[int], int] | None:
    """The C library's function, which Python does not offer; None where it has none."""
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return found


# Pairs of disks, by their numbers, of which one cannot share the other's blocks.
_UNSHARED: set[tuple[int, int]] = set()


def share_blocks(source: Path, target: Path) -> bool:
    """Make the new file ``target`` a copy that shares its blocks with ``source`` (a reflink).

    Writing to one leaves the other as it is. False, and no file, where the system or the file
    system cannot: of those here, Linux with Btrfs, XFS or bcachefs can.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        disks = source.stat().st_dev, target.parent.stat().st_dev
    except OSError:
        return False
    if disks in _UNSHARED:
        return False
    try:
        with source.open("rb") as given, target.open("xb") as made:
            fcntl.ioctl(made, _FICLONE, given.fileno())
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV):
            _UNSHARED.add(disks)  # a file made and removed costs as much as a small copy
        with contextlib.suppress(OSError):
            target.unlink()
        return False
    return True


def hard_link(source: Path, target: Path) -> bool:
    """Make ``target`` a second name of the file ``source``, which is read-only then.

    So an editor that would write into both is stopped. False, and no file, where there cannot be
    one: on another disk, on some file systems, for another user's file, and on Windows, where what
    is read-only cannot be deleted.
    """
    if sys.platform == "win32":
        return False
    try:
        os.chmod(source, source.stat().st_mode & 0o555)  # noqa: PTH101  beside os.link
        os.link(source, target)
    except OSError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable, where the system allows a folder to be synced."""
    if sys.platform == "win32":  # Windows cannot open a folder for fsync; its rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def keeping_memory() -> Iterator[None]:
    """Let freed memory be used again without asking the system for fresh pages, for a while.

    glibc maps every block above 32 MB anew, and the system then fills it with zeros page by page: a
    quarter of the processor time of a training step at 224 px went there. Afterwards the memory
    is given back. Other systems and C libraries: nothing happens.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
    library.mallopt(_M_TRIM_THRESHOLD, 2 * _KEEP_BYTES - 1)
    try:
        yield
    finally:
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 25)
        library.mallopt(_M_TRIM_THRESHOLD, 1 << 26)
        library.malloc_trim(0)


def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
