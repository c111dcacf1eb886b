"""A model that is served: by the command in a process of its own, or by a thread of the test's."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.serve.model import Model
from curator.serve.server import Server, configured, listen
from curator.serve.settings import ServeSettings

COMMAND = (sys.executable, "-m", "curator", "serve", "--port", "0")
START_SECONDS = 100


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def said(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Serving:
    """A service that answers; ``process`` and ``log`` where it has its own."""

    port: int
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None

    @property
    def address(self) -> str:
        """Of its page."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "",
    ) -> Answer:
        """Ask once, on a connection of its own: POST where there is a body, else GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def said(self) -> str:
        """What the process has written."""
        assert self.log is not None
        return self.log.read_text("utf-8")


def form(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """Give the body and the headers of a form with these files, as browsers send it."""
    mark = "----mark7d1f"
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    body = b"".join(parts) + f"--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


@contextlib.contextmanager
def serving(
    model: Path,
    work: Path,
    *options: str,
    command: Sequence[str] = COMMAND,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Serving]:
    """Start `curator serve`, logging to a file in ``work``; wait for its address; end it after."""
    work.mkdir(parents=True, exist_ok=True)
    log = work / "served.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*command, *([str(model)] if command == COMMAND else []), *options],
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            cwd=work,
        )
    try:
        began = time.monotonic()
        while not (found := re.search(r"http://[^ ]*:(\d+)/", log.read_text("utf-8"))):
            late = time.monotonic() > began + START_SECONDS
            assert process.poll() is None and not late, log.read_text("utf-8")  # noqa: PT018
            time.sleep(0.05)
        yield Serving(int(found[1]), process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def serving_here(model: Model, **settings: Any) -> Iterator[Serving]:
    """Serve in a thread, with settings that the command does not have."""
    chosen = ServeSettings(port=0, **settings)
    ready = threading.Event()
    with contextlib.closing(listen(chosen.host, chosen.port)) as listening:
        server = Server(configured(model, chosen), ready.set)
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
        )
        thread.start()
        assert ready.wait(START_SECONDS)
        try:
            yield Serving(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
            assert not thread.is_alive()
