"""Work that takes long, in a thread beside the page's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from widgets.panel import Handler, Panel

_TASKS: set[asyncio.Future[None]] = set()  # a task that nobody holds may be collected


def beside(
    work: Callable[[], Any], then: Callable[[Any], None], complain: Handler, at_once: bool
) -> None:
    """Run ``work`` in a thread, then ``then`` with its answer on the event loop.

    What either raises goes to ``complain``. ``at_once``: no page is kept waiting, so do all of it
    here and now.
    """
    if at_once:
        Panel.guard(lambda: then(work()), complain)
        return

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

    task = asyncio.ensure_future(both())
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)
