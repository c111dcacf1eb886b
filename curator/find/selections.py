"""Selections: images that were chosen by hand, kept under a short name, so that an address has it.

A selection is written once, into the project's folder, as a file of ids named by its digest: the
same images, the same name. It is read with its size and its ids checked, since a project may come
from anyone. Nothing is lost where the folder is: the next look says so.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from curator.errors import InputError
from curator.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.store.workspace import Workspace

FOLDER = "selections"
LARGEST = 1 << 27  # bytes: 16 million images
KEPT = 200  # files; the oldest go first
_NAME = re.compile("[0-9a-f]{16}")


def keep(workspace: Workspace, image_ids: NDArray[np.int64]) -> str:
    """Keep images (n,) and return the selection's name, 16 hexadecimal digits.

    Raises InputError for none, ProjectReadOnly, FileError.
    """
    if not len(image_ids):
        raise InputError("Nothing is selected.", "Select images first.")
    workspace.database.require_writable()
    held = np.unique(image_ids).astype("<i8").tobytes()
    name = hashlib.sha256(held).hexdigest()[:16]
    folder = workspace.path / FOLDER
    folder.mkdir(exist_ok=True)
    write_atomic(folder / f"{name}.ids", held)
    for old in sorted(folder.glob("*.ids"), key=_age)[:-KEPT]:
        old.unlink(missing_ok=True)
    return name


def read(workspace: Workspace, name: str) -> NDArray[np.int64]:
    """The images of a selection, (n,), rising. Raises InputError where there is none so named."""
    path = workspace.path / FOLDER / f"{name}.ids"
    if not _NAME.fullmatch(name) or not path.is_file() or path.stat().st_size > LARGEST:
        raise InputError("That selection is not there any more.", "Select again.")
    held = path.read_bytes()
    if len(held) % 8 or hashlib.sha256(held).hexdigest()[:16] != name:
        raise InputError("That selection was altered.", "Select again.")
    return np.frombuffer(held, dtype="<i8").astype(np.int64)


def _age(path: Path) -> float:
    return path.stat().st_mtime
