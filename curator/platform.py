"""The only place with calls that differ between Linux, macOS and Windows.

Starting a process that outlives its parent, counting cores, and making a rename durable.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start_detached(command: list[str], log: Path) -> int:
    """Start ``command`` in a session of its own, output appended to ``log``; return its process id.

    The child survives the parent: a dashboard's kernel is shut down at each page reload.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        if sys.platform == "win32":
            flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, creationflags=flags
            )
        else:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    # The child is meant to live on: without this, Popen warns when it is collected.
    child.returncode = 0
    return child.pid


def cpu_count() -> int:
    """Cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable, where the system allows a folder to be synced."""
    if sys.platform == "win32":  # Windows cannot open a folder for fsync; its rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
