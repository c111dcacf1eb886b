"""The sections beside the gallery in Chromium: keys, folding, errors beside their field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import shared
from tests.browser.test_whole_job import go, open_drawer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched

FOCUS = """(() => { const cell = document.activeElement.closest('td');
           return cell && [cell.parentNode.sectionRowIndex, cell.cellIndex - 1]; })()"""
ALL_LABELLED = """label => { const names = [...document.querySelectorAll('.cu-tile .cu-label')];
                   return names.length && names.every(n => n.textContent.includes(label)); }"""


def test_the_sections_beside_the_gallery(
    tmp_path: Path, open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """The matrix by keys, a cell, a fix but for one image; a class renamed and another merged."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "review")
        open_drawer(page)
        page.wait_for_selector(".cu-confusion .cu-matrix")
        matrix_by_keys(page)
        fix(page, sample_copy)
        edit_classes(page, sample_copy)
        for width in (1024, 390):
            page.set_viewport_size({"width": width, "height": 800})
            outside = page.evaluate(
                """() => { const edge = document.querySelector('.cu-main').getBoundingClientRect();
                   return [...document.querySelectorAll('.cu-beside *')].filter((node) =>
                     !node.closest('.cu-scroll, .cu-window')
                     && node.getBoundingClientRect().right > edge.right).length; }"""
            )
            assert outside == 0, f"{outside} elements do not fit {width} px"
    assert watched.errors == []
    assert watched.foreign == []


def matrix_by_keys(page: Page) -> None:
    """One tab stop; arrows, Home and End move; Enter opens the cell; figures by choice."""
    stops = page.locator(".cu-confusion .cu-matrix [tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    places = []
    for key in ("End", "ArrowDown", "Home", "Control+Home", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
        places.append(page.evaluate(FOCUS))
    assert places == [[0, 2], [1, 2], [1, 0], [0, 0], [0, 0], [0, 1]]
    assert stops.count() == 1
    said = page.inner_text(".cu-review .cu-said")
    assert said.startswith("three taken for five: ")
    page.select_option(".cu-review select[name=show]", "shares")
    share = float(said.split("(")[1].removesuffix(" %)"))
    assert page.inner_text("[data-cell='three/five']") == str(round(share))
    stops.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-cell='three/five'][aria-pressed=true]")
    page.wait_for_function(ALL_LABELLED, arg="three")


def fix(page: Page, project: Project) -> None:
    """An unticked image is left out of the batch, which is one act."""
    card = page.locator("[data-fix='near-duplicates']")
    card.locator("img").first.wait_for()
    images = card.locator("input[type=checkbox]").count()
    card.locator("input[type=checkbox]").first.uncheck()
    card.get_by_role("button", name=f"{images - 1} images").click()
    page.wait_for_selector(f".cu-fixes :text('{images - 1} images deleted. U takes it back.')")
    assert len(project.log()) == images - 1
    project.undo()


def edit_classes(page: Page, project: Project) -> None:
    """The editor opens in its row, keeps what was refused, and closes when it is done."""
    page.click(".cu-classes summary")
    page.click("[aria-label='Rename five']")
    page.keyboard.type("Three")  # over the old name, which is selected
    page.keyboard.press("Enter")
    page.wait_for_selector(".cu-classes [role=alert]:has-text('Three')")
    assert page.input_value("input[aria-label='New name of five']") == "Three"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Rename five"
    page.keyboard.press("Enter")
    page.keyboard.type("fives")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cu-classes :text('Renamed five to fives')")
    page.click("[aria-label='Merge fives into another class']")
    page.select_option("select[name=into]", "eight")
    page.click("button:has-text('the label eight')")
    page.wait_for_selector(".cu-classes :text('Merged fives into eight')")
    page.wait_for_selector(".cu-confusion .cu-matrix tbody tr >> nth=1")
    assert project.class_names() == ["three", "eight"]
