"""Find: by words, or like a picture from outside; what is found opens as a queue of Review.

A picture's features are computed in a thread beside the page's loop; it is decoded in a process of
its own (:mod:`curator.find.outside`). Before the first check there is nothing to compare with: the
panel offers to compute it, and goes on by itself. Words are a job of the worker, which fetches
their network the first time: what that takes is said beside the field, before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError
from curator.find import likeness, outside, words
from curator.find.features import has_features
from curator.store import jobs
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
            "words": lambda message: self._find(str(message["words"])),
        }
        super().__init__(
            {**handlers, **self._pictures.handlers, **own},
            is_open=False,
            name="",
            asking=False,
            error="",
            needs=None,
            words=None,
            searching="",
            progress="",
        )
        self._project: Project | None = None
        self._number = 0  # of what is looked for

    def adopt(self, project: Project) -> None:
        """Compare with the images of another project."""
        self._close()
        self._project = project

    def ask(self) -> None:
        """Ask for words or a picture."""
        project = self._project
        if project is None:
            return
        self.show(is_open=True, error="", needs=self._lacking(project))
        # It looks up every image, which takes a moment where there are many.
        beside(project.find_needs, self._tell, self._handlers["error"])

    def leave(self) -> None:
        """Let go of the project."""
        self._close()
        self._project = None

    def follow(self, job: Job | None) -> None:
        """Go on when what was waited for is there."""
        if self._project is None or job is None:
            return
        if self.state["searching"] and job.kind == "find":
            self._follow_words(job)
        if self.state["needs"] is None:
            return
        if job.is_open:
            self.show(needs=_WAIT)
        elif self.state["needs"] == _WAIT:
            self.show(needs=self._lacking(self._project), error=job.error or "")

    def _tell(self, needs: words.FindNeeds) -> None:
        """Say what a search by words takes."""
        said = {"sentence": needs.sentence, "can": not needs.package, "untried": words.UNTRIED}
        self.show(words=said)

    def _find(self, given: str) -> None:
        """Open the queue of these words, or have computed first what it lacks."""
        project = self._project
        if project is None or self.state["searching"]:
            return
        self._number += 1
        number = self._number

        def work() -> tuple[str, bool] | CuratorError:
            try:
                text = words.normalised(given)
                return text, words.is_ready(project, text)
            except CuratorError as error:
                return error

        def then(answer: tuple[str, bool] | CuratorError) -> None:
            if number != self._number:
                return
            if isinstance(answer, CuratorError):
                self.show(error=str(answer))
                return
            text, ready = answer
            if ready:
                self._open_words(text)
                return
            self.show(searching=text, progress="", error="")
            try:
                self._handlers["submit"]({"kind": "find", "arguments": {"text": text}})
            except CuratorError as error:
                self.show(searching="", error=str(error))

        beside(work, then, self._handlers["error"])

    def _follow_words(self, job: Job) -> None:
        text = self.state["searching"]
        if job.arguments.get("text") != text:
            return
        if job.is_open:
            of = f" of {job.total}" if job.total else ""
            self.show(progress=f"{job.message}: {job.done}{of}" if job.message else "")
        elif job.state == jobs.DONE:
            self._open_words(text)
        else:
            self.show(searching="", error=job.error or "")

    def _open_words(self, text: str) -> None:
        self._close()
        self._handlers["queue"]({"queue": "words", "like": text})

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
        self.show(searching="", progress="")

    @staticmethod
    def _lacking(project: Project) -> dict[str, str] | None:
        """What has to be there first."""
        if has_features(project):
            return None
        return _COMPUTE if any(item.images for item in project.class_sizes()) else _COLLECT
