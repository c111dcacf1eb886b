"""The collecting script on a page like a search's: lazy, scrolling, and with a strict policy."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from curator.collect.lists import parse
from curator.collect.snippet import bookmarklet, console_snippet
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

RESULTS, BATCH = 18, 6
STRICT = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
PICTURE = encoded(picture(3).resize((96, 96)))
INLINE = "data:image/png;base64," + base64.b64encode(PICTURE).decode()

# Adds a batch of results whenever the end comes near, and loads a thumbnail when it is seen.
LAZY_SCRIPT = """
const grid = document.getElementById("grid");
let shown = 0;
const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (entry.isIntersecting) entry.target.src = entry.target.dataset.src;
}));
function more() {
  for (let end = Math.min(shown + BATCH, RESULTS); shown < end; shown++) {
    const link = document.createElement("a");
    link.href = `/detail?id=${shown}`;
    link.setAttribute("m", JSON.stringify({
      murl: `${location.origin}/original/${shown}.png?sig=a%2Fb&n=${shown}`,
      turl: `${location.origin}/thumb/${shown}.png?w=96`, purl: "https://page.example/",
    }));
    const image = document.createElement("img");
    image.src = DOT;
    image.dataset.src = `/thumb/${shown}.png?w=96`;
    image.className = "tile";
    link.append(image);
    grid.append(link);
    seen.observe(image);
  }
}
more();
addEventListener("scroll", () => {
  if (scrollY + innerHeight > document.documentElement.scrollHeight - 200) setTimeout(more, 100);
});
const host = document.getElementById("shadow");
if (host) {
  const image = document.createElement("img");
  image.src = "/in-shadow.png";
  host.attachShadow({ mode: "open" }).append(image);
}
"""
STYLE = ".tile { display: block; width: 400px; height: 400px } #back { width: 90px; height: 90px; "
STYLE += "background-image: url(/background.png) }"


def results_page(base: str) -> str:
    """Make a page with every way in which results name their pictures."""
    wrapped = html.escape(f"/imgres?imgurl={quote(base + '/wrapped.png?a=1&b=2', '')}&x=1")
    return f"""<!doctype html><title>Bears - Search</title><link rel=stylesheet href=/style.css>
<img src=/icon.png><img src=/logo.svg width=90 height=90><div id=back></div>
<a href="{wrapped}"><img src=/thumb/wrapped.png></a>
<a href=/linked.png><img src=/thumb/linked.png></a><a href=/page><img src=/plain.png></a>
<a href="/wiki/File:Bear.png">a page</a>
<img src=/small.png srcset="/small.png 100w, /large.png 900w">
<img src="{INLINE}"><div id=shadow></div><iframe src=/frame></iframe>
<div id=grid></div><script src=/lazy.js></script>"""


def expected(base: str, results: int = RESULTS) -> set[str]:
    """Give the addresses that a person would want from that page."""
    names = ["background", "linked", "plain", "large", "in-shadow", "in-frame"]
    return (
        {f"{base}/{name}.png" for name in names}
        | {f"{base}/wrapped.png?a=1&b=2"}
        | {f"{base}/original/{n}.png?sig=a%2Fb&n={n}" for n in range(results)}
    )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        base = f"http://{self.headers['Host']}"
        constants = f"const DOT = {json.dumps(DOT)}, RESULTS = {RESULTS}, BATCH = {BATCH};"
        kind, body = {
            "/": ("text/html", results_page(base)),
            "/open": ("text/html", results_page(base)),
            "/frame": ("text/html", "<img src=/in-frame.png>"),
            "/style.css": ("text/css", STYLE),
            "/lazy.js": ("text/javascript", constants + LAZY_SCRIPT),
            "/logo.svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        }.get(path, ("image/png", ""))
        data = body.encode()
        if kind == "image/png":
            data = encoded(picture(1).resize((16, 16))) if path == "/icon.png" else PICTURE
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if path == "/":
            self.send_header("Content-Security-Policy", STRICT)
            self.send_header("Permissions-Policy", "clipboard-write=()")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """Serve the page on the loopback; ``/`` has the strict policy, ``/open`` has none."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a fresh profile."""
    made = browser.new_context(viewport={"width": 1000, "height": 700})
    yield made
    made.close()


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """Open the page; give it and the errors that it reports from now on."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(address, wait_until="load")
    return page, errors


def check(text: str, base: str) -> None:
    """Compare what the script offers, read as a pasted list, with the page."""
    found = parse(text)
    assert {item.url for item in found.addresses} == expected(base)
    assert [item.data for item in found.images] == [PICTURE]
    assert (found.kind, found.refused, found.duplicates) == ("list", (), ())


@pytest.mark.slow
def test_a_strict_page(context: BrowserContext, base: str) -> None:
    """All results come, as originals, though the page is lazy and forbids nearly everything.

    Where the clipboard is denied, the list is shown and selected.
    """
    page, errors = opened(context, base + "/")
    page.evaluate(console_snippet())
    page.get_by_role("button", name="Copy").click(timeout=60_000)
    area = page.locator("#curator-collect textarea")
    check(area.input_value(), base)
    assert area.evaluate("it => it.selectionEnd - it.selectionStart") == len(area.input_value())
    assert [text for text in errors if "clipboard" not in text.lower()] == []

    page.get_by_role("button", name="Close").click()
    assert page.locator("#curator-collect").count() == 0


@pytest.mark.slow
def test_the_bookmarklet(context: BrowserContext, base: str) -> None:
    """As a bookmark it does the same; the list can be copied, and saved as a file."""
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    page, errors = opened(context, base + "/open")
    address = bookmarklet()
    assert address.startswith("javascript:")
    assert "\n" not in address
    page.evaluate("address => { location.href = address }", address)
    page.get_by_role("button", name="Copy").click(timeout=60_000)
    page.get_by_text("copied").wait_for()
    check(page.evaluate("navigator.clipboard.readText()"), base)

    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download .txt").click()
    assert waiting.value.suggested_filename == "Bears-Search.txt"
    check(waiting.value.path().read_text("utf-8"), base)
    assert errors == []


def test_escape_stops_the_scrolling(context: BrowserContext, base: str) -> None:
    """Esc ends the search for more, and what was found until then is offered."""
    page, errors = opened(context, base + "/open")
    page.evaluate(console_snippet())
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Download .txt").wait_for()
    said = page.locator("#curator-collect").get_by_role("status").inner_text()
    assert int(said.split()[0]) < len(expected(base))
    assert errors == []
