"""What an import is to take in: the images of folders, archives, single files and uploads.

Each comes with where it is from, its label, and a way to its bytes. ``root`` and ``origin``
together name a file for good: taking in the same one again changes nothing. For a folder they are
its path and the path below it; for an archive its name with a digest of its content, and the
member; for a file that was uploaded, whose place on the sender's disk is not known, a digest of
the file, and its name. Nothing is entered into the project here.
"""

from __future__ import annotations

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
    """All that was found, and what was not taken."""

    found: list[Found] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)  # names that the expression misses


def from_labels(root: Path, labels: str | None, label_regex: str | None) -> Gathered:
    """The images of a folder, labelled by a table or by an expression on the file name."""
    if labels and label_regex:
        raise InputError("Labels come either from a table or from a regular expression.")
    if not root.is_dir():
        raise _no_folder(root)
    if utf8(str(root)) != str(root):
        raise BadFolder(f"{utf8(str(root))} is not named in UTF-8.", "Rename it and try again.")
    missed: list[str] = []
    refused: list[Refusal] = []
    if labels:
        named = list(from_table(root, Path(labels)))
    else:
        names, refused = _image_files(root)
        named, missed = from_regex(names, label_regex or "")
    return Gathered(_below(root, named), refused, missed)


def from_things(things: Sequence[str], label: str | None, archives: ExitStack) -> Gathered:
    """The images of folders, zip archives and single files.

    ``label``: of all of them; without it the names of folders are the labels. ``archives`` keeps
    opened archives open. Raises BadFolder for a thing that is not there, and for a single file
    without a ``label``.
    """
    gathered = Gathered()
    for path in (Path(thing).expanduser().resolve() for thing in things):
        if utf8(str(path)) != str(path):
            gathered.refused.append(Refusal(utf8(path.name), NOT_UTF8))
        elif path.is_dir():
            names, refused = _image_files(path)
            gathered.refused += refused
            gathered.found += _below(path, _labelled(names, label))
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
    return gathered


def from_upload(folder: Path, label: str | None, archives: ExitStack) -> Gathered:
    """The files of an upload, whatever they are called, and the images of the archives in it."""
    gathered = Gathered()
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
        root = f"upload {sha256_of(path)[:12]}"
        gathered.found.append(Found(root, item.path, item.label, item.split, path))
    return gathered


def _image_files(root: Path) -> tuple[list[str], list[Refusal]]:
    names, refused = image_files(root)
    return names, [Refusal(name, problem) for name, problem in refused]


def _add_archive(gathered: Gathered, path: Path, label: str | None, archives: ExitStack) -> None:
    try:
        archive = archives.enter_context(Archive(path))
    except BadFolder as error:
        gathered.refused.append(Refusal(path.name, error.problem))
        return
    gathered.refused += [Refusal(f"{path.name}: {r.name}", r.problem) for r in archive.refused]
    members = {member.name: member for member in archive.members}
    root = archive.identity()
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
    gathered.refused += [Refusal(place + name, "No folder names its class.") for name in without]
    return found


def _below(root: Path, named: Iterable[Labelled]) -> list[Found]:
    return [Found(str(root), item.path, item.label, item.split, root / item.path) for item in named]


def _no_folder(path: Path) -> BadFolder:
    return BadFolder(
        f"{path} is not a folder, a zip archive or an image.",
        "Name the folder that holds the images.",
    )
