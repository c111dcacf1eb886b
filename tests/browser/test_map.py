"""The map: drawn around and decided on by mouse, and by keys; taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from curator.find.map import kept
from tests.browser.conftest import shared
from tests.browser.test_address import ends_in
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched


def told(page: Page, words: str) -> None:
    """Wait until the foot of the map says it."""
    page.wait_for_function(
        "words => document.querySelector('.cu-map-foot .cu-told').textContent.includes(words)",
        arg=words,
    )


def number_selected(page: Page) -> int:
    """Give how many images are selected, as the foot says it."""
    page.wait_for_selector(".cu-map-share strong")
    return int(page.inner_text(".cu-map-share strong").split(" selected")[0].replace(" ", ""))


def deleted(project: Project) -> int:
    """Count what is left out."""
    return len(project.queue("trash"))


def leave_selection(page: Page) -> None:
    """Remove the filter by its chip, and come back to it."""
    page.click("[data-chip=selection] button")
    page.wait_for_function("() => !location.hash.includes('selection')")
    assert page.locator("[data-chip]").count() == 0
    page.go_back()
    page.wait_for_selector("[data-chip=selection]")


def test_from_lasso_to_decision_by_mouse_and_by_keys(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Without a map a button makes it; a lasso and a box of the keys select; undo takes back."""
    before = deleted(sample_copy)
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "data")
        page.click(".cu-data-tab:visible >> text=Map")
        page.click(".cu-map-blank [name=make]")
        page.wait_for_selector(".cu-map-stage")
        ends_in(page, "/data/map?by=class")
        page.wait_for_selector(".cu-map-legend [data-code='0']")

        # By mouse: a line around the middle, drawn in the lasso's mode.
        page.click(".cu-map-tool[name=lasso]")
        box = page.locator(".cu-map-stage").bounding_box()
        assert box is not None
        left, top, wide, tall = (box[key] for key in ("x", "y", "width", "height"))
        page.mouse.move(left + 0.25 * wide, top + 0.2 * tall)
        page.mouse.down()
        for x, y in ((0.75, 0.2), (0.75, 0.8), (0.25, 0.8)):
            page.mouse.move(left + x * wide, top + y * tall, steps=3)
        page.mouse.up()
        number = number_selected(page)
        assert number > 5
        told(page, "wrong")  # how many wrong labels are likely
        page.keyboard.press("d")
        told(page, f"{number} images deleted")
        assert deleted(sample_copy) == before + number
        page.keyboard.press("u")
        told(page, "Took back")
        assert deleted(sample_copy) == before

        # By keys alone: a box in the middle, larger, and what is in it.
        page.focus(".cu-map-stage")
        page.keyboard.press("ArrowRight")
        for _ in range(3):
            page.keyboard.press("Shift+ArrowDown")
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        number = number_selected(page)
        page.keyboard.press("x")
        told(page, "marked as unsure")
        page.keyboard.press("u")
        told(page, "Took back")

        # The legend filters, a colour has an address, and a selection is a queue.
        page.select_option(".cu-map-head [name=by]", "suspicion")
        ends_in(page, "/data/map?by=suspicion")
        page.wait_for_selector(".cu-map-scale")
        page.keyboard.press("ControlOrMeta+a")
        number = number_selected(page)
        page.click(".cu-map-foot [name=open]")
        page.wait_for_selector("[data-station=review][aria-current=page]")
        page.wait_for_selector(".cu-tiles .cu-tile img")
        assert f"{number} in queue" in page.inner_text(".cu-meaning")
        leave_selection(page)
        page.go_back()
        page.wait_for_selector(".cu-map-stage")
        assert watched.errors == []


def test_by_touch_on_a_phone_and_of_another_network(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """A map of other features says so until it is made anew; all fits, and a finger draws."""
    sample_copy.map()
    found = kept.read_all(sample_copy)
    assert found is not None
    other = replace(found, shown=replace(found.shown, features="another-v1"))
    kept.write(sample_copy, other)
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_viewport_size({"width": 390, "height": 844})
        go(page, "data")
        page.click(".cu-data-tab:visible >> text=Map")
        page.wait_for_selector(".cu-map-other:has-text('another network')")
        page.click(".cu-map-other [name=anew]")
        page.wait_for_selector(".cu-map-other", state="detached")
        wide = page.evaluate("document.querySelector('.cu-main').scrollWidth")
        assert wide <= 390
        page.wait_for_selector(".cu-map-legend [data-code='0']")
        boxes = [page.locator(part).bounding_box() for part in (".cu-map-stage", ".cu-map-legend")]
        stage, legend = boxes
        assert stage is not None
        assert legend is not None
        assert legend["y"] + legend["height"] <= stage["y"] + 1
        page.click(".cu-map-tool[name=lasso]")
        finger = page.context.new_cdp_session(page)

        def touch(kind: str, *spots: tuple[float, float]) -> None:
            points = [
                {"x": stage["x"] + x * stage["width"], "y": stage["y"] + y * stage["height"]}
                for x, y in spots
            ]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", (0.1, 0.1))
        for spot in ((0.9, 0.1), (0.9, 0.9), (0.1, 0.9)):
            touch("touchMove", spot)
        touch("touchEnd")
        assert number_selected(page) > 5
    assert kept.state(sample_copy) == "ready"
    assert watched.errors == []
