"""What the panels beside the gallery share: each is a section that folds.

A section counts only while it is open, and only when the store changed since it last did: what is
folded costs nothing, and most refreshes find nothing to do. It counts in a thread, one count at a
time: a key pressed in the gallery meanwhile does not wait.
"""

from __future__ import annotations

from typing import Any

from curator.project import Project
from curator.store.newest import newest
from widgets.background import beside
from widgets.panel import Handler, Panel


class Beside(Panel):
    """A section that folds. Subclasses give their part of the state in :meth:`figures`."""

    def __init__(self, handlers: dict[str, Handler], *, opened: bool, **state: Any) -> None:
        own: dict[str, Handler] = {"open": lambda message: self._fold(bool(message["open"]))}
        super().__init__({**handlers, **own}, opened=opened, counted=False, **state)
        self._opened = opened
        self._project: Project | None = None
        self._counted: tuple[Any, ...] = ()  # the store as it was
        self._counting = False
        self._again = False  # count once more when this count has ended

    @property
    def project(self) -> Project:
        """The project on show. Only what the page asks for after the first refresh needs it."""
        assert self._project is not None
        return self._project

    def refresh(self, project: Project) -> None:
        """Show the project as it is now; while the section is folded, when it is opened."""
        self._project = project
        if self._opened:
            self.count()

    def count(self, anew: bool = False) -> None:
        """Bring the figures up to date if the store changed, or in any case when ``anew``."""
        project, store = self.project, (self.project.path, newest(self.project.database))
        if not anew and store == self._counted:
            return
        if self._counting:
            self._again = True
            return
        self._counted, self._counting = store, True
        complain: Handler = self._handlers.get("error", lambda _: None)

        def end() -> None:
            self._counting = False
            if self._again:
                self._again = False
                self.count(anew=True)

        def show(figures: dict[str, Any]) -> None:
            if project is self._project:
                self.show(**figures, counted=True)
                self.shown()
            end()

        def fail(message: dict[str, Any]) -> None:
            self._counted = ()
            if project is self._project:  # what failed on one that was left concerns nobody
                complain(message)
            end()

        beside(lambda: self.figures(project), show, fail)

    def figures(self, project: Project) -> dict[str, Any]:
        """The part of the state that comes from the store; called in a thread."""
        raise NotImplementedError

    def shown(self) -> None:
        """Do what belongs to fresh figures, on the page's thread."""

    def _fold(self, opened: bool) -> None:
        self._opened = opened
        if opened and self._project is not None:
            self.count()
