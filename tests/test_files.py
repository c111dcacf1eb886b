"""Writing files: whole or not at all, and never over what is there."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curator import platform
from curator.errors import FileError, TargetNotEmpty
from curator.files import put_once, refuse_occupied, replacing_folder, sweep, write_atomic
from curator.hashing import sha256_of
from curator.platform import sync_files


def names(folder: Path) -> list[str]:
    """Give the names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders_and_nothing_else(tmp_path: Path) -> None:
    """The content arrives, folders on the way are made, and no temporary file stays."""
    path = tmp_path / "a" / "b" / "file.bin"
    write_atomic(path, b"first")
    write_atomic(path, b"second")
    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["file.bin"]


def test_what_cannot_be_written_is_a_named_error(tmp_path: Path) -> None:
    """Where the disk refuses, the error names the file, and no temporary file stays."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="could not be written") as caught:
        write_atomic(tmp_path / "file" / "below", b"data")
    assert str(tmp_path / "file" / "below") in caught.value.problem
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "full").mkdir()
    with pytest.raises(FileError):
        write_atomic(tmp_path / "folder", b"data")
    assert names(tmp_path) == ["file", "folder"]


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from curator.errors import FileError
from curator.files import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), bytes(5000))
except FileError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="file sizes are limited the Linux way")
def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """When the disk takes no more, the file from before is still whole, and the error says so."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert "could not be written" in done.stdout
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


WRITER = """
import sys
from pathlib import Path
from curator.files import write_atomic
path = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    write_atomic(path, bytes([number % 256]) * 300_000)
"""


@pytest.mark.slow
def test_a_kill_leaves_one_whole_version(tmp_path: Path) -> None:
    """Killed at any instant, the file is that of one write, never a mixture or a part."""
    path = tmp_path / "file"
    chance = random.Random(1)
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        while not path.exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.1))
        child.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        child.communicate()
        data = path.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1


def test_content_is_stored_once_under_its_hash(tmp_path: Path) -> None:
    """The same content twice is one file, which is not touched again."""
    digest = hashlib.sha256(b"picture").hexdigest()
    first = put_once(tmp_path, b"picture", f"{digest}.png")
    path = tmp_path / first
    before = path.stat()
    assert put_once(tmp_path, b"picture", f"{digest}.png") == first
    after = path.stat()
    assert first == f"{digest[:2]}/{digest}.png"
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert sha256_of(path) == digest
    assert [item for item in tmp_path.rglob("*") if item.is_file()] == [path]


def test_a_file_that_a_power_failure_cut_off_is_replaced(tmp_path: Path) -> None:
    """Under a hash lies its whole content, whatever lay there before."""
    digest = hashlib.sha256(b"picture").hexdigest()
    path = tmp_path / digest[:2] / f"{digest}.png"
    path.parent.mkdir()
    path.write_bytes(b"pict\0\0\0")
    put_once(tmp_path, b"picture", f"{digest}.png")
    assert path.read_bytes() == b"picture"


def test_a_moved_file_leaves_its_place(tmp_path: Path) -> None:
    """Moving to the originals removes the source, also when the content was there already."""
    for name in ("one", "two"):
        source = tmp_path / name
        source.write_bytes(b"picture")
        put_once(tmp_path / "originals", b"picture", "ab.png", source)
        assert not source.exists()
    assert (tmp_path / "originals" / "ab" / "ab.png").read_bytes() == b"picture"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Write down, in their order, what is synced (by inode) and renamed; all of it really is."""
    done: list[tuple[str, int]] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        fsync(handle)
        done.append(("sync", os.fstat(handle).st_ino))

    def renamed(source: str | Path, target: str | Path) -> None:
        replace(source, target)
        done.append(("rename", Path(target).stat().st_ino))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return done


def inode(path: Path) -> int:
    """Give what the operating system knows a file by, whatever it is called."""
    return path.stat().st_ino


def test_a_written_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, disk: list[tuple[str, int]]
) -> None:
    """First the content is synced, then it is renamed, then the folder that names it is synced."""
    path = tmp_path / "a" / "file"
    write_atomic(path, b"content")
    whole = [("sync", inode(path)), ("rename", inode(path)), ("sync", inode(path.parent))]
    assert disk == (whole if os.name == "posix" else whole[:2])


def test_a_folder_that_appeared_stays(tmp_path: Path, disk: list[tuple[str, int]]) -> None:
    """After its rename the folder above is synced, in which its name stands."""
    with replacing_folder(tmp_path / "export") as folder:
        (folder / "file").write_bytes(b"content")
    whole = [("rename", inode(tmp_path / "export")), ("sync", inode(tmp_path))]
    assert disk == (whole if os.name == "posix" else whole[:1])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_files_are_made_durable_one_by_one(
    count: int, tmp_path: Path, disk: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no call for all, each file is synced, and then each folder once."""
    monkeypatch.setattr(platform, "_syncfs", lambda: None)
    paths = [tmp_path / str(number % 2) / str(number) for number in range(count)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"content")
    sync_files(paths)
    files, folders = disk[:count], disk[count:]
    assert files == [("sync", inode(path)) for path in paths]
    expected = {("sync", inode(path.parent)) for path in paths}
    assert set(folders) == (expected if os.name == "posix" else set())
    assert len(folders) == len(set(folders))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux syncs a file system at once")
def test_files_are_made_durable_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux one call syncs the file system on which they lie; what it refuses is an error."""
    real = platform._syncfs()
    assert real is not None
    asked: list[int] = []

    def sync(handle: int) -> int:
        asked.append(os.fstat(handle).st_dev)
        return real(handle)

    monkeypatch.setattr(platform, "_syncfs", lambda: sync)
    path = tmp_path / "file"
    path.write_bytes(b"content")
    sync_files([])
    assert asked == []
    sync_files([path, path])
    assert asked == [path.stat().st_dev]
    monkeypatch.setattr(platform, "_syncfs", lambda: lambda _handle: -1)
    with pytest.raises(OSError, match="refused"):
        sync_files([path])


def test_what_a_kill_left_is_swept(tmp_path: Path) -> None:
    """Temporary files and folders go, at the top and one level below; all else stays."""
    for name in ("ab/.part-1", ".part-2", "ab/kept", ".part-3/7"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["kept"]


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    """The target is there only after the block, with all that was put in, for all to read."""
    target = tmp_path / "deep" / "export"
    with replacing_folder(target) as folder:
        (folder / "one.txt").write_text("1")
        assert not target.exists()
    assert names(target) == ["one.txt"]
    assert names(target.parent) == ["export"]
    if os.name == "posix":
        assert target.stat().st_mode & 0o777 == 0o755


def test_an_empty_folder_may_be_the_target(tmp_path: Path) -> None:
    """Somebody who made the folder beforehand meant this one."""
    target = tmp_path / "export"
    target.mkdir()
    with replacing_folder(target) as folder:
        (folder / "one.txt").write_text("1")
    assert names(target) == ["one.txt"]


@pytest.mark.parametrize("problem", [ValueError("no"), OSError(28, "No space left on device")])
def test_an_error_leaves_nothing_behind(problem: Exception, tmp_path: Path) -> None:
    """After an error inside the block neither the target nor a temporary folder is there."""
    expected = FileError if isinstance(problem, OSError) else ValueError

    def fail_half_way() -> None:
        with replacing_folder(tmp_path / "export") as folder:
            (folder / "half.txt").write_text("half")
            raise problem

    with pytest.raises(expected, match="No space left" if expected is FileError else "no"):
        fail_half_way()
    assert names(tmp_path) == []


def test_files_that_came_meanwhile_are_kept(tmp_path: Path) -> None:
    """If somebody fills the target while the export runs, theirs stays and ours is given up."""
    target = tmp_path / "export"

    def be_overtaken() -> None:
        with replacing_folder(target) as folder:
            (folder / "ours.txt").write_text("ours")
            target.mkdir()
            (target / "theirs.txt").write_text("theirs")

    with pytest.raises(FileError):
        be_overtaken()
    assert names(tmp_path) == ["export"]
    assert names(target) == ["theirs.txt"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_an_occupied_target_is_refused(kind: str, tmp_path: Path) -> None:
    """A folder with anything in it, or a file, is no target; it stays as it is."""
    target = tmp_path / "target"
    if kind == "folder":
        target.mkdir()
        (target / ".hidden").write_text("mine")
    else:
        target.write_text("mine")
    with pytest.raises(TargetNotEmpty, match="never overwrites"):
        refuse_occupied(target)
    with pytest.raises(TargetNotEmpty), replacing_folder(target):
        pytest.fail("the block must not run")
    assert names(tmp_path) == ["target"]
    assert (target / ".hidden" if kind == "folder" else target).read_text() == "mine"


def test_a_target_that_cannot_be_made_is_a_named_error(tmp_path: Path) -> None:
    """A target below a file cannot be made, and the error says which."""
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(FileError, match="cannot be made"),
        replacing_folder(tmp_path / "file" / "export"),
    ):
        pytest.fail("the block must not run")


def test_hash_of_a_file_of_several_pieces(tmp_path: Path) -> None:
    """Files are hashed piece by piece, with the result of hashing them whole."""
    data = random.Random(0).randbytes((1 << 20) + 17)
    (tmp_path / "file").write_bytes(data)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()
