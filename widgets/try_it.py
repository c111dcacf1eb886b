"""Try it: a picture in, the model's answer with its evidence out, and the picture into the project.

Models answer in threads beside the page's loop; pictures are decoded in processes of their own.
What is put into the project takes the way of any upload: the job `import`, one step of undo.
"""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.collect.imports.uploads import Upload
from curator.errors import CuratorError, InputError
from curator.serve.trying import Trial, Tried
from curator.store.ledger_log import steps_of_import
from widgets.background import beside
from widgets.panel import Handler, Panel, script
from widgets.picture_receiver import Content, PictureReceiver
from widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from curator.project import Project
    from curator.store.jobs import Job

SUFFIXES = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"GI": ".gif", b"BM": ".bmp"}


class TryPanel(Panel):
    """``handlers``: go, submit, decided, changed, error. ``folder``: of an exported model."""

    _esm = script("try_it")

    def __init__(self, handlers: dict[str, Handler], folder: str = "") -> None:
        own: dict[str, Handler] = {
            "ready": self._ready,
            "put": self._put,
            "undo_put": self._undo,
            "clear": lambda _: self._clear(),
        }
        self._receiver = PictureReceiver(self._ask, self._refuse)
        super().__init__(
            {**handlers, **self._receiver.handlers, **own},
            alone=bool(folder),
            title=Path(folder).name if folder else "",
            missing=None,
            names=[],
            name="",
            asking=False,
            answer=None,
            error="",
            can_put=False,
            put=None,
        )
        self._folder = folder
        self._project: Project | None = None
        self._trial: Trial | None = None
        self._answers_for: tuple[Any, ...] = ()  # what the trial that is loaded answers from
        self._content = b""
        self._number = 0  # of the picture that is asked about
        self._upload = ""  # key of the one that puts the picture into the project
        self._asking = threading.Lock()  # one thread at a time
        self._sent = Thumbnails(self)

    def refresh(self, project: Project | None, run: int | None = None) -> None:
        """Show whether there is a model to ask; ``run``: the one in use."""
        if project is not self._project:
            self.leave()
            self._project = project
        missing = None
        if not self._folder and run is None:
            missing = {
                "sentence": "There is no model yet: train one, then try it on any picture.",
                "station": "train",
                "title": "Train",
            }
        wanted = (self._folder, run)
        if wanted != self._answers_for:
            self._drop_trial()
            self._answers_for = wanted
        writable = project is not None and project.read_only is None
        names = [] if project is None else project.class_names()
        self.show(missing=missing, names=names, can_put=writable)

    def leave(self) -> None:
        """Let go of the project and of the processes."""
        self._drop_trial()
        self._project, self._answers_for = None, ()
        self._clear()

    def follow(self, job: Job | None) -> None:
        """See whether the picture that was put into the project has arrived."""
        put = self.state["put"]
        if job is None or not put or put["state"] != "on its way":
            return
        if job.arguments.get("upload") != self._upload or job.is_open:
            return
        done = job.state == "done"
        result = job.result or {}
        said = f"It is in the project now, as {put['label']}."
        if done and not result.get("images"):
            done, said = False, str(result.get("sentence", "It was not taken in."))
        elif not done:
            said = job.error or "It was not taken in."
        self.show(put={**put, "state": "done" if done else "failed", "sentence": said})

    def _ready(self, message: dict[str, Any]) -> None:
        self._pictures(anew=True)
        if "shown" in self._handlers:
            self._handlers["shown"](message)

    # Asking

    def _refuse(self, why: str) -> None:
        self.show(asking=False, answer=None, error=why)

    def _ask(self, name: str, content_of: Content) -> None:
        self._number += 1
        number, project, folder = self._number, self._project, self._folder
        if self.state["missing"] is not None or not (project or folder):
            return
        self.show(asking=True, name=name, answer=None, error="", put=None)
        self._pictures()

        def work() -> tuple[bytes, Tried] | CuratorError:
            try:
                content = content_of()
                with self._asking:
                    if self._trial is None:
                        self._trial = Trial(project, Path(folder) if folder else None)
                    return content, self._trial.ask(content)
            except CuratorError as error:
                return error

        def then(answer: tuple[bytes, Tried] | CuratorError) -> None:
            if number != self._number:
                return  # another was asked about meanwhile
            if isinstance(answer, CuratorError):
                self.show(asking=False, error=str(answer))
                return
            self._content, tried = answer
            title = self._trial.title if self._trial is not None else ""
            self.show(asking=False, answer=tried.to_dict(), title=title)
            self.send({"type": "tried"}, buffers=[tried.picture])
            self._pictures()

        def fail(problem: dict[str, Any]) -> None:
            self.show(asking=False)
            self._handlers["error"](problem)

        beside(work, then, fail)

    def _pictures(self, anew: bool = False) -> None:
        answer = self.state["answer"] or {"nearest": ()}
        self._sent.send(self._project, (row["image_id"] for row in answer["nearest"]), anew)

    def _clear(self) -> None:
        self._number += 1
        self._content, self._upload = b"", ""
        self._receiver.forget()
        self.show(asking=False, name="", answer=None, error="", put=None)

    def _drop_trial(self) -> None:
        if self._trial is not None:
            self._trial.close()
            self._trial = None

    # Into the project

    def _put(self, message: dict[str, Any]) -> None:
        """Put the picture into the project as an image of a class; one that is there changes it."""
        project, label, answer = self._project, str(message["label"]), self.state["answer"]
        if project is None or answer is None or self.state["put"] is not None:
            return
        put = {"label": label, "by": "import", "state": "on its way", "sentence": ""}
        if answer["image_id"] is not None:
            if answer["label"] == label:
                said = f"It is in the project already, as {label}."
                self.show(put={**put, "state": "known", "sentence": said})
                return
            decided = project.decide([answer["image_id"]], "relabel", label)
            said = f"It was in the project as {answer['label']}; now it is {label}."
            self.show(put={**put, "by": "decision", "state": "done", "sentence": said})
            self._handlers["decided"]({"batch": decided.batch})
            return
        name, content = _file_name(self.state["name"], self._content), self._content
        upload = Upload(project, secrets.token_hex(8), [(name, len(content))])
        upload.take(0, 0, content)
        upload.finish()
        self._upload = upload.key
        self.show(put=put)
        arguments = {"upload": upload.key, "class_name": label}
        self._handlers["submit"]({"kind": "import", "arguments": arguments})
        upload.discard()  # the job is the reason to keep its image from now on

    def _undo(self, message: dict[str, Any]) -> None:
        """Take back what was put in, if nothing else was done since."""
        project, put = self._project, self.state["put"]
        if project is None or not put or put["state"] != "done":
            return
        if put["by"] == "import" and not steps_of_import(project.database)[0]:
            raise InputError("Something else was done since.", "Undo it in Review.")
        done = project.undo()[0]
        self.show(put=None)
        self._handlers["decided"]({"batch": done.batch})
        self._handlers["changed"](message)


def _file_name(name: str, content: bytes) -> str:
    """A name that an import takes for an image's, by what the content begins with."""
    known = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic")
    if name.lower().endswith(known):
        return name
    return f"{name or 'picture'}{SUFFIXES.get(content[:2], '.jpg')}"
