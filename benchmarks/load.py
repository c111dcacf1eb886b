"""The clients of a service: so many at once, each asking again as soon as it is answered.

    python load.py PORT CLIENTS REQUESTS FOLDER

Over connections that are kept, with the pictures of FOLDER as bodies. Prints one line of JSON:
requests a second, the median and the 95th percentile in milliseconds, and the statuses. Only the
standard library, since a peer's interpreter runs it, too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any


def load(port: int, clients: int, requests: int, pictures: Path) -> dict[str, Any]:
    """Ask in a process of its own; its figures."""
    command = [sys.executable, __file__, str(port), str(clients), str(requests), str(pictures)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    if set(figures["statuses"]) != {"200"}:
        raise SystemExit(f"The service answered {figures['statuses']}.")
    return figures


async def _client(port: int, bodies: itertools.cycle[bytes], left: list[int], out: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while left[0] > 0:
        left[0] -= 1
        body = next(bodies)
        head = f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        began = time.perf_counter()
        writer.write(head.encode() + body)
        header = await reader.readuntil(b"\r\n\r\n")
        status, *fields = header.decode().split("\r\n")
        length = next(line for line in fields if line.lower().startswith("content-length:"))
        await reader.readexactly(int(length.split(":")[1]))
        out.append((time.perf_counter() - began, status.split()[1]))
    writer.close()


async def _all(port: int, clients: int, requests: int, pictures: Path) -> dict[str, Any]:
    bodies = [file.read_bytes() for file in sorted(pictures.rglob("*.jpg"))[:100]]
    given, left, answers = itertools.cycle(bodies), [requests], list[tuple[float, str]]()
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, given, left, answers) for _ in range(clients)))
    seconds = time.perf_counter() - began
    took = sorted(one for one, _ in answers)
    return {
        "per_second": len(answers) / seconds,
        "median_ms": 1000 * took[len(took) // 2],
        "p95_ms": 1000 * took[int(0.95 * len(took))],
        "statuses": Counter(status for _, status in answers),
    }


if __name__ == "__main__":
    port, clients, requests = map(int, sys.argv[1:4])
    print(json.dumps(asyncio.run(_all(port, clients, requests, Path(sys.argv[4])))))
