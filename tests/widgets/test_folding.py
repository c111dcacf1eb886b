"""How a section beside the gallery counts on a page: in a thread, one count at a time."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from curator.errors import InputError
from tests.widgets.kernel import send, until
from tests.widgets.test_section import handlers
from widgets.classes import ClassesPanel

if TYPE_CHECKING:
    from curator.project import Project


class Gated(ClassesPanel):
    """Counts once it is let, and fails the first time if it is told to."""

    def __init__(self, heard: list[dict[str, Any]], fail: bool = False) -> None:
        super().__init__({**handlers(heard), "error": heard.append})
        self.gate, self.counts, self.fail = threading.Event(), 0, fail

    def figures(self, project: Project) -> dict[str, Any]:
        """Wait for the gate."""
        assert self.gate.wait(20)
        self.counts += 1
        if self.fail:
            self.fail = False
            raise InputError("The figures are off.")
        return super().figures(project)


def test_a_count_does_not_hold_up_the_page(small: Project) -> None:
    """On a page it runs in a thread; all that comes meanwhile is one more count, after it."""
    heard: list[dict[str, Any]] = []

    async def page() -> None:
        panel = Gated(heard)
        panel.refresh(small)
        send(panel, do="open", open=True)
        for name in ("fox", "hen", "ant"):
            small.new_class(name)
            panel.refresh(small)
        assert not panel.state["counted"]
        panel.gate.set()
        await until(lambda: panel.counts == 2 and len(panel.state["classes"]) == 6)
        panel.refresh(small)
        assert panel.counts == 2

    asyncio.run(page())


def test_a_count_that_fails_is_told_and_tried_again(small: Project) -> None:
    """The error reaches the page, and the next refresh counts."""
    heard: list[dict[str, Any]] = []

    async def page() -> None:
        panel = Gated(heard, fail=True)
        panel.gate.set()
        panel.refresh(small)
        send(panel, do="open", open=True)
        await until(lambda: len(heard) == 1)
        assert heard[0]["text"] == "The figures are off."
        panel.refresh(small)
        await until(lambda: panel.state["counted"])

    asyncio.run(page())
