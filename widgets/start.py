"""The start page: a new project, a recent one, or the sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from curator.errors import CuratorError, InputError
from curator.project import Project
from curator.review.glance import Glance, glance
from curator.store import ledger
from widgets import recent
from widgets.background import beside
from widgets.panel import Handler, Panel, script


class StartPanel(Panel):
    """Makes or opens a project, and tells beside the form why it could not."""

    _esm = script("start")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            {**handlers, "ready": lambda _: self._shown()},
            recent=[],
            cards={},
            home=str(recent.home()),
            reviewer=_reviewer(),
            errors={},
        )
        self._is_shown = False
        self._round = 0  # of looking into the listed projects
        self._sent = 0  # pictures

    def refresh(self) -> None:
        """Read the list of recent projects again."""
        self.show(recent=recent.listed(), home=str(recent.home()), reviewer=_reviewer())
        if self._is_shown:
            self._look()

    def _shown(self) -> None:
        """A page shows this panel, and holds no picture yet."""
        self._is_shown = True
        self._look()

    def _look(self) -> None:
        """Look into the listed projects, one after the other: each card fills when it is read."""
        self._round += 1
        self._look_on(self._round, [entry["path"] for entry in self.state["recent"]])

    def _look_on(self, looking: int, paths: list[str]) -> None:
        if not paths or looking != self._round:
            return
        path, *rest = paths

        def then(found: Glance | CuratorError) -> None:
            if isinstance(found, Glance):
                self._show_card(path, found)
            else:
                self.show(cards={**self.state["cards"], path: {"problem": str(found)}})
            self._look_on(looking, rest)

        beside(lambda: _glance(path), then, self._handlers["error"])

    def _show_card(self, path: str, found: Glance) -> None:
        ids = list(range(self._sent, self._sent + len(found.pictures)))
        self._sent += len(ids)
        cards = {**self.state["cards"], path: {**found.to_dict(), "pictures": ids}}
        keep = [number for card in cards.values() for number in card.get("pictures", [])]
        message = {"type": "pictures", "ids": ids, "keep": keep}
        self.send(message, buffers=list(found.pictures))
        self.show(cards=cards)

    def create(self, message: dict[str, Any]) -> Project | None:
        """The new project, or None with the reason shown beside the form."""
        try:
            names = _names(message)
            name = str(message.get("name", "")).strip() or ", ".join(names[:NAMED])
            folder = Path(str(message.get("folder") or recent.home())).expanduser()
            if not name:
                raise InputError("The project needs a name, or a class to be called after.")
            signed = str(message.get("reviewer", "")).strip()
            if signed and signed != _reviewer():
                recent.sign(signed)
            if str(message.get("addresses", "")).strip() and not names:
                raise InputError("Say what the pasted images show: name their class.")
            return Project.create(folder / folder_name(name), names, name=name)
        except CuratorError as error:
            self.show(errors={"create": str(error)})
            return None

    def open_project(self, path: str) -> Project | None:
        """The project in ``path``, or None with the reason shown."""
        try:
            return Project.open(path)
        except CuratorError as error:
            self.show(errors={"open": str(error)})
            return None

    def sample(self) -> Project:
        """A new project for the sample, beside earlier ones."""
        for number in range(1, 1000):
            folder = recent.home() / ("sample" if number == 1 else f"sample-{number}")
            if not folder.exists():
                return Project.create(folder, name=folder.name)
        raise InputError("There are 999 samples already.", "Delete some of their folders.")


def _glance(path: str) -> Glance | CuratorError:
    try:
        with Project.open(path) as project:
            return glance(project)
    except CuratorError as error:
        return error


def _reviewer() -> str:
    return recent.reviewer() or ledger.reviewer()


NAMED = 3  # classes that a project without a name is called after


def folder_name(name: str) -> str:
    """A folder's name from what the user calls the project."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.UNICODE).strip("-.") or "project"


def _names(message: dict[str, Any]) -> list[str]:
    text = str(message.get("classes", ""))
    return [part.strip() for part in re.split(r"[\n,;]", text) if part.strip()]
