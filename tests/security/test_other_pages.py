"""A page of another port, in the browser that is logged in, and the page's own policy."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import CHROMIUM, shared
from tests.browser.test_whole_job import go
from tests.security.visiting import kernel_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
]

# What a page can try against an address that it knows, worse than any attacker's: the random path
# and the kernel's id are given to it.
TRIES = """
async ([page, kernel]) => {
  const said = {};
  const attempt = (name, trying) => Promise.race([
    trying().then((got) => { said[name] = got; }, () => { said[name] = "refused"; }),
    new Promise((go) => setTimeout(go, 5000)),
  ]);
  const element = (tag, key, value) => new Promise((got, refused) => {
    const made = document.createElement(tag);
    made.onload = () => got("loaded");
    made.onerror = refused;
    made[key] = value;
    document.body.append(made);
  });
  const frame = document.createElement("iframe");
  await attempt("read", async () => (await fetch(page, {credentials: "include"})).text());
  await attempt("script", () => element("script", "src", page + "voila/static/voila.js"));
  await attempt("websocket", () => new Promise((got, refused) => {
    const socket = new WebSocket(
      page.replace("http", "ws") + `api/kernels/${kernel}/channels?session_id=x`);
    socket.onopen = () => got("opened");
    socket.onerror = refused;
  }));
  navigator.sendBeacon(page + "voila/api/shutdown/" + kernel, "");
  await fetch(page + "voila/api/shutdown/" + kernel,
    {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => 0);
  document.body.append(frame);
  frame.src = page;
  await new Promise((go) => { frame.onload = go; setTimeout(go, 3000); });
  try { said.frame = frame.contentDocument ? "read" : "refused"; } catch { said.frame = "refused"; }
  return said;
}
"""


@pytest.fixture
def other_port() -> Iterator[tuple[str, list[str]]]:
    """Serve an empty page at another port, as another user would; give the cookies that came."""
    cookies: list[str] = []

    class Other(BaseHTTPRequestHandler):
        """Answers everything with an empty page."""

        def do_GET(self) -> None:
            """Note the cookie."""
            cookies.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b'<link rel=icon href="data:,"><body>')

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", cookies
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_page_of_another_port_gets_nothing(
    open_page: Callable[[str], Page], other_port: tuple[str, list[str]]
) -> None:
    """It reads, loads, connects, frames and ends nothing, and its server is sent no cookie."""
    address, cookies = other_port
    with shared() as dashboard:
        page = open_page(dashboard.address)
        kernel = kernel_of(page.content())
        other = page.context.new_page()
        other.goto(address)
        said = other.evaluate(TRIES, [page.url, kernel])
        assert said == dict.fromkeys(("read", "script", "websocket", "frame"), "refused")
        assert set(cookies) == {""}
        model = page.evaluate("async (id) => (await fetch(`api/kernels/${id}`)).status", kernel)
        assert model == 200  # the kernel is alive
        other.close()


@pytest.mark.slow
def test_all_stations_work_under_the_policy(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """Nothing that the page does is against its policy, and no error is shown in the console."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        for station, sign in {
            "check": ".cu-problems .cu-strip img",
            "train": "[data-part=verdict]",
            "review": ".cu-tile img",
            "use": "[data-station=use]",
            "collect": "textarea[name=text]",
        }.items():
            go(page, station)
            page.wait_for_selector(sign, timeout=30_000)
    assert watched.errors == []
    assert watched.foreign == []
    assert watched.refused == []


@pytest.mark.slow
def test_the_policy_stops_what_is_put_into_the_page(
    open_page: Callable[[str], Page], watched: Watched
) -> None:
    """Inline scripts, eval, frames, forms and other hosts, as if an attacker's name were HTML."""
    with shared() as dashboard:
        page = open_page(dashboard.address)
        page.evaluate(
            """() => {
              const put = (text) => {
                const made = document.createElement("div");
                made.innerHTML = text;
                document.body.append(made);
              };
              put('<img src="data:,x" onerror="window.ran = 1">');
              put('<img src="http://127.0.0.1:9/leak.png">');
              put('<iframe src="http://127.0.0.1:9/"></iframe>');
              const script = document.createElement("script");
              script.textContent = "window.ran = 2";
              document.body.append(script);
              fetch("http://127.0.0.1:9/leak").catch(() => 0);
            }"""
        )
        page.wait_for_timeout(500)
        assert page.evaluate("window.ran") is None
    stopped = {said.split()[0] for said in watched.refused}
    assert {"img-src", "frame-src", "script-src-elem", "script-src-attr", "connect-src"} <= stopped
    watched.refused.clear()
