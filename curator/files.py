"""Writing files so that a kill at any instant leaves either the old file or the new one.

Every file that the curator makes goes through :func:`write_atomic` or :func:`replacing_folder`:
write to a temporary name in the same folder, fsync, rename.
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
        raise FileError(
            f"{path} could not be written: {error.strerror or error}.",
            "Free some space or choose a folder you may write to, then run it again.",
        ) from error


def store_once(root: Path, data: bytes, sha256: str, suffix: str) -> str:
    """Keep ``data`` under its hash below ``root``; return the path relative to ``root``.

    Layout: ``ab/abcdef....jpg``. Content that is already there is not written again.
    """
    relative = Path(sha256[:2], sha256 + suffix)
    path = root / relative
    if not path.exists():
        write_atomic(path, data)
    return relative.as_posix()


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
