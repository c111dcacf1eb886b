"""What an attacker does to a project, and how the victim opens it: with the real commands."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

SECONDS = 60  # a command that takes longer hangs


def alter(project: Path, *statements: str) -> None:
    """Change a project's database, as whoever made the project can."""
    with closing(sqlite3.connect(project / "project.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def asked(project: Path, query: str) -> list[tuple[object, ...]]:
    """Read a project's database."""
    with closing(sqlite3.connect(project / "project.db")) as connection:
        return connection.execute(query).fetchall()


def queue_job(
    project: Path, kind: str, /, *, job_state: str = "queued", **arguments: object
) -> None:
    """Put a job into the project's table, as if it had been asked for."""
    said = json.dumps(arguments).replace("'", "''")
    alter(
        project,
        "INSERT INTO jobs (kind, arguments, state, done, message, counts, 'table', cancel, "
        f"created_at, mark) VALUES ('{kind}', '{said}', '{job_state}', 0, '', '{{}}', '[]', 0, "
        "'2026-01-01T00:00:00.000+00:00', 'forged')",
    )


def curator(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as the victim; one that hangs fails the test."""
    return subprocess.run(
        [sys.executable, "-m", "curator", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def tree(folder: Path) -> dict[str, str]:
    """All that a folder holds: kind and content of everything by its name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
