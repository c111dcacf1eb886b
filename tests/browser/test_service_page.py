"""The page of a service in Chromium: files, drop, paste and address; bars and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.serve.model import Model
from tests.browser.conftest import browser, watched
from tests.serve.conftest import drawn
from tests.serving import serving_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Watched

__all__ = ["browser", "watched"]
pytestmark = pytest.mark.slow
TOKEN = "correct-horse-battery"
GIVEN = """([kind, bytes]) => {
  const data = new DataTransfer();
  if (typeof bytes === 'string') data.setData('text/plain', bytes);
  else data.items.add(new File([new Uint8Array(bytes)], 'given.png', {type: 'image/png'}));
  const event = kind === 'drop' ? new DragEvent(kind, {dataTransfer: data, bubbles: true})
    : new ClipboardEvent(kind, {clipboardData: data, bubbles: true});
  document.body.dispatchEvent(event);
}"""


@pytest.fixture
def page(served_model: Path, browser: Browser, watched: Watched) -> Iterator[Page]:
    """Open the page of a service with a token, on a phone in the dark."""
    with serving_here(Model(served_model, threads=1), processes=1, token=TOKEN) as service:
        context = browser.new_context(
            viewport={"width": 390, "height": 800}, color_scheme="dark", has_touch=True
        )
        opened = context.new_page()
        opened.on("pageerror", lambda error: watched.errors.append(str(error)))
        opened.on("request", lambda request: watched.foreign.append(request.url))
        opened.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => { window.refused = event.blockedURI; })"
        )
        opened.goto(service.address)
        yield opened
        assert opened.evaluate("window.refused") is None
        here = (service.address, "data:", f"blob:{service.address}")
        assert [url for url in watched.foreign if not url.startswith(here)] == []
        context.close()
    assert watched.errors == []


def test_every_way_in(page: Page) -> None:
    """Without the token a sentence; with it bars, by each way; a private address is refused."""
    page.wait_for_selector("#classes:has-text('three, five, eight')")
    picture = {"name": "chosen.png", "mimeType": "image/png", "buffer": drawn(160)}
    page.set_input_files("#files", files=[picture])
    page.wait_for_selector(".answer.bad:has-text('Send the token')")
    page.fill("#token", TOKEN)
    page.set_input_files("#files", files=[picture])
    page.wait_for_selector(".answer:not(.bad) progress")
    assert page.locator(".answer").first.locator("progress").count() == 3
    assert page.locator(".answer img").first.evaluate("image => image.naturalWidth") == 160
    for number, kind in enumerate(("drop", "paste"), start=3):
        page.evaluate(GIVEN, [kind, list(drawn(64))])
        page.wait_for_selector(f".answer:nth-child({number})")
    page.fill("#address", "http://127.0.0.1/bear.jpg")
    page.click("#fetch button")
    page.wait_for_selector(".answer.bad:has-text('private network')")
    page.evaluate(GIVEN, ["drop", "no address"])
    page.wait_for_selector("#status.bad")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
