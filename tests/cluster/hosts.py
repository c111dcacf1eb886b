"""Many hosts on the loopback, each a port of its own, that count how many ask them at a time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hosts:
    """``most``: requests that a host, by its port, had open at a time; ``at_once``: all had."""

    def __init__(self, number: int, latency: float) -> None:
        self.ports: list[int] = []
        self.most: Counter[int] = Counter()
        self.hits: Counter[str] = Counter()
        self.at_once = 0
        self._number, self._latency = number, latency
        self._open: Counter[int] = Counter()
        self._ready, self._end = threading.Event(), asyncio.Event()

    def addresses(self, each: int) -> list[str]:
        """List ``each`` addresses of every host, host by host in turn."""
        return [f"http://127.0.0.1:{port}/{n}.png" for n in range(each) for port in self.ports]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = int(writer.get_extra_info("sockname")[1])
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
                self.hits[f"{port}{target}"] += 1
                self._open[port] += 1
                self.most[port] = max(self.most[port], self._open[port])
                self.at_once = max(self.at_once, self._open.total())
                await asyncio.sleep(self._latency)
                self._open[port] -= 1
                number = self.ports.index(port) * 1000 + int(target[1:].partition(".")[0])
                body = encoded(picture(number, 32))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n")
                writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()

    async def serve(self) -> None:
        """Listen until :meth:`end`."""
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(self._number):
                server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=256)
                stack.push_async_callback(server.wait_closed)
                stack.callback(server.close)
                self.ports.append(server.sockets[0].getsockname()[1])
            self._ready.set()
            await self._end.wait()

    def wait(self) -> None:
        """Until it listens."""
        assert self._ready.wait(30)

    def end(self) -> None:
        """Say that it is over; within the loop."""
        self._end.set()


@contextlib.contextmanager
def listening(number: int, latency: float) -> Iterator[Hosts]:
    """Run that many hosts, which answer after ``latency`` seconds."""
    hosts = Hosts(number, latency)
    loop = asyncio.new_event_loop()

    def run() -> None:
        try:
            loop.run_until_complete(hosts.serve())
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0.1))
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    hosts.wait()
    try:
        yield hosts
    finally:
        loop.call_soon_threadsafe(hosts.end)
        thread.join(30)
