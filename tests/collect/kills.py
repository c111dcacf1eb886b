"""Killing a fetch at random instants, and what must hold after each kill.

``Soak`` runs ``curator fetch`` in a process group of its own, kills all of it and checks the
project. The server and the list are the caller's; its answers must not depend on how often it is
asked. POSIX only: elsewhere there are no process groups to kill.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.collect.pictures import thumbnails
from curator.files import TEMPORARY_PREFIX
from curator.hashing import sha256_of
from curator.project import Project
from curator.store import schema

if TYPE_CHECKING:
    from pathlib import Path


def addresses(base: str, count: int = 200) -> list[str]:
    """List what the tests' hostile server has, below ``base``: images, and a share of everything.

    Of ten, seven are images of their own, one has the content of another, one is dead and one is
    no image.
    """
    listed = []
    for n in range(count):
        path = {
            7: f"/number/{n - 7}.jpg?again={n}",
            8: f"/404?n={n}",
            9: f"/truncated.jpg?n={n}",
        }.get(n % 10, f"/number/{n}.jpg")
        listed.append(base + path)
    return listed


@dataclass(frozen=True)
class Result:
    """What a project holds: contents by address, and reasons by address of those that failed."""

    images: dict[str, str]
    failed: dict[str, str]


@dataclass
class Soak:
    """Kills of the same fetch, in fresh projects below ``folder`` whenever one is complete."""

    folder: Path
    listed: list[str]
    random: random.Random
    kills: int = 0
    projects: int = 0
    left_behind: int = 0  # temporary files that were seen after kills
    expected: Result = field(init=False)
    seconds: float = field(init=False)  # that an undisturbed fetch takes
    _path: Path = field(init=False)

    def undisturbed(self) -> None:
        """Fetch once without a kill, to know what has to come out and how long it takes."""
        self._begin()
        began = time.monotonic()
        self._complete()
        self.seconds = time.monotonic() - began
        self.expected = result_of(self._path)
        self._begin()

    def kill(self) -> None:
        """Start a fetch, kill it at a random instant and check everything that must hold.

        One that is complete before the kill is checked as well, and a fresh project begun.
        Raises AssertionError with what does not hold.
        """
        process = self._start()
        try:
            _, said = process.communicate(timeout=self.random.uniform(0.0, self.seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, said = process.communicate()
        assert process.returncode in {0, -signal.SIGKILL}, said.decode(errors="replace")
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            self.check()
        else:
            self._compare()
            self._begin()

    def check(self) -> None:
        """Check the present project: everything recorded is there and whole, and it works."""
        self.left_behind += len(temporary_files(self._path))
        intact(self._path)
        with Project.open(self._path) as project:
            status = project.status().addresses
            with project.database.read() as connection:
                images = connection.execute(select(schema.images)).all()
                sources = connection.execute(select(schema.sources)).all()
            files = {row.sha256: row.file for row in images}
            assert thumbnails(project, files).keys() == files.keys(), "a thumbnail is missing"
            if images:
                project.check()
        for digest, file in files.items():
            assert (self._path / "originals" / file).is_file(), f"{file} is gone"
            assert file.split("/")[-1].startswith(digest), f"{file} has a wrong name"
        states = [row.state for row in sources]
        assert len(self.listed) == len(states), "a source is lost"
        assert set(states) <= {schema.PENDING, schema.FETCHED, schema.FAILED}, "a source is stuck"
        assert states.count(schema.PENDING) == status.pending
        ids = {row.id for row in images}
        assert all(row.image_id in ids for row in sources if row.state == schema.FETCHED)
        assert all(row.reason for row in sources if row.state == schema.FAILED)

    def finish(self) -> None:
        """Let the present project's fetch complete, and compare with the undisturbed one."""
        self._complete()
        self._compare()

    def _compare(self) -> None:
        self.check()
        left = temporary_files(self._path)
        assert not left, f"a complete fetch left {left[0]}"
        assert result_of(self._path) == self.expected

    def _begin(self) -> None:
        self.projects += 1
        self._path = self.folder / f"project-{self.projects}"
        with Project.create(self._path, ["a"]) as project:
            project.add("a", "\n".join(self.listed))

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "curator", "fetch", str(self._path), "--allow-private"]
        return subprocess.Popen(
            command,
            start_new_session=True,  # so that its processes die with it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def _complete(self) -> None:
        process = self._start()
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode(errors="replace")


def intact(path: Path) -> None:
    """Assert that both databases are sound and that every original is what its name says."""
    for name in ("project.db", "thumbnails.db"):
        connection = sqlite3.connect(path / name)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), name
        finally:
            connection.close()
    temporary = set(temporary_files(path))
    for file in (path / "originals").rglob("*"):
        if file.is_file() and file not in temporary:
            assert sha256_of(file) == file.stem, f"{file} is not whole"


def temporary_files(path: Path) -> list[Path]:
    """Everything in a project that an unfinished write left behind."""
    return [
        file
        for file in path.rglob("*")
        if any(part.startswith(TEMPORARY_PREFIX) for part in file.relative_to(path).parts)
    ]


def result_of(path: Path) -> Result:
    """Look up what a project holds."""
    with Project.open(path) as project, project.database.read() as connection:
        rows = connection.execute(
            select(schema.sources.c.origin, schema.sources.c.reason, schema.images.c.sha256)
            .select_from(schema.sources)
            .outerjoin(schema.images, schema.images.c.id == schema.sources.c.image_id)
        ).all()
    return Result(
        images={row.origin: row.sha256 for row in rows if row.sha256},
        failed={row.origin: row.reason for row in rows if row.reason},
    )
