"""A PostgreSQL server of the tests' own, from the system's package, on the loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Where Debian and its kin put what starts a server; elsewhere it is on the path.
_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
LACKING = "no PostgreSQL server is installed here (Debian's package postgresql)"


def programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``; None where there is none."""
    found = shutil.which("pg_ctl")
    places = [*_PLACES, *([Path(found).resolve().parent] if found else [])]
    return next((place for place in places if (place / "initdb").exists()), None)


@contextlib.contextmanager
def running(durable: bool = False) -> Iterator[str]:
    """The address of a server with an empty database, which is gone afterwards.

    ``durable``: what it has taken is on the disk; otherwise it is quicker.
    """
    bin_folder = programs()
    assert bin_folder is not None
    # It refuses to be run by root, and its user must reach the folder.
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="curator-postgresql-"))
    if as_other:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [*as_other, str(bin_folder / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=200"
        options += "" if durable else " -F"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log.txt"), "-o", options, "start")
        try:
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
