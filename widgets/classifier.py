"""The page behind `curator classify`: pictures tried on an exported model, and nothing else.

With a project its images are the evidence, and it takes pictures in as the dashboard does.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import ipywidgets

from curator import worker
from curator.project import Project
from widgets.jobbar import JobBar
from widgets.panel import Handler, Panel
from widgets.try_it import TryPanel

POLL_SECONDS = 0.25


class Classifier:
    """``root`` is the widget to display."""

    def __init__(self, model: str | None = None, project: str | None = None) -> None:
        common: dict[str, Handler] = {
            "go": lambda _: None,
            "changed": lambda _: self.refresh(),
            "decided": lambda _: None,
            "error": lambda message: self.jobbar.complain(message["text"]),
        }
        path = project or os.environ.get("CURATOR_PROJECT") or ""
        self.project = Project.open(path) if path else None
        self.jobbar = JobBar({**common, "cancel": lambda _: None, "again": lambda _: None})
        folder = model or os.environ.get("CURATOR_MODEL") or ""
        self.panel = TryPanel({**common, "submit": self._submit, "shown": self._ready}, folder)
        main = ipywidgets.Box([self.panel]).add_class("cu-main")
        self.root = ipywidgets.Box([main, self.jobbar]).add_class("cu-app").add_class("cu-alone")
        self._poller: asyncio.Future[None] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Show the model."""
        self.panel.refresh(self.project)

    def _ready(self, _: dict[str, Any]) -> None:
        """A page shows this from now on."""
        if self._poller is None and self.project is not None:
            self._poller = asyncio.ensure_future(self._poll(self.project))

    def _submit(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        worker.submit(self.project, message["kind"], message["arguments"])

    async def _poll(self, project: Project) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            Panel.guard(
                lambda: self.panel.follow(self.jobbar.follow(project, "use")),
                lambda message: self.jobbar.complain(message["text"]),
            )
