"""The hostile server: real sockets and threads, with or without TLS."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.collect.hostile.answers import ACTING, PROPER, RAW, Headers
from tests.collect.hostile.files import BODIES, picture

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator


class Request(http.server.BaseHTTPRequestHandler):
    """One connection; the path decides what happens."""

    protocol_version = "HTTP/1.1"
    server: Hostile

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        """Answer; the client may leave at any time, as it should."""
        self.server.note(self)
        try:
            self._answer(self.path.split("?")[0])
        except OSError:
            self.close_connection = True

    def _answer(self, path: str) -> None:
        if self.server.latency:
            time.sleep(self.server.latency)
        if path in BODIES:
            self.send(BODIES[path])
        elif path.startswith("/number/"):
            self.send(picture(64 + int(path[8:].split(".", maxsplit=1)[0]) % 200, 64))
        elif path == "/large.bmp":
            self.send(picture(2_000, 2_000, "BMP"))  # 12 MB
        elif path in PROPER or (path := "/" + path.split("/")[1]) in PROPER:
            status, headers, body = PROPER[path]
            self.send(body, status, headers)
        elif path in RAW:
            self._raw(*RAW[path])
        else:
            ACTING[path](self)

    def send(self, body: bytes, status: int = 200, headers: Headers = ()) -> None:
        """Answer as a decent server would."""
        self.send_response(status)
        if "Content-Type" not in dict(headers):
            self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _raw(self, once: bytes, again: bytes) -> None:
        self.close_connection = True
        self.wfile.write(once)
        while again and not self.server.closing.is_set():
            self.wfile.write(again)

    def drip(self, start: bytes) -> None:
        """Send ``start``, then a byte now and then."""
        self.close_connection = True
        self.wfile.write(start)
        for _ in range(400):
            self.wfile.write(b"x")
            self.pause(0.05)

    def pause(self, seconds: float) -> None:
        """Wait, unless the server closes."""
        self.server.closing.wait(seconds)

    @property
    def first_time(self) -> bool:
        """Whether nobody asked for this path before."""
        return self.server.hits[self.path] == 1


class Hostile(http.server.ThreadingHTTPServer):
    """The server; ``hits`` counts requests by path, ``heard`` keeps (path, headers).

    ``connections``: how many were accepted.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, latency: float = 0.0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.latency = latency
        self.scheme = "http" if tls is None else "https"
        self.closing = threading.Event()
        self.connections = 0
        self.hits: Counter[str] = Counter()
        self.heard: list[tuple[str, dict[str, str]]] = []
        self._lock = threading.Lock()

    def get_request(self) -> Any:
        """Accept a connection."""
        accepted = super().get_request()
        self.connections += 1
        return accepted

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def note(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Remember a request."""
        with self._lock:
            self.hits[request.path] += 1
            self.heard.append((request.path, dict(request.headers.items())))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off is what many tests are about."""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Give the address of a path, under any name of the host."""
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextlib.contextmanager
def serving(latency: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Run a server in a thread; shut it down with everything that still sends."""
    server = Hostile(latency, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
