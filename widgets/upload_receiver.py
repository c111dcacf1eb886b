"""The kernel's side of an upload: the page asks, sends pieces, and waits for each to be taken.

The page sends ``upload`` with the names and sizes; the answer is ``go`` with those that are wanted,
or ``stop``. Each ``chunk`` is answered by ``took``, so that neither side holds more than a few
pieces, and the kernel has time for other messages between two of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from curator.collect.imports.uploads import Upload
from curator.errors import CuratorError, InputError
from curator.project import Project

SHOWN_SECONDS = 0.15  # between two pictures of the progress


class Receiving(Protocol):
    """The panel that files are dropped on: what this asks of :class:`widgets.collect.CollectPanel`.

    Its state has ``by_folder``, whether folders name the classes, and ``chosen``, the class.
    """

    project: Project | None
    state: dict[str, Any]

    def show(self, **changes: Any) -> None:
        """Change the state."""

    def send(self, content: Any, /) -> None:
        """Send a message to the page."""

    def fail(self, where: str, error: CuratorError) -> None:
        """Show an error beside its cause."""


class Receiver:
    """One upload at a time.

    ``whole`` is called at its end with it, whether folders name the classes, and the class that
    was chosen at its beginning.
    """

    def __init__(self, panel: Receiving, whole: Callable[[Upload, bool, str | None], None]) -> None:
        self._panel = panel
        self._whole = whole
        self._upload: Upload | None = None
        self._target: tuple[bool, str | None] = (False, None)
        self._shown_at = 0.0

    def begin(self, message: dict[str, Any]) -> None:
        """Agree to an upload, or say why not."""
        panel = self._panel
        assert panel.project is not None
        sent = [(str(file["name"]), int(file["size"])) for file in message["files"]]
        by_folder, label = panel.state["by_folder"], panel.state["chosen"]
        try:
            if self._upload is not None:
                raise InputError("Another upload is running.", "Wait for its end or cancel it.")
            if label is None and not by_folder:
                raise InputError(
                    "There is no class yet.",
                    "Add one, or let folder names be the classes, and drop the files again.",
                )
            self._upload = Upload(panel.project, message["id"], sent)
        except CuratorError as error:
            panel.send({"type": "stop", "id": message["id"]})
            panel.fail("upload", error)
            return
        self._target = by_folder, label
        panel.show(errors={}, taken=None, notices=[])
        self._show(self._upload)
        panel.send({"type": "go", "id": message["id"], "files": list(self._upload.files)})

    def take(self, message: dict[str, Any]) -> None:
        """Write a piece and ask for the next."""
        upload = self._upload
        if upload is None or upload.key != message["id"]:
            return
        try:
            upload.take(int(message["file"]), int(message["offset"]), message["buffers"][0])
        except CuratorError as error:
            self.end(str(error))
            return
        self._panel.send({"type": "took", "id": upload.key})
        if upload.is_whole:
            self._upload = None
            notices = [f"{item['name']}: {item['problem']}" for item in upload.refused]
            self._panel.show(upload=None, notices=notices)
            self._whole(upload, *self._target)
        elif time.monotonic() - self._shown_at > SHOWN_SECONDS:
            self._show(upload)

    def end(self, problem: str | None = None) -> None:
        """Forget the upload that runs: the user asked for it, or ``problem`` came up."""
        upload, self._upload = self._upload, None
        if upload is None:
            return
        upload.discard()
        self._panel.send({"type": "stop", "id": upload.key})
        self._panel.show(upload=None, errors={"upload": problem} if problem else {})

    def _show(self, upload: Upload) -> None:
        self._shown_at = time.monotonic()
        progress = {
            "title": upload.title,
            "done": upload.received,
            "total": upload.total,
            "files": upload.complete,
            "of": len(upload.files),
        }
        self._panel.show(upload=progress)
