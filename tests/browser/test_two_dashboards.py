"""Two dashboards on two ports review one project in a server at once."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import running
from tests.browser.test_gallery import settle
from tests.large import large_project
from tests.store.made_up import derived_current, kept_current

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAMES = ("Ada", "Ben")
KEYS = {"k": "keep", "d": "delete", "x": "unsure"}


def decide(pages: list[Page], count: int) -> None:
    """Press a key in one window after the other, each so often; turn a page that is done."""
    sizes = [page.locator(".cu-tile").count() for page in pages]
    for number in range(count):
        for page, size in zip(pages, sizes, strict=True):
            page.keyboard.press(list(KEYS)[number % 3])
            if number % size == size - 1 and number < count - 1:
                last = page.get_attribute(".cu-tile", "data-id")
                page.keyboard.press("PageDown")
                page.wait_for_selector(f".cu-tile[data-place='0']:not([data-id='{last}'])")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("kept_in", ["server"], indirect=True)
@pytest.mark.parametrize(
    "count", [12, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])]
)
def test_what_two_windows_decide_is_all_there(count: int, tmp_path: Path, browser: Browser) -> None:
    """Every key of either is in the ledger once, signed by whoever pressed it."""
    with large_project(tmp_path / "p", 300 + 12 * count, side=64) as project, ExitStack() as held:
        pages = []
        for number, name in enumerate(NAMES):
            told = {"CURATOR_REVIEWER": name}
            dashboard = held.enter_context(running(tmp_path / name, project.path, env=told))
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            held.callback(context.close)
            page = context.new_page()
            page.goto(dashboard.address)
            page.wait_for_function("() => location.hash.includes('#/p/')")
            page.evaluate(f"() => {{ location.hash = '#/p/review/all?class=class+{number:02d}'; }}")
            page.wait_for_selector(".cu-tile img")
            settle(page)
            page.click(".cu-tile[data-place='0']")
            pages.append(page)
        decide(pages, count)
        ends = time.monotonic() + 120
        while len(project.log()) < 2 * count and time.monotonic() < ends:
            pages[0].wait_for_timeout(200)
        log = project.log()
        assert Counter(zip(log["by"], log["action"], strict=True)) == Counter(
            (name, KEYS[list(KEYS)[n % 3]]) for name in NAMES for n in range(count)
        )
        assert len(set(log["image_id"])) == 2 * count
        assert kept_current(project.database) == derived_current(project.database)
