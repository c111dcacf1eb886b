"""What an import is to take in: the images of folders, archives, single files and uploads.

Each comes with where it is from, its label, and a way to its bytes. ``root`` and ``origin``
together name a file for good: taking in the same one again changes nothing. For a folder they are
its path and the path below it; for an archive its name with a digest of its content, and the
member; for a file that was uploaded, whose place on the sender's disk is not known, a digest of
the file, and its name. Nothing is entered into the project here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from curator.collect.imports.archives import Archive, Refusal, is_archive
from curator.collect.imports.labels import (
    NOT_UTF8,
    Labelled,
    from_folders,
    from_regex,
    from_table,
    image_files,
    unwrapped,
)
from curator.errors import BadFolder, InputError
from curator.hashing import sha256_of
from curator.phrasing import utf8

NO_CLASS = "No folder names its class."


class Content(Protocol):
    """Something whose bytes can be read: a path, or a member of an archive."""

    def read_bytes(self) -> bytes:
        """Read all of it."""
        ...


@dataclass(frozen=True)
class Found:
    """One file to take in."""

    root: str
    origin: str
    label: str
    split: str | None
    content: Content


@dataclass
class Gathered:
    """All that was found, and what was not taken.

    ``is_preview``: nothing is taken in afterwards, so no file is read for the digest that is its
    ``root``, and looking ends at ``deadline``, a time of :func:`time.monotonic` in seconds.
    """

    found: list[Found] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)  # names that the expression misses
    others: list[Path] = field(default_factory=list)  # files in folders that are no images
    bare: dict[Path, int] = field(default_factory=dict)
    """Folders whose images all lie outside of any class's folder, and how many those are."""
    is_preview: bool = False
    deadline: float = math.inf

    @property
    def is_over(self) -> bool:
        """Whether the time to look is over."""
        return time.monotonic() > self.deadline


def from_labels(
    gathered: Gathered, root: Path, labels: str | None, label_regex: str | None
) -> None:
    """The images of a folder, labelled by a table or by an expression on the file name."""
    if labels and label_regex:
        raise InputError("Labels come either from a table or from a regular expression.")
    if not root.is_dir():
        raise _no_folder(root)
    if utf8(str(root)) != str(root):
        raise BadFolder(f"{utf8(str(root))} is not named in UTF-8.", "Rename it and try again.")
    if labels:
        named = list(from_table(root, Path(labels)))
    else:
        names = _image_files(gathered, root)
        named, gathered.unlabelled = from_regex(names, label_regex or "")
    gathered.found += _below(root, named)


def from_things(
    gathered: Gathered, things: Sequence[str], label: str | None, archives: ExitStack
) -> None:
    """The images of folders, zip archives and single files.

    ``label``: of all of them; without it the names of folders are the labels. ``archives`` keeps
    opened archives open. Raises BadFolder for a thing that is not there, and for a single file
    without a ``label``.
    """
    for path in (Path(thing).expanduser().resolve() for thing in things):
        if utf8(str(path)) != str(path):
            gathered.refused.append(Refusal(utf8(path.name), NOT_UTF8))
        elif path.is_dir():
            names = _image_files(gathered, path)
            labelled = list(_labelled(names, label))
            gathered.found += _below(path, labelled)
            if names and not labelled:
                gathered.bare[path] = len(names)
            if gathered.is_preview and len(labelled) < len(names):
                without = sorted(set(names) - {item.path for item in labelled})
                gathered.refused += [Refusal(name, NO_CLASS) for name in without]
        elif not path.is_file():
            raise _no_folder(path)
        elif is_archive(path):
            _add_archive(gathered, path, label, archives)
        elif label is None:
            raise BadFolder(
                f"{path} is not a folder or a zip archive, so nothing names its class.",
                "Name the class of single files with --class.",
            )
        else:
            gathered.found.append(Found(str(path.parent), path.name, label, None, path))


def from_upload(gathered: Gathered, folder: Path, label: str | None, archives: ExitStack) -> None:
    """The files of an upload, whatever they are called, and the images of the archives in it."""
    loose = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or utf8(name) != name:
            problem = "It is a link." if path.is_symlink() else NOT_UTF8
            gathered.refused.append(Refusal(utf8(name), problem))
        elif is_archive(path):
            _add_archive(gathered, path, label, archives)
        else:
            loose[name] = path
    for item in _unwrapped(gathered, list(loose), label):
        path = loose[item.path]
        root = "" if gathered.is_preview else f"upload {sha256_of(path)[:12]}"
        gathered.found.append(Found(root, item.path, item.label, item.split, path))


def _image_files(gathered: Gathered, root: Path) -> list[str]:
    others = gathered.others if gathered.is_preview else None
    names, refused = image_files(root, others, lambda: gathered.is_over)
    gathered.refused += [Refusal(name, problem) for name, problem in refused]
    return names


def _add_archive(gathered: Gathered, path: Path, label: str | None, archives: ExitStack) -> None:
    try:
        archive = archives.enter_context(Archive(path))
    except BadFolder as error:
        gathered.refused.append(Refusal(path.name, error.problem))
        return
    gathered.refused += [Refusal(f"{path.name}: {r.name}", r.problem) for r in archive.refused]
    members = {member.name: member for member in archive.members}
    root = "" if gathered.is_preview else archive.identity()
    for item in _unwrapped(gathered, list(members), label, f"{path.name}: "):
        found = Found(root, item.path, item.label, item.split, members[item.path])
        gathered.found.append(found)


def _labelled(names: Iterable[str], label: str | None) -> Iterable[Labelled]:
    if label is not None:
        return [Labelled(name, label) for name in names]
    return from_folders(names)


def _unwrapped(
    gathered: Gathered, names: Sequence[str], label: str | None, place: str = ""
) -> list[Labelled]:
    """Label ``names`` below the folder that holds them all; refuse those without a class."""
    whole = {short: name for name, short in unwrapped(names).items()}
    found = [Labelled(whole[item.path], item.label, item.split) for item in _labelled(whole, label)]
    without = sorted(set(names) - {item.path for item in found})
    gathered.refused += [Refusal(place + name, NO_CLASS) for name in without]
    return found


def _below(root: Path, named: Iterable[Labelled]) -> list[Found]:
    return [Found(str(root), item.path, item.label, item.split, root / item.path) for item in named]


def _no_folder(path: Path) -> BadFolder:
    return BadFolder(
        f"{path} is not a folder, a zip archive or an image.",
        "Name the folder that holds the images.",
    )
