"""A real web server on the loopback that behaves as badly as its paths say."""

from __future__ import annotations

import contextlib
import http.server
import io
import struct
import threading
import time
import zlib
from collections import Counter
from typing import Any

from PIL import Image


def picture(
    width: int = 60, height: int = 40, file_format: str = "JPEG", mode: str = "RGB", **save: Any
) -> bytes:
    """Encode an image with some structure, the same for the same arguments."""
    across = Image.linear_gradient("L").resize((width, height))
    down = Image.radial_gradient("L").resize((width, height))
    image = Image.merge("RGB", (across, down, across.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    packed = io.BytesIO()
    image.convert(mode).save(packed, file_format, **save)
    return packed.getvalue()


def animation() -> bytes:
    """Encode a GIF of a red and a blue frame."""
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    packed = io.BytesIO()
    frames[0].save(packed, "GIF", save_all=True, append_images=frames[1:])
    return packed.getvalue()


def rotated() -> bytes:
    """Encode a JPEG of 60 x 40 whose EXIF data says: turn me by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(exif=exif)


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Make the beginning of a PNG that claims enormous dimensions."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


PAGE = b"<!DOCTYPE html><html><body>Not found, but status 200</body></html>"
DRAWING = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'

BODIES = {
    "/good.jpg": picture(),
    "/good.png": picture(file_format="PNG"),
    "/page.jpg": PAGE,
    "/text.jpg": b"nothing here",
    "/zero.jpg": b"",
    "/pixel.gif": picture(1, 1, "GIF"),
    "/bomb.png": bomb(),
    "/truncated.jpg": picture(400, 300)[:2000],
    "/drawing.svg": DRAWING,
    "/animated.gif": animation(),
    "/cmyk.jpg": picture(mode="CMYK"),
    "/palette.png": picture(file_format="PNG", mode="P", transparency=0),
    "/rotated.jpg": rotated(),
}
STATUSES = {"/403": 403, "/404": 404, "/410": 410, "/418": 418, "/451": 451, "/500": 500}
ROBOTS = {
    "/robots/noai.jpg": "noai, noimageai",
    "/robots/other.jpg": "otherbot: noindex",
    "/robots/mine.jpg": "curator: noimageindex",
    "/robots/harmless.jpg": "nofollow",
}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hostile

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self.server.note(self)
        try:
            self._answer(self.path.split("?")[0])
        except OSError:  # the client left, as it should
            self.close_connection = True

    def _answer(self, path: str) -> None:
        if self.server.latency:
            time.sleep(self.server.latency)
        if path in BODIES:
            self._send(BODIES[path])
        elif path.startswith("/number/"):
            self._send(picture(64 + int(path[8:].split(".", maxsplit=1)[0]) % 200, 64))
        elif path in STATUSES:
            self._send(PAGE, STATUSES[path])
        elif path in ROBOTS:
            self._send(BODIES["/good.jpg"], headers={"X-Robots-Tag": ROBOTS[path]})
        else:
            getattr(self, "at_" + path.strip("/").split("/")[0].split(".")[0].replace("-", "_"))()

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _pause(self, seconds: float) -> None:
        self.server.closing.wait(seconds)

    def _first_time(self) -> bool:
        return self.server.hits[self.path] == 1

    def at_redirect(self) -> None:
        """/redirect/STATUS?TARGET."""
        status = int(self.path.split("?")[0].split("/")[2])
        self._send(b"", status, {"Location": self.path.split("?", 1)[1]})

    def at_loop(self) -> None:
        self._send(b"", 302, {"Location": "/loop"})

    def at_forever(self) -> None:
        self._send(b"", 302, {"Location": self.path + "/x"})

    def at_limited(self) -> None:
        if self._first_time():
            self._send(b"", 429, {"Retry-After": "0"})
        else:
            self._send(BODIES["/good.jpg"])

    def at_patience(self) -> None:
        self._send(b"", 503, {"Retry-After": "86400"})

    def at_recovers(self) -> None:
        if self._first_time():
            self._send(b"", 500)
        else:
            self._send(BODIES["/good.jpg"])

    def at_silent(self) -> None:
        self._pause(20)
        self.close_connection = True

    def at_slow_header(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(400):
            self.wfile.write(b"x")
            self._pause(0.05)

    def at_slow_body(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(400):
            self.wfile.write(b"x")
            self._pause(0.05)
        self.close_connection = True

    def at_endless(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self.server.closing.is_set():
            self.wfile.write(bytes(65536))

    def at_endless_redirect(self) -> None:
        self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /good.jpg\r\nConnection: close\r\n\r\n")
        while not self.server.closing.is_set():
            self.wfile.write(bytes(65536))

    def at_announced(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
        self.close_connection = True

    def at_cut(self) -> None:
        body = BODIES["/good.jpg"]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 1000))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def at_garbage(self) -> None:
        self.wfile.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
        self.close_connection = True

    def at_hangup(self) -> None:
        self.close_connection = True

    def at_zipped(self) -> None:
        packed = zlib.compress(bytes(30_000_000))
        self._send(packed, headers={"Content-Encoding": "deflate"})


class Hostile(http.server.ThreadingHTTPServer):
    """The server; ``hits`` counts requests by path, ``heard`` keeps (path, headers)."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, latency: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.latency = latency
        self.closing = threading.Event()
        self.hits: Counter[str] = Counter()
        self.heard: list[tuple[str, dict[str, str]]] = []
        self._lock = threading.Lock()

    def note(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Remember a request."""
        with self._lock:
            self.hits[request.path] += 1
            self.heard.append((request.path, dict(request.headers.items())))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off is what many tests are about."""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Give the address of a path, under any name of the host."""
        return f"http://{host}:{self.server_address[1]}{path}"


@contextlib.contextmanager
def serving(latency: float = 0.0) -> Any:
    """Run a server in a thread; shut it down with everything that still sends."""
    server = Hostile(latency)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
