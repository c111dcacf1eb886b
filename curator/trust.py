"""What somebody else made is not trusted: files of a project, and names that become paths.

A project may come from anyone. Its folders and files must be plain ones, since a link would let it
read or overwrite what lies elsewhere and a pipe would wait for ever; and a name that its database
gives becomes a path only here, after its form was checked. Everything that is refused raises
:class:`~curator.errors.ProjectAltered` with the name of the file.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

from curator.errors import ProjectAltered

ORIGINAL_SUFFIXES = ("jpg", "png", "webp", "gif", "bmp", "tiff", "ppm", "avif")
"""Of stored originals; see :data:`curator.collect.decoding.SUFFIXES`."""

_ORIGINAL = re.compile(rf"([0-9a-f]{{2}})/\1[0-9a-f]{{62}}\.({'|'.join(ORIGINAL_SUFFIXES)})")
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


def is_original_name(file: object) -> bool:
    """Whether ``file`` has the form of a stored original: ab/SHA-256.suffix, a known suffix."""
    return isinstance(file, str) and _ORIGINAL.fullmatch(file) is not None


def original_path(originals: Path, file: object) -> Path:
    """The path of a stored original that the database calls ``file``; it may be missing.

    Refused: a name of another form, and what is no plain file in a plain folder.
    """
    if not is_original_name(file):
        raise ProjectAltered(
            f"The database names {str(file)[:200]!r} as an image, which is no name of an original.",
            "The project was altered: take it from a copy, or delete that image.",
        )
    path = originals / str(file)
    for folder in (originals, path.parent):
        _plain(folder, stat.S_ISDIR, "folder")
    return _plain(path, stat.S_ISREG, "file")


def plain_file(path: Path) -> Path:
    """``path``, if it is a plain file or missing."""
    return _plain(path, stat.S_ISREG, "file")


def check_folder(folder: Path) -> None:
    """Refuse a project's folder that holds anything but plain folders and files.

    Looks at everything but the originals themselves, of which there may be many: they are looked
    at when they are used (:func:`original_path`). Nothing is opened but SQLite's rollback journals.
    """
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        for path in _entries(place):
            try:
                mode = path.lstat().st_mode
            except OSError:  # others may be at work here: a file of theirs went meanwhile
                continue
            if _is_link(path) or not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise _not_plain(path, "file or folder")
            if stat.S_ISDIR(mode):
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


def _plain(path: Path, is_kind: Callable[[int], bool], kind: str) -> Path:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return path
    except OSError as error:
        raise ProjectAltered(f"{path} cannot be looked at: {error.strerror or error}.") from error
    if _is_link(path) or not is_kind(mode):
        raise _not_plain(path, kind)
    return path


def _is_link(path: Path) -> bool:
    """Whether it is a symbolic link, or a junction of Windows (which Python knows from 3.12 on)."""
    junction: Callable[[], bool] | None = getattr(path, "is_junction", None)
    return path.is_symlink() or (junction is not None and junction())


def _not_plain(path: Path, kind: str) -> ProjectAltered:
    what = "is a link" if _is_link(path) else f"is no plain {kind}"
    return ProjectAltered(
        f"{path} {what}, and a project holds plain files and folders only.",
        "Put the real one in its place if it is yours. In a project from elsewhere it may be "
        "there to read or overwrite other files.",
    )
