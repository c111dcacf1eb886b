"""What an import would take in, shown before it does: of a folder that was named, or of a drop.

An upload that adds no class, skips nothing and is no more than the project can well take goes
straight in: it is one step of undo. Files of one that waits for an answer stay where they are, and
this page's lock on them keeps other pages from clearing them away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from curator.collect.adding import Added
from curator.collect.imports.preview import ImportPreview
from curator.collect.imports.uploads import Upload
from curator.errors import CuratorError
from curator.project import Project
from widgets.background import beside
from widgets.panel import Handler


class Offering(Protocol):
    """The panel that shows the offers: what this asks of :class:`widgets.collect.CollectPanel`."""

    project: Project | None

    def show(self, **changes: Any) -> None:
        """Change the state."""

    def show_added(self, added: list[Added]) -> None:
        """Show what lists of addresses gave."""

    def fail(self, where: str, error: CuratorError) -> None:
        """Show an error beside its cause."""


@dataclass
class Offer:
    """An import that waits: ``arguments`` of the job; ``preview``: None while it is made."""

    title: str
    arguments: dict[str, Any]
    upload: Upload | None = None
    preview: ImportPreview | None = None

    def drop(self) -> None:
        """Remove what came for it."""
        if self.upload is not None:
            self.upload.remove_images()
            self.upload.discard()


class Offers:
    """The imports that wait for an answer. ``submit`` is given the arguments of one to be made."""

    def __init__(
        self, panel: Offering, submit: Callable[[dict[str, Any]], None], complain: Handler
    ) -> None:
        self._panel = panel
        self._submit = submit
        self._complain = complain
        self._offers: dict[str, Offer] = {}
        self._number = 0

    def folder(self, folder: str, labels: str | None, label_regex: str | None) -> None:
        """Look at a folder or archive on this machine."""
        arguments = {"folder": folder, "labels": labels, "label_regex": label_regex}
        self._look(Offer(folder, arguments), folder, labels=labels, label_regex=label_regex)

    def dropped(self, upload: Upload, class_name: str | None) -> None:
        """Look at the images of an upload that has come; ``class_name`` None: folders say it."""
        arguments = {"upload": upload.key, "class_name": class_name}
        self._look(Offer(upload.title, arguments, upload), **arguments)

    def take(self, key: str) -> None:
        """Make the import."""
        offer = self._offers.pop(key, None)
        if offer is None:
            return  # a second click
        self._shown()
        self._take(offer)

    def add_lists(self, key: str) -> None:
        """Add what the lists beside a folder's images name, each to the class of its name."""
        offer, project = self._offers.get(key), self._panel.project
        if offer is None or offer.preview is None or offer.upload is not None or project is None:
            return
        preview, folder = offer.preview, Path(offer.title).expanduser()
        named = {item.path: item.class_name for item in preview.lists if item.class_name}

        def work() -> list[Added] | CuratorError:
            added = []
            try:
                for path, name in named.items():
                    is_new = name not in project.class_names()
                    added.append(project.add(name, folder / path, path, is_new))
            except CuratorError as error:
                return error
            return added

        def then(answer: list[Added] | CuratorError) -> None:
            if isinstance(answer, CuratorError):
                self._panel.fail("import", answer)
                return
            rest = tuple(item for item in preview.lists if item.path not in named)
            offer.preview = replace(preview, lists=rest)
            self._shown()
            self._panel.show_added(answer)

        beside(work, then, self._complain)

    def leave(self, key: str) -> None:
        """Do not make it."""
        offer = self._offers.pop(key, None)
        if offer is not None:
            offer.drop()
        self._shown()

    def clear(self) -> None:
        """Drop all."""
        for key in list(self._offers):
            self.leave(key)

    def _look(self, offer: Offer, *things: str, **arguments: Any) -> None:
        project = self._panel.project
        assert project is not None
        self._number += 1
        key = str(self._number)
        self._offers[key] = offer
        self._shown()

        def then(answer: ImportPreview | CuratorError) -> None:
            if key not in self._offers:
                return  # left meanwhile
            if isinstance(answer, CuratorError):
                self.leave(key)
                self._panel.fail("import" if offer.upload is None else "upload", answer)
            elif offer.upload is not None and _needs_no_look(answer):
                self.take(key)
            else:
                offer.preview = answer
                self._shown()

        def work() -> ImportPreview | CuratorError:
            try:
                return project.preview_import(*things, **arguments)
            except CuratorError as error:
                return error

        def fail(problem: dict[str, Any]) -> None:
            self.leave(key)
            self._complain(problem)

        beside(work, then, fail)

    def _take(self, offer: Offer) -> None:
        self._submit(offer.arguments)
        if offer.upload is not None:
            offer.upload.discard()  # the job is the reason to keep its images from now on

    def _shown(self) -> None:
        self._panel.show(
            offers=[
                {
                    "key": key,
                    "title": offer.title,
                    "is_upload": offer.upload is not None,
                    "preview": None if offer.preview is None else offer.preview.to_dict(),
                }
                for key, offer in self._offers.items()
            ]
        )


def _needs_no_look(preview: ImportPreview) -> bool:
    adds_classes = any(item.is_new for item in preview.classes)
    return not (preview.warnings or preview.skipped or preview.lists or adds_classes)
