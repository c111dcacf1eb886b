"""Data, a project's home: classes that open what is wrong with them, and the grid of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.review.browsing import open_grid
from curator.review.overview import overview
from curator.review.queue.filters import Filters
from curator.store import ledger
from tests.browser.conftest import shared
from tests.browser.test_address import ends_in, shows
from tests.browser.test_whole_job import go
from tests.large import large_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched


def open_the_grid(page: Page) -> None:
    """Show the tab Grid with its pictures."""
    page.click(".cu-data-tab:visible >> text=Grid")
    page.wait_for_selector(".cu-grid .cu-tile[data-id] img")


def states(project: Project, ids: list[int]) -> list[str]:
    """Give the state of each image as the ledger has it."""
    with project.database.read() as connection:
        found = ledger.current_of(connection, ids)
    return [found[image_id].state for image_id in ids]


def told(page: Page, words: str) -> None:
    """Wait until the foot of the grid says it."""
    page.wait_for_function(
        "words => document.querySelector('.cu-grid-page .cu-status').textContent.includes(words)",
        arg=words,
    )


def selecting(page: Page, project: Project, ids: list[int], other: str) -> None:
    """Select by click, Shift, Ctrl, box and all, and decide; ``ids``: what the grid shows."""
    page.click(".cu-grid [data-place='1']")
    page.click(".cu-grid [data-place='3']", modifiers=["Shift"])
    page.click(".cu-grid [data-place='5']", modifiers=["ControlOrMeta"])
    told(page, "4 selected")
    page.keyboard.press("d")
    told(page, "4 images deleted")
    assert states(project, ids[:6]) == ["new"] + ["deleted"] * 3 + ["new", "deleted"]
    page.wait_for_selector(".cu-grid [data-place='2'].cu-is-deleted")
    page.keyboard.press("u")
    told(page, "Took back")
    assert states(project, ids[:6]) == ["new"] * 6
    page.wait_for_selector(".cu-grid [data-place='2'].cu-is-new")
    # A box over the first two, drawn from the gap below them, and a class by its number.
    first, second = (
        page.locator(f".cu-grid [data-place='{place}']").bounding_box() for place in (0, 1)
    )
    assert first is not None
    assert second is not None
    page.mouse.move(first["x"] + 5, first["y"] + first["height"] - 5)
    page.mouse.down()
    page.mouse.move(second["x"] + second["width"] - 5, second["y"] + 5, steps=4)
    page.mouse.up()
    told(page, "2 selected")
    page.keyboard.press("1")
    told(page, f"2 images relabelled as {other}")
    moved = open_grid(project, "newest", other).ids.tolist()
    assert set(ids[:2]) <= set(moved)
    page.keyboard.press("ControlOrMeta+a")
    told(page, f"{len(ids)} selected")


def pick_some(page: Page) -> None:
    """Pick a few of each class: they alone are shown, by an address, and exported."""
    page.fill("input[name=images]", "6")
    page.select_option("select[name=way]", "diverse")
    page.click(".cu-pick button")
    told(page, "6 diverse images")
    page.wait_for_function("() => location.hash.includes('grid?') && location.hash.includes('sel')")
    page.click(".cu-grid-page .cu-turning button:text-is('Export')")
    page.wait_for_selector("[data-station=use][aria-current=page]")
    page.wait_for_selector("[data-part=plan]:has-text('6 images')")
    page.wait_for_function("() => location.hash.includes('/use?selection=')")
    page.go_back()
    page.wait_for_selector(".cu-grid-page [data-chip=selection]")
    page.click(".cu-grid-page [data-chip=selection] button")
    page.wait_for_selector(".cu-pick")


def at_the_end(page: Page, project: Project, last: int) -> None:
    """Go to the last image, which the bar does not cover, and decide on it with one key."""
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    page.wait_for_selector(f".cu-grid .cu-current[data-id='{last}'] img")
    page.wait_for_function(
        """() => {
          const [tile, bar] = ['.cu-grid .cu-current', '.cu-grid-foot'].map(
            (part) => document.querySelector(part).getBoundingClientRect());
          return tile.bottom <= bar.top + 1 && bar.bottom <= innerHeight;
        }"""
    )
    page.keyboard.press("k")
    told(page, "1 image kept")
    assert states(project, [last]) == ["kept"]
    page.keyboard.press("u")
    told(page, "Took back")


def test_a_project_opens_at_home(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Rows say what there is; a chip opens its queue; a class opens the grid."""
    rows = overview(sample_copy)
    sign = next(sign for sign in rows[0].signs if sign.queue == "suspicious")
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.wait_for_selector("[data-station=data][aria-current=page]")
        page.wait_for_selector(".cu-class-picture img")
        assert page.locator(".cu-class").count() == len(rows)
        assert str(rows[0].images) in page.inner_text(f"[data-class='{rows[0].label}']")
        assert page.locator(".cu-step .cu-primary").count() == 1
        page.click(f"[data-class='{rows[0].label}'] >> text={sign.words}")
        shows(page, "suspicious", rows[0].label)
        page.go_back()
        page.wait_for_selector("[data-station=data][aria-current=page]")

        page.click(f"[data-class='{rows[1].label}'] .cu-class-open")
        ends_in(page, f"/data/grid?class={rows[1].label}")
        page.wait_for_selector(".cu-grid [data-place='5'][data-id] img")
        page.select_option(".cu-grid-head [name=sort]", "size")
        ends_in(page, f"?class={rows[1].label}&sort=size")
        page.wait_for_selector(".cu-grid [data-place='5'][data-id] img")
        ids = open_grid(sample_copy, "size", rows[1].label).ids.tolist()
        shown = [
            page.get_attribute(f".cu-grid [data-place='{place}']", "data-id") for place in range(6)
        ]
        assert [int(each or 0) for each in shown] == ids[:6]

        selecting(page, sample_copy, ids, rows[0].label)

        at_the_end(page, sample_copy, ids[-1])

        pick_some(page)

        page.locator(".cu-slider").fill("64")
        page.wait_for_function("() => document.querySelector('.cu-grid .cu-tile').offsetWidth < 90")
        page.reload()
        page.wait_for_selector(".cu-grid .cu-tile[data-id] img")
        ends_in(page, f"?class={rows[1].label}&sort=size")
        page.wait_for_function("() => document.querySelector('.cu-grid .cu-tile').offsetWidth < 90")
        # One is looked at in Review, with all that is known of it.
        page.dblclick(".cu-grid [data-place='4']")
        page.wait_for_selector(".cu-zoom")
        page.wait_for_function("() => location.hash.includes('image=')")
        assert watched.errors == []


@pytest.mark.slow
@pytest.mark.soak
def test_a_grid_of_very_many(
    open_page: Callable[[str], Page], watched: Watched, tmp_path: Path
) -> None:
    """Of 30,000 images only rows in sight are on the page; the last is reached, and decided on."""
    project = large_project(tmp_path / "large", 30_000)
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "data")
        open_the_grid(page)
        ids = open_grid(project).ids.tolist()
        assert len(ids) == 30_000
        for share in (0.5, 0.93, 0.1):
            page.evaluate(
                "share => { const m = document.querySelector('.cu-main');"
                " m.scrollTop = share * m.scrollHeight; }",
                share,
            )
            page.wait_for_function(
                """() => {
                  const tiles = [...document.querySelectorAll('.cu-grid .cu-tile')];
                  const there = tiles.filter((tile) => {
                    const box = tile.getBoundingClientRect();
                    return box.top > 100 && box.bottom < innerHeight - 100;
                  });
                  return there.length > 20 && there.every((tile) => tile.querySelector('img'));
                }"""
            )
            assert page.locator(".cu-grid .cu-tile").count() < 400
        page.keyboard.press("End")
        page.wait_for_selector(".cu-grid [data-place='29999'].cu-current img")
        assert page.get_attribute(".cu-grid [data-place='29999']", "data-id") == str(ids[-1])
        page.keyboard.press("k")
        told(page, "1 image kept")
        assert states(project, [ids[-1]]) == ["kept"]
        page.keyboard.press("Home")
        page.wait_for_selector(".cu-grid [data-place='0'].cu-current img")
        label = project.class_names()[2]
        page.click(f"[data-facet='{label}']")
        number = len(open_grid(project, label=label))
        page.wait_for_function(
            "n => document.querySelector('.cu-total').textContent.replaceAll(' ', '')"
            " === `${n}images`",
            arg=number,
        )
        page.wait_for_selector(".cu-grid [data-place='0'][data-id] img")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("x")
        told(page, "marked as unsure")
        assert len(project.queue("unsure", Filters(label=label))) == number
        page.keyboard.press("u")
        told(page, "Took back")
        assert len(project.queue("unsure")) == 0
        assert watched.errors == []
