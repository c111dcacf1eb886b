"""Files that are made once per machine and kept in the user's cache folder.

Each is checked by its hash at every use and made again when it is missing or altered, so deleting
the folder costs time and loses nothing. It knows nothing of networks.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from platformdirs import user_cache_dir

from curator.errors import FileError
from curator.files import write_atomic
from curator.hashing import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE_VARIABLE = "CURATOR_CACHE"

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where graphs and weights are kept: ``$CURATOR_CACHE``, else the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_dir("curator"))


def derived_file(
    name: str, make: Callable[[], bytes], note: Callable[[str], None] = lambda _text: None
) -> Path:
    """A file that is made from a backbone's weights by ``make``, kept under ``name``.

    ``note`` gets a sentence for the user when the file was there but altered. Raises
    :class:`~curator.errors.FileError` where the cache folder cannot be used.
    """
    path, recorded = _places(name)
    if _intact(path, recorded):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            # Another process may have made it while this one waited.
            if not _intact(path, recorded):
                if path.exists() and recorded.exists():
                    said = f"{path} was altered on disk; it was made again from the weights."
                    _log.warning(said)
                    note(said)
                # The hash goes last: a kill between the two leaves a file that is made anew.
                recorded.unlink(missing_ok=True)
                write_atomic(path, make())
                write_atomic(recorded, sha256_of(path).encode())
    except OSError as error:
        raise cache_unusable(path.parent, error) from error
    return path


def is_made(name: str) -> bool:
    """Whether :func:`derived_file` would find such a file, if it is not altered."""
    return all(path.exists() for path in _places(name))


def _places(name: str) -> tuple[Path, Path]:
    """The file and where its SHA-256 is recorded."""
    path = cache_folder() / "encoders" / name
    return path, path.with_suffix(".sha256")


def cache_unusable(folder: Path, error: OSError) -> FileError:
    """What to say when the cache folder refuses."""
    return FileError(
        f"The cache folder {folder} cannot be used: {error.strerror or error}.",
        f"Free some space, or set {CACHE_VARIABLE} to a folder that you may write to.",
    )


def _intact(path: Path, recorded: Path) -> bool:
    try:
        return recorded.read_text("utf-8") == sha256_of(path)
    except (FileNotFoundError, UnicodeDecodeError):
        return False
