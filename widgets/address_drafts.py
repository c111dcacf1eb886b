"""Addresses that wait to be added: the pasted text, and lists that were dropped.

The text comes once, in pieces, and stays here: what is previewed is what is added. Reading a long
list takes seconds, so it happens beside the page's event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.collect.adding import Added
from curator.collect.imports.uploads import Upload
from curator.errors import CuratorError
from curator.project import Project

SHOWN_REFUSALS = 50
SHOWN_HOSTS = 8


@dataclass
class Drafts:
    """What is not added yet. ``number`` changes with the content, so that late answers are seen."""

    text: str = ""
    number: int = 0
    uploads: list[Upload] = field(default_factory=list)  # whose lists these are
    lists: list[Path] = field(default_factory=list)
    _coming: list[str] = field(default_factory=list)

    def receive(self, piece: str, first: bool, last: bool) -> bool:
        """Take the next piece of the pasted text; return whether it is whole."""
        if first:
            self._coming = []
        self._coming.append(piece)
        if last:
            self.text, self._coming = "".join(self._coming), []
            self.number += 1
        return last

    def hold(self, upload: Upload, lists: list[Path]) -> None:
        """Keep dropped lists until they are added or dropped again."""
        self.uploads.append(upload)
        self.lists += lists
        self.number += 1

    def clear(self) -> None:
        """Forget all of it, and remove the dropped lists."""
        for upload in self.uploads:
            upload.discard()
        self.text, self.lists, self.uploads = "", [], []
        self.number += 1

    def parts(self) -> list[str | Path]:
        """The pasted text, if any, and the lists."""
        return [*([self.text] if self.text.strip() else []), *self.lists]


def previewed(project: Project, class_name: str, part: str | Path) -> dict[str, Any]:
    """What adding ``part`` would do, as plain values for the page."""
    shown: dict[str, Any] = {
        "name": part.name if isinstance(part, Path) else "",
        "error": None,
        **dict.fromkeys(("new", "known", "twice", "refused"), 0),
    }
    try:
        found = project.preview(class_name, part)
    except CuratorError as error:
        return {**shown, "error": str(error)}
    listed = sum(number for _, number in found.hosts)
    return {
        **shown,
        "found": "" if found.kind == "list" else found.found,
        "new": found.new,
        "known": found.known,
        "twice": found.twice,
        "refused": len(found.refused),
        "refusals": refusals(found.refused),
        "other_class": found.other_class,
        "hosts": [list(item) for item in found.hosts[:SHOWN_HOSTS]],
        "more_hosts": len(found.hosts) > SHOWN_HOSTS or listed < found.new - found.embedded,
        "notes": found.notes,
    }


def added_or_not(project: Project, class_name: str, part: str | Path) -> Added | CuratorError:
    """Add ``part``; what is wrong with one list must not keep the others out."""
    try:
        return project.add(class_name, part)
    except CuratorError as error:
        return error


def refusals(refused: Any) -> list[dict[str, Any]]:
    """The first refused lines, each with its number and its problem."""
    return [
        {"line": r.line, "problem": r.problem, "text": r.text[:200]}
        for r in refused[:SHOWN_REFUSALS]
    ]
