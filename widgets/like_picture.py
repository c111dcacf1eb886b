"""Like a picture: one from outside in, and the images most like it open as a queue of Review.

Its features are computed in a thread beside the page's loop; it is decoded in a process of its own
(:mod:`curator.find.outside`). Before the first check there is nothing to compare with: the panel
offers to compute it, and goes on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError
from curator.find import likeness, outside
from curator.find.features import has_features
from widgets.background import beside
from widgets.panel import Handler, Panel, script
from widgets.picture_receiver import Content, PictureReceiver

if TYPE_CHECKING:
    from curator.project import Project
    from curator.store.jobs import Job

_COLLECT = {"sentence": "There are no images to compare with yet.", "title": "Collect some"}
_COMPUTE = {
    "sentence": "The images have no features yet, by which pictures are compared.",
    "title": "Compute them",
}
_WAIT = {"sentence": "The features are being computed; the bar below says how far.", "title": ""}


class LikePanel(Panel):
    """``handlers``: queue, go, submit, error."""

    _esm = script("like_picture")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._pictures = PictureReceiver(self._look, lambda why: self.show(asking=False, error=why))
        own: dict[str, Handler] = {
            "close": lambda _: self._close(),
            "needed": lambda _: self._need(),
        }
        super().__init__(
            {**handlers, **self._pictures.handlers, **own},
            is_open=False,
            name="",
            asking=False,
            error="",
            needs=None,
        )
        self._project: Project | None = None
        self._number = 0  # of the picture that is looked at

    def adopt(self, project: Project) -> None:
        """Compare with the images of another project."""
        self._close()
        self._project = project

    def ask(self) -> None:
        """Ask for a picture."""
        if self._project is not None:
            self.show(is_open=True, error="", needs=self._lacking(self._project))

    def leave(self) -> None:
        """Let go of the project."""
        self._close()
        self._project = None

    def follow(self, job: Job | None) -> None:
        """Go on when the features that were waited for are there."""
        if self._project is None or self.state["needs"] is None or job is None:
            return
        if job.is_open:
            self.show(needs=_WAIT)
        elif self.state["needs"] == _WAIT:
            self.show(needs=self._lacking(self._project), error=job.error or "")

    def _need(self) -> None:
        """Do what lacks: compute features, or collect images first."""
        if self.state["needs"] == _COMPUTE:
            self._handlers["submit"]({"kind": "check", "arguments": {}})
        else:
            self._close()
            self._handlers["go"]({"station": "collect"})

    def _look(self, name: str, content_of: Content) -> None:
        project = self._project
        if project is None or self.state["needs"] is not None:
            return
        self._number += 1
        number = self._number
        self.show(asking=True, name=name, error="")

        def work() -> str | CuratorError:
            try:
                return outside.take_in(project, content_of())
            except CuratorError as error:
                return error

        def then(answer: str | CuratorError) -> None:
            if number != self._number:
                return  # another was given, or none is asked for any more
            if isinstance(answer, CuratorError):
                self.show(asking=False, error=str(answer))
                return
            self._close()
            self._handlers["queue"]({"queue": "similar", "like": likeness.written((), [answer])})

        def fail(problem: dict[str, Any]) -> None:
            self.show(asking=False)
            self._handlers["error"](problem)

        beside(work, then, fail)

    def _close(self) -> None:
        self._number += 1
        self._pictures.forget()
        self.show(is_open=False, asking=False, name="", error="", needs=None)

    @staticmethod
    def _lacking(project: Project) -> dict[str, str] | None:
        """What has to be there first."""
        if has_features(project):
            return None
        return _COMPUTE if any(item.images for item in project.class_sizes()) else _COLLECT
