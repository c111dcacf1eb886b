"""A fetch that is killed or runs out of disk loses nothing and can be taken up again."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.collect.hostile import serving
from tests.collect.kills import Soak, addresses, intact, result_of, temporary_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no process groups, no limits"),
]


@pytest.mark.slow
def test_kills(tmp_path: Path) -> None:
    """After kills at random instants the project is sound, and the end is the same."""
    with serving(latency=0.02) as server:
        soak = Soak(tmp_path, addresses(server.url(""), count=60), random.Random(0))
        soak.undisturbed()
        while soak.kills < 3:
            soak.kill()
        soak.finish()

    assert len(soak.expected.images) == 48
    assert len(soak.expected.failed) == 12


def fetch(path: Path, limit: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `curator fetch` in a process of its own, with a limit set there before it starts."""
    command = [sys.executable, "-m", "curator", "fetch", str(path), "--allow-private"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=limit
    )


def limit_file_size() -> None:
    """Let no file grow beyond 8 MB: a write past that fails, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))


@pytest.mark.slow
def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The error says where and what to do; with room again, the fetch goes on."""
    with serving() as server, Project.create(tmp_path / "project", ["a"]) as project:
        listed = [server.url(path) for path in ("/good.jpg", "/good.png", "/large.bmp")]
        project.add("a", "\n".join(listed))

        refused = fetch(project.path, limit_file_size)
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert "could not be written: File too large" in said
        assert str(project.originals) in "".join(said.split())
        assert "fetch again" in said or "run it again" in said
        assert "Traceback" not in said
        intact(project.path)

        assert fetch(project.path).returncode == 0
        assert set(listed) == set(result_of(project.path).images)
        assert temporary_files(project.path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 5 MB, where the system lets us."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_full_disk(small_disk: Path) -> None:
    """On a full disk the fetch ends with a sentence; with room again, it goes on."""
    with serving() as server:
        listed = addresses(server.url(""), count=60)
        with Project.create(small_disk / "project", ["a"]) as project:
            project.add("a", "\n".join(listed))
            path = project.path
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(4096))
            except OSError:
                stream.truncate(stream.tell() - 200_000)  # enough to begin with, not to end

        refused = fetch(path)
        said = " ".join(refused.stderr.split())
        assert refused.returncode == 1, said
        assert "Traceback" not in said
        assert "Free some space" in said
        intact(path)

        filler.unlink()
        finished = fetch(path)
        assert finished.returncode == 0, finished.stderr
        result = result_of(path)
        assert (len(result.images), len(result.failed)) == (48, 12)
        assert temporary_files(path) == []
