"""The station Check: what is wrong with the data before training."""

from __future__ import annotations

from typing import Any

from curator.check.report import report
from curator.project import Project
from curator.store import tags
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails

EXAMPLES = 6  # pictures of each problem


class CheckPanel(Panel):
    """Shows the report; checking again goes to the worker."""

    _esm = script("check")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {"ready": lambda _: self._pictures(anew=True)}
        super().__init__({**handlers, **own}, report=None, names=[], looks=[], busy=False)
        self._project: Project | None = None
        self._sent = Thumbnails(self)

    def refresh(self, project: Project, busy: bool, shown: bool) -> None:
        """Report on the data as it stands; with names and pictures while the panel is ``shown``."""
        self._project = project
        told = report(project)
        found: dict[str, Any] | None = told.to_dict() if told.images else None
        self.show(report=found, busy=busy)
        if not shown:
            return
        names = project.class_names()
        looks = [
            {"label": name, "tags": seen.to_dict("records")}
            for name, seen in tags.counts_by_label(project.database, names).items()
        ]
        self.show(names=names, looks=looks)
        self._pictures()

    def _pictures(self, anew: bool = False) -> None:
        problems = (self.state["report"] or {}).get("problems", ())
        self._sent.send(self._project, (i for p in problems for i in p["images"][:EXAMPLES]), anew)

    @property
    def problems(self) -> int:
        """Kinds of things to look at, 0 before there is anything to check."""
        found = self.state["report"]
        return 0 if found is None else len(found["problems"])
