"""The page on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import shared
from tests.browser.test_whole_job import go
from tests.large import large_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project


def test_on_a_phone_the_action_bar_takes_two_rows(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Decisions with undo, and the way on: none outside the window, each of a finger's size."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_viewport_size({"width": 390, "height": 760})
        go(page, "review")
        page.wait_for_selector(".cu-tile img")
        boxes = page.eval_on_selector_all(
            ".cu-foot .cu-button", "all => all.map(one => one.getBoundingClientRect().toJSON())"
        )
        assert len({round(box["top"]) for box in boxes}) == 2
        assert min(min(box["width"], box["height"]) for box in boxes) >= 40
        outside = page.eval_on_selector_all(
            ".cu-foot .cu-turning .cu-button",
            "all => all.filter(one => one.getBoundingClientRect().right > innerWidth).length",
        )
        assert outside == 0
        rail = page.locator("[data-station=review]").bounding_box()
        assert rail is not None
        assert rail["x"] >= 0
        assert rail["x"] + rail["width"] <= 390


def test_two_hundred_classes_fit_a_phone(open_page: Callable[[str], Page], tmp_path: Path) -> None:
    """No mark is cut, nothing stands outside the window, and small classes are folded."""
    with large_project(tmp_path / "many", 800, classes=200) as project:
        project.rename_class(
            "class 00", "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen"
        )
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_viewport_size({"width": 390, "height": 760})
        go(page, "check")
        page.wait_for_selector("[data-part=folded] > summary")
        assert page.locator(".cu-problems > li:visible").count() <= 10
        for station in ("check", "train", "collect", "data", "review"):
            go(page, station)
            page.wait_for_selector(".cu-main .cu-badge:visible")
            cut = page.eval_on_selector_all(
                ".cu-main .cu-badge",
                "all => all.filter(b => b.scrollWidth > b.clientWidth).map(b => b.innerText)",
            )
            assert (station, cut) == (station, [])
            wide = page.evaluate(
                "(main => main.scrollWidth - main.clientWidth)(document.querySelector('.cu-main'))"
            )
            assert (station, wide) == (station, 0)
