"""More like this, from Review, from an enlarged image and from the grid of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import shared
from tests.browser.test_gallery import settle
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched


def expect_like(page: Page, project: Project, ids: list[int]) -> None:
    """Wait until the page shows the images most like those, in the library's order."""
    found = project.similar(ids).ids
    page.wait_for_function(
        "like => location.hash.includes(`/review/similar?like=${like}`)",
        arg="%2C".join(map(str, ids)),
    )
    page.wait_for_selector(f".cu-review .cu-tile[data-place='0'][data-id='{found[0]}']")
    settle(page)
    tiles = page.eval_on_selector_all(
        ".cu-review .cu-tile", "all => all.map(one => Number(one.dataset.id))"
    )
    assert tiles == found[: len(tiles)].tolist()
    page.wait_for_function(
        "n => document.querySelectorAll('.cu-asked img').length === n", arg=len(ids)
    )


def test_more_like_this_opens_its_queue(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """L asks with what keys act on; the address says so, Back leaves, another queue forgets it."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "review")
        page.wait_for_selector(".cu-tile img")
        settle(page)
        before = page.evaluate("location.hash")
        ids = [int(page.get_attribute(f"[data-place='{at}']", "data-id") or 0) for at in range(2)]
        page.locator(".cu-tile").first.focus()
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("l")
        expect_like(page, sample_copy, ids)

        page.keyboard.press("z")
        page.wait_for_selector(".cu-zoom .cu-details h3")
        shown = int(page.get_attribute("[data-place='0']", "data-id") or 0)
        page.click(".cu-zoom button:has-text('like')")
        page.wait_for_selector(".cu-zoom", state="detached")
        expect_like(page, sample_copy, [shown])
        page.go_back()
        expect_like(page, sample_copy, ids)
        page.go_back()
        page.wait_for_function("hash => location.hash === hash", arg=before)

        page.evaluate("() => { location.hash = location.hash.replace(/review.*/, 'data/grid') }")
        page.wait_for_selector(".cu-grid .cu-tile img")
        cell = page.locator(".cu-grid .cu-tile[data-place='2']")
        wanted = int(cell.get_attribute("data-id") or 0)
        cell.click()
        page.keyboard.press("l")
        expect_like(page, sample_copy, [wanted])
        page.click("[data-queue=outliers]")
        page.wait_for_function("() => location.hash.endsWith('/review/outliers')")
        assert page.locator(".cu-asked").count() == 0
    assert watched.errors == []
