"""Every station and state, looked at by axe-core (WCAG 2.1 A and AA), in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import shared
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # all that the dark changes


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """Give what axe-core complains of, in a line each."""
    found = Axe().run(page, options=rules).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in found
        for node in one["nodes"]
    ]


def test_no_station_violates_the_guidelines(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Contrast, names, roles and structure are right in every station and over each dialog."""
    found: dict[str, list[str]] = {}

    def look(page: Page, what: str) -> None:
        page.emulate_media(color_scheme="light")
        found[what] = violations(page, RULES)
        page.emulate_media(color_scheme="dark")
        found[f"{what}, dark"] = violations(page, COLOURS)

    sample_copy.map()
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        for station in ("data", "collect", "check", "train", "use", "review"):
            go(page, station)
            page.wait_for_timeout(500)
            look(page, station)
        go(page, "data")
        for tab, ready in (("Grid", ".cu-grid .cu-tile img"), ("Map", ".cu-map-line")):
            page.click(f".cu-data-tab:text-is('{tab}'):visible")
            page.wait_for_selector(ready)
            look(page, tab)
        page.click(".cu-like-picture:visible")
        page.wait_for_selector("dialog.cu-like[open]")
        look(page, "like a picture")
        page.keyboard.press("Escape")
        go(page, "review")
        page.wait_for_selector(".cu-review .cu-tile img")
        page.locator(".cu-review .cu-tile").first.focus()
        for key in ("d", "k", "x", "s"):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        look(page, "decided")
        for name, key in (("zoom", "z"), ("keys", "?"), ("relabel", "r")):
            page.keyboard.press(key)
            page.wait_for_timeout(600)
            look(page, name)
            page.keyboard.press("Escape")
        page.click(".cu-brand")
        page.wait_for_selector(".cu-start")
        look(page, "start")
    assert {name: said for name, said in found.items() if said} == {}
