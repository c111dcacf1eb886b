"""A fast web server on the loopback, in a process of its own, for benchmarks of downloading.

    with serving(count=3000, latency=0.1, dead=0.05, hanging=0.05) as urls: ...

It gives small JPEG files that all differ (a comment segment with the number makes the bytes
distinct, ``VARIANTS`` pictures the pixels) under many host addresses 127.0.x.y, as real lists name
many hosts. Of the addresses, a share answers 404 and a share, on hosts of their own, hangs in one
of three ways: silent after accepting, a byte a second for a minute, or stalled in the middle of the
body.
The list is the same for the same arguments. Linux only: other systems own 127.0.0.1 alone.

    python benchmarks/loopback.py [--latency SECONDS]    # prints its port; ends with its input
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import io
import random
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
from datasets import distinct
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIANTS, LARGE_VARIANTS = 64, 4
SIDES, LARGE = (256, 192), 10  # pixels, and how many times as many on each side
GOOD_HOSTS = tuple(f"127.0.1.{n}" for n in range(1, 41))
HANGING_HOSTS = tuple(f"127.0.2.{n}" for n in range(1, 31))
HANGING_WAYS = ("silent", "drip", "stall")
DRIP_SECONDS, DRIPS = 1.0, 60  # a minute, or some peers would wait for hours


@functools.cache
def _picture(variant: int, scale: int = 1) -> bytes:
    """Encode one of the pictures: coarse colours that tell it from the others, and fine grain."""
    rng = np.random.default_rng(variant)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    sides = (SIDES[0] * scale, SIDES[1] * scale)
    smooth = np.asarray(coarse.resize(sides, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.normal(0, 11, smooth.shape).astype(np.int16)
    image = Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=75)
    return packed.getvalue()


def body(number: int, large: bool = False) -> bytes:
    """JPEG file number ``number``: 8 to 10 kB, or a large one of 5 megapixels; no two the same."""
    picture = _picture(number % LARGE_VARIANTS, LARGE) if large else _picture(number % VARIANTS)
    return distinct(picture, f"number {number}")


def addresses(
    port: int, count: int, dead: float = 0.0, hanging: float = 0.0, seed: int = 0
) -> list[str]:
    """List ``count`` addresses, shuffled; ``dead`` and ``hanging`` are shares, 0..1."""
    stuck, gone = round(count * hanging), round(count * dead)
    listed = []
    for number in range(count):
        if number < stuck:
            host = HANGING_HOSTS[number % len(HANGING_HOSTS)]
            way = HANGING_WAYS[number % len(HANGING_WAYS)]
        else:
            host = GOOD_HOSTS[number % len(GOOD_HOSTS)]
            way = "dead" if number < stuck + gone else "image"
        listed.append(f"http://{host}:{port}/{way}/{number}.jpg")
    random.Random(seed).shuffle(listed)
    return listed


@contextlib.contextmanager
def serving(
    count: int,
    latency: float = 0.0,
    dead: float = 0.0,
    hanging: float = 0.0,
    seed: int = 0,
    large: bool = False,
) -> Iterator[list[str]]:
    """Run the server in a process of its own and give the list of addresses.

    ``latency``: seconds before each answer. ``dead``, ``hanging``: shares of the list, 0..1.
    ``large``: photographs of 5 megapixels.
    """
    command = [sys.executable, __file__, "--latency", str(latency), *["--large"] * large]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield addresses(int(process.stdout.readline()), count, dead, hanging, seed)
        finally:
            process.stdin.close()


class _Connection(asyncio.Protocol):
    """One connection, kept alive; requests are GET without a body."""

    def __init__(self, latency: float, large: bool) -> None:
        self._latency, self._large = latency, large
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("ascii", "replace")
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, target)
            else:
                self._answer(target)

    def _answer(self, target: str) -> None:
        if self._transport.is_closing():
            return
        _, way, name = target.split("/")
        if way == "silent":
            return
        if way == "dead":
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        content = body(int(name.split(".")[0]), self._large)
        head = f"Content-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        if way == "image":
            self._transport.write(b"HTTP/1.1 200 OK\r\n" + head + content)
            return
        self._transport.write(b"HTTP/1.1 200 OK\r\n" + head + content[: len(content) // 2])
        if way == "drip":
            self._drip(content[len(content) // 2 :][:DRIPS])

    def _drip(self, rest: bytes) -> None:
        if not rest:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write(rest[:1])
            asyncio.get_running_loop().call_later(DRIP_SECONDS, self._drip, rest[1:])


async def _serve(latency: float, large: bool) -> None:
    """Listen on one port of every host; stop when the standard input ends."""
    loop = asyncio.get_running_loop()
    for variant in range(LARGE_VARIANTS if large else VARIANTS):  # before the first request
        body(variant, large)
    hosts = [*GOOD_HOSTS, *HANGING_HOSTS]
    connection = functools.partial(_Connection, latency, large)
    first = await loop.create_server(connection, "127.0.0.1", 0, backlog=1024)
    port = first.sockets[0].getsockname()[1]
    await loop.create_server(connection, hosts, port, backlog=1024)
    print(port, flush=True)
    ended = asyncio.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await ended.wait()


def main() -> None:
    """Serve until the standard input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--large", action="store_true", help="photographs of 5 megapixels")
    options = parser.parse_args()
    asyncio.run(_serve(options.latency, options.large))


if __name__ == "__main__":
    main()
