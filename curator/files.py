"""Writing files so that a kill at any instant leaves either the old file or the new one.

Every file that the curator makes goes through :func:`write_atomic` or :func:`replacing_folder`:
write to a temporary name in the same folder, fsync, rename. Images come by the thousand:
:func:`put_once` renames them, and they are made durable together before they are recorded.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from curator.errors import FileError, TargetNotEmpty
from curator.hashing import sha256_of
from curator.platform import hard_link, process_lives, share_blocks, sync_files, sync_folder


class Readable(Protocol):
    """What bytes are read from: a file's path, or an original (:mod:`curator.store.originals`)."""

    @property
    def name(self) -> str:
        """What messages call it."""
        raise NotImplementedError

    def read_bytes(self) -> bytes:
        """All of it. Raises OSError."""
        raise NotImplementedError


TEMPORARY_PREFIX = ".part-"
_UNFINISHED = re.compile(r"\.(?:part|new)-(\d+)[-.]")
_OF_SCRATCH = re.compile(r"[0-9a-f]{16}\.lock")


def write_atomic(path: Path, data: bytes, private: bool = False) -> None:
    """Write ``data`` to ``path`` in one step that survives a kill.

    ``private``: no other user may read it; otherwise others may, since it may be handed on. Raises
    :class:`FileError` when the disk refuses (full, read-only, no permission).
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if private else 0o666  # less what the umask takes
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unwritten(path, error) from error


def put_once(root: Path, data: bytes, name: str, source: Path | None = None) -> str:
    """Keep ``data`` at ``root``/ab/``name``, and return that relative path.

    ``name`` begins with the content's SHA-256. ``source``: a file on the same disk that holds the
    data; it is moved. What is there already stays, unless it is not whole: a power failure may have
    cut off a file that was never recorded. The caller makes the file durable before it records it
    (:func:`curator.platform.sync_files`). Raises :class:`FileError`.
    """
    relative = Path(name[:2], name)
    path = root / relative
    temporary = source or path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{name}")
    try:
        # No link and no pipe: those would be read, or waited for, in its place.
        if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
            if source:
                source.unlink()
            return relative.as_posix()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not source:
            temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unwritten(path, error) from error
    return relative.as_posix()


def put_file_once(root: Path, source: Path) -> str:
    """Keep a large file at ``root``/ab/SHA-256.suffix as it is now, and return that relative path.

    Where the disk can, it shares its room with ``source``, which may be removed afterwards but not
    changed. What is there already stays, as of :func:`put_once`. Raises :class:`FileError`.
    """
    temporary = root / f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not share_blocks(source, temporary) and not hard_link(source, temporary):
            shutil.copyfile(source, temporary)
        # Of what is kept, whatever happens to the source meanwhile.
        digest = sha256_of(temporary)
        relative = Path(digest[:2], f"{digest}{source.suffix}")
        path = root / relative
        if path.is_file() and not path.is_symlink() and sha256_of(path) == digest:
            temporary.unlink()
            return relative.as_posix()
        path.parent.mkdir(exist_ok=True)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unwritten(root / source.name, error) from error
    return relative.as_posix()


@contextlib.contextmanager
def temporary_folder(root: Path) -> Iterator[Path]:
    """A folder below ``root`` for files on their way to it; removed at the end with all in it.

    Raises :class:`FileError` when it cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=root))
    except OSError as error:
        raise _unwritten(root, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove what writes that were killed left in ``root`` and its subfolders.

    Only for a caller that knows of no other writer.
    """
    for left in (*root.glob(f"{TEMPORARY_PREFIX}*"), *root.glob(f"*/{TEMPORARY_PREFIX}*")):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                left.unlink()


def sweep_dead(project: Path) -> None:
    """Remove what processes that are dead left unfinished in a project's folder.

    The name of an unfinished file tells its process; what a living one writes stays. Originals,
    which are many, are seen to by what fetches them: :func:`sweep`.
    """
    for pattern in (".*", "inbox/.*", "backups/.*", "features/*/.*", "runs/*/.*"):
        for left in project.glob(pattern):
            found = _UNFINISHED.match(left.name)
            if found and left.is_file() and not process_lives(int(found[1])):
                with contextlib.suppress(OSError):
                    left.unlink()


def _unwritten(path: Path, error: OSError) -> FileError:
    return FileError(
        f"{path} could not be written: {error.strerror or error}.",
        "Free some space or choose a folder you may write to, then run it again.",
    )


@contextlib.contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Fill a temporary folder, then rename it to ``target``; on an error nothing is left behind.

    Raises :class:`TargetNotEmpty` when ``target`` exists and is not an empty folder.
    """
    refuse_occupied(target)
    with scratch_folder(target.parent, TEMPORARY_PREFIX, target) as temporary:
        try:
            yield temporary
            # A power failure after the rename must not leave a folder of empty files.
            sync_files([path for path in temporary.rglob("*") if path.is_file()])
            if target.exists():
                target.rmdir()
            os.replace(temporary, target)
            sync_folder(target.parent)
        except OSError as error:
            raise FileError(
                f"{target} could not be written: {error.strerror or error}.",
                "Free some space or choose another folder, then run it again.",
            ) from error


@contextlib.contextmanager
def scratch_folder(
    root: Path, prefix: str, target: Path | None = None, mode: int = 0o777
) -> Iterator[Path]:
    """A new folder in ``root`` whose name begins with ``prefix``; removed at the end, if there.

    What killed processes left there under that prefix is removed first. ``target``: what it is
    for, in an error; ``mode``: less what the umask takes. Raises :class:`FileError`.
    """
    folder = root / f"{prefix}{secrets.token_hex(8)}"
    # The system frees the lock when this process dies: then the folder may go.
    lock = FileLock(root / f"{folder.name}.lock")
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep_killed(root, prefix)
        lock.acquire(timeout=5)
        folder.mkdir(mode)
    except OSError as error:
        _let_go(lock)
        raise FileError(
            f"{target or folder} cannot be made: {error.strerror or error}.",
            "Choose another folder.",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _let_go(lock)


def _sweep_killed(root: Path, prefix: str) -> None:
    """Remove the folders of :func:`scratch_folder` whose process died: nobody holds their locks."""
    for path in root.glob(f"{prefix}*.lock"):
        if path.is_symlink() or not _OF_SCRATCH.fullmatch(path.name.removeprefix(prefix)):
            continue
        lock = FileLock(path)
        with contextlib.suppress(OSError):  # it is held, or another user's
            lock.acquire(timeout=0)
            folder = path.with_suffix("")
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
            _let_go(lock)


def _let_go(lock: FileLock) -> None:
    lock.release()
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()


def refuse_occupied(target: Path) -> None:
    """Raise :class:`TargetNotEmpty` unless ``target`` is absent or an empty folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmpty(
            f"{target} already holds files, and an export never overwrites.",
            "Name a new folder or empty that one first.",
        )
