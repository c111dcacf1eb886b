"""The start page: a new project, a recent one, or the sample."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from curator.errors import CuratorError, InputError
from curator.project import Project
from curator.store import ledger
from widgets import recent
from widgets.panel import Handler, Panel, script


class StartPanel(Panel):
    """Makes or opens a project, and tells beside the form why it could not."""

    _esm = script("start")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers, recent=[], home=str(recent.home()), reviewer=_reviewer(), errors={}
        )

    def refresh(self) -> None:
        """Read the list of recent projects again."""
        self.show(recent=recent.listed(), home=str(recent.home()), reviewer=_reviewer())

    def create(self, message: dict[str, Any]) -> Project | None:
        """The new project, or None with the reason shown beside the form."""
        try:
            name = str(message.get("name", "")).strip()
            folder = Path(str(message.get("folder") or recent.home())).expanduser()
            if not name:
                raise InputError("The project needs a name.")
            signed = str(message.get("reviewer", "")).strip()
            if signed and signed != _reviewer():
                recent.sign(signed)
            return Project.create(folder / folder_name(name), _names(message), name=name)
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


def _reviewer() -> str:
    return recent.reviewer() or ledger.reviewer()


def folder_name(name: str) -> str:
    """A folder's name from what the user calls the project."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.UNICODE).strip("-.") or "project"


def _names(message: dict[str, Any]) -> list[str]:
    text = str(message.get("classes", ""))
    return [part.strip() for part in re.split(r"[\n,;]", text) if part.strip()]
