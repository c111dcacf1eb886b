"""A server of weight files on the loopback: an honest one, or one that misbehaves as told."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from curator.encode.weights import WeightSource


@dataclass
class WeightServer:
    """``files``: path to bytes. What each request got is in ``sent``: (path, first byte)."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    sent: list[tuple[str, int]] = field(default_factory=list)
    behaviour: str = "honest"
    """honest, html, ignores ranges, breaks off once, breaks off, stalls, slow, busy once, endless,
    or a status such as 404."""

    def source(self, file: str, data: bytes, **changes: Any) -> WeightSource:
        """Serve ``data`` as ``file``; the description that a backbone would carry."""
        self.files[f"/{file}"] = data
        values: dict[str, Any] = {
            "name": "tiny",
            "file": file,
            "address": f"{self.address}/{file}",
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }
        return WeightSource(**values | changes)


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        """As the hub answers for a large file: its SHA-256 and size in headers of its own."""
        data = self.own.files.get(self.path)
        if data is None or self.own.behaviour.isdigit():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", "0" * 40)
        if self.own.behaviour != "no hash":
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()

    def do_GET(self) -> None:
        """Send the file, or do as told."""
        behaviour = self.own.behaviour
        data = self.own.files.get(self.path)
        if behaviour == "busy once":
            self.own.behaviour = "honest"
            self.send_error(503)
            return
        if data is None or behaviour.isdigit():
            self.send_error(int(behaviour) if behaviour.isdigit() else 404)
            return
        if behaviour == "html":
            data = b"<html>Please log in</html>"
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and behaviour != "ignores ranges" else 0
        self.own.sent.append((self.path, start))
        if start >= len(data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        kind = "text/html; charset=utf-8" if behaviour == "html" else "application/octet-stream"
        self.send_header("Content-Type", kind)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if behaviour != "endless":
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self._send(data[start:], behaviour)

    def _send(self, data: bytes, behaviour: str) -> None:
        if behaviour in {"breaks off once", "breaks off"}:
            if behaviour == "breaks off once":
                self.own.behaviour = "honest"
                data = data[: len(data) // 2]
            else:
                data = b""
            self.wfile.write(data)
        elif behaviour == "stalls":
            time.sleep(2)
        elif behaviour == "endless":
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(data)
        elif behaviour == "slow":
            with contextlib.suppress(OSError):
                for start in range(0, len(data), 1 << 14):
                    self.wfile.write(data[start : start + (1 << 14)])
                    time.sleep(0.02)
        else:
            with contextlib.suppress(OSError):
                self.wfile.write(data)
        self.close_connection = True

    @property
    def own(self) -> WeightServer:
        """What this server serves."""
        return self.server.own  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving_weights() -> Iterator[WeightServer]:
    """Serve until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    own = WeightServer(address=f"http://127.0.0.1:{server.server_address[1]}")
    server.own = own  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def state_dict_bytes(folder: Path, values: int) -> bytes:
    """A small state dict as torch saves it."""
    import torch

    path = folder / "made.pth"
    torch.save({"weight": torch.arange(values, dtype=torch.float32), "bias": torch.ones(3)}, path)
    return path.read_bytes()
