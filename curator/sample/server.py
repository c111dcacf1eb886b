"""Serves the sample over HTTP on the loopback address; part of the demo, and used by tests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from curator.sample.digits import Item


@dataclass(frozen=True)
class Served:
    """A running server: its base address and the items by full address."""

    base: str
    items: dict[str, Item]

    def addresses(self, label: str) -> list[str]:
        """The list of a class, as an image search would give it."""
        return [address for address, item in self.items.items() if item.listed == label]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


@contextlib.contextmanager
def serving(
    items: Sequence[Item], port: int = 0, gate: threading.Event | None = None
) -> Iterator[Served]:
    """Serve ``items`` on 127.0.0.1 (a free port when 0) until the block ends.

    With a ``gate``, those that are answered late wait until it is set, however long they name.
    """
    by_path = {item.path: item for item in items}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            item = by_path.get(self.path)
            status = item.status if item else 404
            body = item.body if item and status == 200 else b"not here"
            if item and item.delay:
                time.sleep(item.delay) if gate is None else gate.wait()
            self.send_response(status)
            self.send_header("Content-Type", item.content_type if item else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """The demo reports for itself."""

    server = _Server(("127.0.0.1", port), Handler)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Served(base, {base + item.path: item for item in items})
    finally:
        if gate is not None:
            gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
