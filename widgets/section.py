"""What the panels beside the gallery share: each is a section that folds.

A section counts only while it is open, and only when the store changed since it last did: what is
folded costs nothing, and most refreshes find nothing to do. It counts beside the page's loop: a key
pressed in the gallery meanwhile does not wait.
"""

from __future__ import annotations

from typing import Any

from curator.project import Project
from widgets.background import Counting
from widgets.panel import Handler, Panel


class Beside(Panel):
    """A section that folds. Subclasses give their part of the state in :meth:`figures`."""

    def __init__(self, handlers: dict[str, Handler], *, opened: bool, **state: Any) -> None:
        own: dict[str, Handler] = {"open": lambda message: self._fold(bool(message["open"]))}
        super().__init__({**handlers, **own}, opened=opened, counted=False, **state)
        self._opened = opened
        self._counting = Counting(self.figures, self._show, handlers.get("error", lambda _: None))

    @property
    def project(self) -> Project:
        """The project on show. Only what the page asks for after the first refresh needs it."""
        assert self._counting.project is not None
        return self._counting.project

    def refresh(self, project: Project) -> None:
        """Show the project as it is now; while the section is folded, when it is opened."""
        self._counting.project = project
        if self._opened:
            self.count()

    def count(self, anew: bool = False) -> None:
        """Bring the figures up to date if the store changed, or in any case when ``anew``."""
        self._counting.count(anew)

    def _show(self, figures: dict[str, Any]) -> None:
        self.show(**figures, counted=True)
        self.shown()

    def figures(self, project: Project) -> dict[str, Any]:
        """The part of the state that comes from the store; called in a thread."""
        raise NotImplementedError

    def shown(self) -> None:
        """Do what belongs to fresh figures, on the page's thread."""

    def _fold(self, opened: bool) -> None:
        self._opened = opened
        if opened and self._counting.project is not None:
            self.count()
