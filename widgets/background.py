"""Work that takes long, in a thread beside the page's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from widgets.panel import Handler, Panel

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
