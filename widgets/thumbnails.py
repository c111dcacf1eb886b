"""Thumbnails for a panel's script, which holds them: each travels once, as a binary buffer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from curator.collect.pictures import thumbnails_of
from widgets.queue_position import Sent

if TYPE_CHECKING:
    from curator.project import Project
    from widgets.panel import Panel


class Thumbnails:
    """What ``panel`` shows of a project's images, at most some dozens at a time."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._sent = Sent()

    def send(self, project: Project | None, shown: Iterable[int], anew: bool = False) -> None:
        """Send those of the images ``shown`` (ids) that the browser lacks, and drop all others.

        ``anew``: another browser page is looking, and it holds nothing.
        """
        if anew:
            self._sent.forget()
        wanted = sorted(set(shown))
        fresh = self._sent.fresh(wanted)
        if project is None or not fresh:
            return
        found = thumbnails_of(project, fresh)
        message = {"type": "pictures", "ids": list(found), "keep": wanted}
        self._panel.send(message, buffers=list(found.values()))
