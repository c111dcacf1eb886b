"""Writing files so that a kill at any instant leaves either the old file or the new one.

Every file that the curator makes goes through :func:`write_atomic` or :func:`replacing_folder`:
write to a temporary name in the same folder, fsync, rename. Images come by the thousand:
:func:`put_once` renames them, and they are made durable together before they are recorded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from curator.errors import FileError, TargetNotEmpty
from curator.platform import sync_folder

TEMPORARY_PREFIX = ".part-"


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step that survives a kill.

    Raises :class:`FileError` when the disk refuses (full, read-only, no permission).
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
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
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=target.parent))
    except OSError as error:
        raise FileError(
            f"{target} cannot be made: {error.strerror or error}.", "Choose another folder."
        ) from error
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp makes it private; an export is to be shared
        if target.exists():
            target.rmdir()
        os.replace(temporary, target)
        sync_folder(target.parent)
    except OSError as error:
        raise FileError(
            f"{target} could not be written: {error.strerror or error}.",
            "Free some space or choose another folder, then run it again.",
        ) from error
    finally:
        if temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)


def refuse_occupied(target: Path) -> None:
    """Raise :class:`TargetNotEmpty` unless ``target`` is absent or an empty folder."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmpty(
            f"{target} already holds files, and an export never overwrites.",
            "Name a new folder or empty that one first.",
        )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content as 64 hex digits, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
