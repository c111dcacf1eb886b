"""An event loop as a page's kernel has one: messages are handled on it, threads work beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from widgets.background import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable


def on_loop(act: Callable[[], Any]) -> Any:
    """Do ``act`` on an event loop, and return its answer when all that it began has ended."""

    async def whole() -> Any:
        answer = act()
        await ended()
        return answer

    return asyncio.run(whole())


async def ended() -> None:
    """Wait until no work goes on beside the loop; what ends may begin more."""
    while RUNNING:
        await asyncio.wait(set(RUNNING))
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something is so."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def send(panel: Any, **message: Any) -> None:
    """Send a message as the script does, on a loop that runs; what it begins goes on."""
    panel._received(panel, message, [])


def tell(panel: Any, **message: Any) -> None:
    """Send a message as the script does, and wait for what comes of it."""
    on_loop(lambda: send(panel, **message))


def refreshed(panel: Any, *arguments: Any) -> None:
    """Refresh a panel that counts beside the loop, and wait until it shows the figures."""
    on_loop(lambda: panel.refresh(*arguments))
