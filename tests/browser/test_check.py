"""The station Check in Chromium: findings are looked at, fixed, dismissed, undone, brought back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from curator.check.report import report
from curator.project import Project
from curator.store import weak_spots
from tests.browser.conftest import shared
from tests.browser.test_address import ends_in
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Watched

pytestmark = [pytest.mark.slow, pytest.mark.browser]
FINDING = "[data-finding=near_duplicates]"


def test_a_weak_spot_opens_its_images(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Its card shows six pictures, and Look opens exactly its images."""
    ids = sample_copy.queue("all").ids[5:60:6].tolist()
    kept = weak_spots.Kept("weak_spot_1", "Of 10 images that are alike", "Look.", "Holm", ids)
    with sample_copy.database.write() as connection:
        weak_spots.keep(connection, 1, [kept])
    card = "[data-finding=weak_spot_1]"
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "check")
        page.wait_for_selector(f"{card} img")
        assert page.locator(f"{card} img").count() == 6
        page.click(f"{card} button:has-text('Look at these 10')")
        page.wait_for_selector(".cu-meaning:has-text('10 in queue')")
        page.wait_for_selector(".cu-tile")
        shown = page.eval_on_selector_all(".cu-tile", "all => all.map(one => +one.dataset.id)")
        assert sorted(shown) == sorted(ids)


def side_by_side(page: Page, project: Project) -> None:
    """Keep left, right and both by keys and a click, the best of the rest, and take all back."""
    page.click(f"{FINDING} >> text=Side by side")
    page.wait_for_selector(".cu-pair.cu-current img")
    ids = [[image.id for image in group.images] for group in project.duplicate_groups()]
    assert page.locator(".cu-pair").count() == len(ids) == 10
    current = "[data-group='{}'].cu-current"
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(current.format(ids[1][0]))
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(current.format(ids[2][0]))
    page.keyboard.press("a")
    page.wait_for_selector(current.format(ids[3][0]))
    page.click(f".cu-side-of[data-id='{ids[3][1]}'] button")
    page.wait_for_selector(f".cu-gone[data-id='{ids[3][0]}']")
    assert project.queue("trash").ids.tolist() == sorted([ids[0][1], ids[1][0], ids[3][0]])
    assert len(project.duplicate_groups()) == 6
    page.keyboard.press("b")
    page.wait_for_selector(".cu-status:has-text('6 images deleted')")
    assert project.duplicate_groups() == []
    for left in (6, 7, 8, 9, 10):
        page.keyboard.press("u")
        page.wait_for_function(
            "n => document.querySelectorAll('.cu-pair:not(.cu-decided)').length === n", arg=left
        )
    assert project.status().decisions == 0
    page.click(".cu-pairs-head button >> nth=0")
    page.wait_for_selector(FINDING)


def test_a_group_side_by_side_has_an_address(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """A key and a click move the address; Back, a reload and another window open the same group."""
    ids = [group.id for group in sample_copy.duplicate_groups()]
    current = "[data-group='{}'].cu-current"

    def at(page: Page, group: int) -> None:
        page.wait_for_selector(current.format(group))
        ends_in(page, f"/check/duplicates?group={group}")

    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "check")
        page.click(f"{FINDING} >> text=Side by side")
        at(page, ids[0])
        page.keyboard.press("ArrowDown")
        at(page, ids[1])
        page.click(f"[data-group='{ids[3]}'] .cu-figures >> nth=0")
        at(page, ids[3])
        go(page, "train")
        page.go_back()
        at(page, ids[3])
        page.go_back()  # over the groups, which are no steps
        page.wait_for_selector(FINDING)
        ends_in(page, "/check")
        page.go_forward()
        at(page, ids[3])
        link = page.evaluate("location.hash")
        page.reload()
        at(page, ids[3])
        other = open_page(dashboard.address)
        other.evaluate("link => { location.hash = link }", link)
        at(other, ids[3])
        other.evaluate("link => { location.hash = link }", link.replace(f"={ids[3]}", "=99999"))
        other.wait_for_selector("text=99999 of near-duplicates is not there any more")
    assert watched.errors == []


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
        side_by_side(page, sample_copy)
        page.click("[data-part=fine] summary")
        assert page.locator("[data-part=fine] li").count() > 3
