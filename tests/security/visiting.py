"""What attackers and users do with a dashboard over HTTP, shared by the tests of its server."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.browser.conftest import Running

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass(frozen=True)
class Answer:
    """Status, headers and text of an answer; the text of a websocket that opened is empty."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def ask(
    port: int, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask once, as no browser would: with these headers and no others."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        text = "" if answer.status == 101 else answer.read().decode(errors="replace")
        return Answer(answer.status, answer.headers, text)
    finally:
        connection.close()


@dataclass(frozen=True)
class Visit:
    """A login: what the browser holds of it."""

    port: int
    token: str
    below: str  # the path of the page
    cookie: str  # as sent

    @property
    def origin(self) -> str:
        """The Origin of the dashboard's own pages."""
        return f"http://127.0.0.1:{self.port}"

    def page(self) -> str:
        """Give the page's text."""
        answer = ask(self.port, self.below, headers={"Cookie": self.cookie})
        assert answer.status == 200, answer
        return answer.text


def enter(dashboard: Running) -> Visit:
    """Log in with the printed address."""
    parts = urlsplit(dashboard.address)
    assert parts.port is not None
    answer = ask(parts.port, f"/?{parts.query}")
    assert answer.status == 200, answer
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    below = re.search(r"url=(/[0-9a-f]{32}/)", answer.text)
    assert below is not None, answer.text
    return Visit(parts.port, parts.query.removeprefix("token="), below[1], cookie)


def kernel_of(page: str) -> str:
    """Give the id of a page's kernel."""
    found = re.search(r'"kernelId": "([0-9a-f-]{36})"', page)
    assert found is not None
    return found[1]


def wait_for(condition: object, seconds: float = 30) -> None:
    """Wait until ``condition()`` is true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def processes() -> dict[int, list[str]]:
    """Give every process's command line, as `ps` shows it to anybody."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                said = (folder / "cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
            found[int(folder.name)] = said.decode(errors="replace").split("\0")
    return found
