"""Work that takes long, in a thread beside the page's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from curator.store.newest import newest
from widgets.panel import Handler, Panel

if TYPE_CHECKING:
    from curator.project import Project

RUNNING: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected


def beside(work: Callable[[], Any], then: Callable[[Any], None], complain: Handler) -> None:
    """Run ``work`` in a thread, then ``then`` with its answer on the event loop that runs.

    What either raises goes to ``complain``.
    """

    async def both() -> None:
        try:
            answer = await asyncio.to_thread(work)
        except Exception as error:  # noqa: BLE001 -- shown on the page by the guard
            problem = error

            def fail() -> None:
                raise problem

            Panel.guard(fail, complain)
        else:
            Panel.guard(lambda: then(answer), complain)

    task = asyncio.get_running_loop().create_task(both())
    RUNNING.add(task)
    task.add_done_callback(RUNNING.discard)


class Counting:
    """Figures of ``project``, counted in a thread: one count at a time, and when the store changed.

    ``figures`` counts; ``show`` is given what it counted, on the page's thread, and ``complain``
    what went wrong, unless the project was left meanwhile.
    """

    def __init__(
        self, figures: Callable[[Project], Any], show: Callable[[Any], None], complain: Handler
    ) -> None:
        self.project: Project | None = None
        self._figures, self._show, self._complain = figures, show, complain
        self._counted: tuple[Any, ...] = ()  # the store as it was
        self._counts = False
        self._again = False  # count once more when this count has ended

    def count(self, anew: bool = False) -> None:
        """Bring the figures up to date if the store changed, or in any case when ``anew``."""
        project = self.project
        assert project is not None
        store = (project.path, newest(project.database))
        if not anew and store == self._counted:
            return
        if self._counts:
            self._again = True
            return
        self._counted, self._counts = store, True

        def end() -> None:
            self._counts = False
            if self._again:
                self._again = False
                if self.project is not None:
                    self.count(anew=True)

        def show(figures: Any) -> None:
            if project is self.project:
                self._show(figures)
            end()

        def fail(message: dict[str, Any]) -> None:
            self._counted = ()
            if project is self.project:  # what failed on one that was left concerns nobody
                self._complain(message)
            end()

        beside(lambda: self._figures(project), show, fail)
