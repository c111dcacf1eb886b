"""The station Check in Chromium: findings are looked at, fixed, dismissed, undone, brought back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from curator.check.report import report
from curator.project import Project
from tests.browser.conftest import shared
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]
FINDING = "[data-finding=near_duplicates]"


def test_a_finding_from_look_to_done(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Look shows exactly its images; a fix is seen before it is made; each act is one undo."""
    before = {item.code: item for item in report(sample_copy).problems}
    found = before["near_duplicates"]
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "check")
        page.click(f"{FINDING} button:has-text('Look at these')")
        page.wait_for_function(
            "() => location.hash.includes('review/duplicates?finding=near_duplicates')"
        )
        page.wait_for_selector(f".cu-meaning:has-text('{found.count} in queue')")
        page.go_back()

        page.click(f"{FINDING} >> text=Not a problem")
        page.wait_for_selector("[data-part=dismissed]:has-text('1 thing is no problem')")
        assert page.locator(FINDING).count() == 0
        page.click(".cu-status >> text=Undo")
        page.wait_for_selector(FINDING)
        page.click(f"{FINDING} >> text=Not a problem")
        page.click("[data-part=dismissed] summary")
        page.click("text=Bring back")
        page.wait_for_selector(FINDING)

        page.click(f"{FINDING} [data-fix-of=near-duplicates]")
        card = page.locator(f"{FINDING} [data-fix=near-duplicates]")
        card.locator("img").first.wait_for()
        assert sample_copy.status().decisions == 0
        card.locator("input[type=checkbox]").first.uncheck()
        card.locator("button:has-text('trash')").click()
        page.wait_for_selector(".cu-status:has-text('deleted')")
        spare = sample_copy.status().states["deleted"]
        assert spare > 0
        page.click(".cu-status >> text=Undo")
        page.wait_for_selector(".cu-status:has-text('Took back: deleted')")
        assert sample_copy.status().states["deleted"] == 0
        page.click("[data-part=fine] summary")
        assert page.locator("[data-part=fine] li").count() > 3
