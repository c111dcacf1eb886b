"""What somebody else made is not trusted: files of a project, and names that become paths.

A project may come from anyone. Its folders and files must be plain ones, since a link would let it
read or overwrite what lies elsewhere and a pipe would wait for ever; and a name that its database
gives becomes a path only here, after its form was checked. Everything that is refused raises
:class:`~curator.errors.ProjectAltered` with the name of the file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from curator.errors import ProjectAltered

ORIGINAL_SUFFIXES = ("jpg", "png", "webp", "gif", "bmp", "tiff", "ppm", "avif")
"""Of stored originals; see :data:`curator.imaging.decoding.SUFFIXES`."""

_ORIGINAL = re.compile(
    r"(?P<path>(?P<first>[0-9a-f]{2})/(?P=first)[0-9a-f]{62}(?P<shard>\.tar)?)"
    rf"(?(shard)/(?P<start>\d{{1,15}})-(?P<size>\d{{1,15}}))\.({'|'.join(ORIGINAL_SUFFIXES)})"
)
_ORIGINALS = "originals"
# How a rollback journal ends that names a further file, for SQLite to delete. It writes one only
# for transactions over several databases, which there are none of here.
_NAMES_ANOTHER_FILE = bytes.fromhex("d9d505f920a163d7")


def inside(folder: Path, name: str) -> Path:
    """The path ``name`` below ``folder``: relative, and without a way out of it."""
    parts = re.split(r"[/\\]", name)
    if any(part in ("", ".", "..") for part in parts) or ":" in parts[0] or "\0" in name:
        raise ProjectAltered(
            f"{name[:200]!r} is no name of a file in {folder}.",
            "The project was altered; do not work on it unless you know who did.",
        )
    return folder.joinpath(*parts)


def original_parts(file: object) -> tuple[str, int, int | None] | None:
    """What the name of a stored original says; None for what is none.

    The path below originals/, the first byte in that file, and the number of bytes, None for all.
    The forms, with a known suffix: ab/SHA-256.suffix for a file of its own, and
    ab/SHA-256.tar/START-SIZE.suffix for a part of a shard.
    """
    named = _ORIGINAL.fullmatch(file) if isinstance(file, str) else None
    if named is None:
        return None
    if not named["shard"]:
        return named[0], 0, None
    return named["path"], int(named["start"]), int(named["size"])


def original_place(originals: Path, file: object) -> tuple[Path, int, int | None]:
    """:func:`original_parts` of what the database calls ``file``; it may be missing.

    Refused: a name of another form, and what is no plain file in a plain folder.
    """
    parts = original_parts(file)
    if parts is None:
        raise ProjectAltered(
            f"The database names {str(file)[:200]!r} as an image, which is no name of an original.",
            "The project was altered: take it from a copy, or delete that image.",
        )
    relative, start, size = parts
    path = originals / relative
    for folder in (originals, path.parent):
        if os.path.lexists(folder) and (problem := not_plain(folder, folder=True)):
            raise _altered(folder, problem)
    return plain_file(path), start, size


def plain_file(path: Path) -> Path:
    """``path``, if it is a plain file or missing."""
    if os.path.lexists(path) and (problem := not_plain(path)):
        raise _altered(path, problem)
    return path


def check_folder(folder: Path) -> None:
    """Refuse a project's folder that holds anything but plain folders and files.

    Looks at everything but the originals themselves, of which there may be many: they are looked
    at when they are used (:func:`original_place`). Nothing is opened but SQLite's rollback
    journals.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        for path in _entries(place):
            is_folder = path.is_dir() and not path.is_symlink()
            problem = not_plain(path, folder=is_folder)
            if problem and os.path.lexists(path):  # others may be at work, and theirs have gone
                raise _altered(path, problem)
            if is_folder:
                if place.name != _ORIGINALS or place.parent != folder:
                    waiting.append(path)
            elif place == folder and path.name.endswith("-journal"):
                _check_journal(path)


def _entries(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:  # gone, or not to be read: then nothing in it will be
        return []


def _check_journal(path: Path) -> None:
    """SQLite deletes the file that a journal names when it rolls back: any file of the user's."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - len(_NAMES_ANOTHER_FILE)))
            end = stream.read()
    except OSError:
        return
    if end == _NAMES_ANOTHER_FILE:
        raise ProjectAltered(
            f"{path} names a further file, which opening the project would delete.",
            "The curator never writes such a journal. Do not open this project; if it is your "
            "own, take it from a copy.",
        )


def not_plain(path: Path, *, folder: bool = False) -> str | None:
    """What ``path`` is instead of a plain file (or ``folder``), in words; None where it is one."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be looked at ({error.strerror or error})"
    if _is_link(path):
        return "is a link"
    if folder:
        return None if stat.S_ISDIR(mode) else "is no plain folder"
    return None if stat.S_ISREG(mode) else "is no plain file"


def _is_link(path: Path) -> bool:
    """Whether it is a symbolic link, or a junction of Windows (which Python knows from 3.12 on)."""
    junction: Callable[[], bool] | None = getattr(path, "is_junction", None)
    return path.is_symlink() or (junction is not None and junction())


def _altered(path: Path, problem: str) -> ProjectAltered:
    return ProjectAltered(
        f"{path} {problem}, and a project holds plain files and folders only.",
        "Put the real one in its place if it is yours. In a project from elsewhere it may be "
        "there to read or overwrite other files.",
    )
