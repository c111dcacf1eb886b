"""The gallery in Chromium: every queue, every key, mouse and touch, small and large windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.review.queue.kinds import BY_NEED, QUEUES, open_queue
from tests.browser.conftest import shared, start_page
from tests.browser.test_whole_job import choose_queue, decisions, go, press
from tests.large import large_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from curator.project import Project
    from tests.browser.conftest import Running, Watched

FAIL = """text => {
  const bar = document.querySelector(".cu-jobbar");
  bar.className = "cu-jobbar cu-failed";
  bar.querySelector(".cu-sentence").textContent = text;
}"""


@pytest.fixture
def dashboard() -> Iterator[Running]:
    """Give the dashboard; each test opens a project of its own in it."""
    with shared() as started:
        yield started


def review(page: Page, project: Project) -> Page:
    """Open a project from the start page, and its review."""
    page.fill("input[name=path]", str(project.path))
    page.click("button:text-is('Open')")
    page.wait_for_selector("[data-station=review]")
    go(page, "review")
    page.wait_for_selector(".cu-tile img")
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the page is cut to the window's size."""
    number = -1
    while number != (number := page.locator(".cu-tile").count()) or not number:
        page.wait_for_timeout(600)


def tile(page: Page, place: int) -> str:
    """Give the id of the image at a place of the page."""
    found = page.get_attribute(f".cu-tile[data-place='{place}']", "data-id")
    assert found is not None
    return found


def state_of(page: Page, image_id: str, state: str) -> None:
    """Wait until a tile shows a state."""
    page.wait_for_selector(f".cu-tile[data-id='{image_id}'].cu-is-{state}")


def focused(page: Page) -> str:
    """Give the place of the tile in focus."""
    return str(page.evaluate("document.activeElement.dataset.place"))


def test_every_key(  # noqa: PLR0915  one walk over the keyboard
    dashboard: Running,
    open_page: Callable[[str], Page],
    watched: Watched,
    sample_copy: Project,
) -> None:
    """Each key that the help names does what it says, and the ledger holds what the page shows."""
    page = review(open_page(dashboard.address), sample_copy)
    page.locator(".cu-tile").first.focus()
    ids = [tile(page, place) for place in range(8)]
    for key, state in (
        ("k", "kept"),
        ("d", "deleted"),
        ("x", "unsure"),
        ("n", "none"),
        ("m", "several"),
        ("Delete", "deleted"),
    ):
        here = tile(page, int(focused(page)))
        press(page, key, 1)
        state_of(page, here, state)
    assert focused(page) == "6"
    press(page, "u", -1)
    state_of(page, ids[5], "new")
    press(page, "Control+z", -1)
    state_of(page, ids[4], "new")
    press(page, "y", 1)
    press(page, "Control+Shift+z", 1)
    state_of(page, ids[5], "deleted")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "7"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("s")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Space")
    assert page.locator(".cu-tile[aria-selected=true]").count() == 2
    page.keyboard.press("Escape")
    assert page.locator(".cu-tile[aria-selected=true]").count() == 0
    page.keyboard.press("Home")
    assert focused(page) == "0"
    page.keyboard.press("End")
    last = page.locator(".cu-tile").count() - 1
    assert focused(page) == str(last)
    page.keyboard.press("Shift+ArrowLeft")
    press(page, "k", 2)
    page.keyboard.press("ArrowUp")
    assert int(focused(page)) < last
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+a")
    assert page.locator(".cu-tile[aria-selected=true]").count() == last + 1
    page.keyboard.press("Escape")

    page.keyboard.press("Home")
    page.keyboard.press("r")
    page.keyboard.type("ei")
    page.wait_for_selector("#cu-typed-0:has-text('eight')")
    press(page, "Enter", 1)
    page.wait_for_selector(".cu-tile[data-place='0'] .cu-label:has-text('eight')")
    page.keyboard.press("Home")
    page.keyboard.press("r")
    page.keyboard.type("scribble")
    page.wait_for_selector("#cu-typed-0:has-text('new class')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cu-tile[data-place='0'] .cu-label:has-text('scribble')")
    page.keyboard.press("Home")
    page.keyboard.press("1")
    page.wait_for_selector(".cu-tile[data-place='0'] .cu-label:has-text('three')")

    page.keyboard.press("Space")
    page.wait_for_selector(".cu-zoom .cu-reasons")
    page.keyboard.press("w")
    page.wait_for_selector(".cu-why-map")
    assert page.locator(".cu-why figcaption").all_inner_texts()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".cu-zoom .cu-reasons")
    page.wait_for_selector(".cu-why-map")
    page.keyboard.press("w")
    page.wait_for_selector(".cu-why", state="detached")
    page.keyboard.press("d")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('.cu-zoom')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".cu-zoom", state="detached")
    page.locator(".cu-tile").first.focus()
    page.keyboard.press("z")
    page.wait_for_selector(".cu-zoom")
    page.keyboard.press("z")
    page.wait_for_selector(".cu-zoom", state="detached")

    page.keyboard.press("?")
    page.wait_for_selector(".cu-help:has-text('page is')", state="detached")
    assert page.is_visible(".cu-help")
    page.keyboard.press("Escape")
    small = page.locator(".cu-tile").count()
    page.locator(".cu-tile").first.focus()
    page.keyboard.press("-")
    page.wait_for_function("n => document.querySelectorAll('.cu-tile').length > n", arg=small)
    many = page.locator(".cu-tile").count()
    page.keyboard.press("+")
    page.wait_for_function("n => document.querySelectorAll('.cu-tile').length < n", arg=many)
    page.locator(".cu-tile").first.focus()
    before = tile(page, 0)
    page.keyboard.press("PageDown")
    page.wait_for_selector(f".cu-tile[data-id='{before}']", state="detached")
    page.keyboard.press("PageUp")
    page.wait_for_selector(f".cu-tile[data-id='{before}']")
    new = page.locator(".cu-tile.cu-is-new").count()
    press(page, "Enter", new)
    page.wait_for_selector(f".cu-tile[data-id='{before}']", state="detached")
    assert decisions(page) == sample_copy.status().decisions
    assert watched.errors == []
    assert watched.foreign == []


def test_every_queue(
    dashboard: Running, open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Each queue of the menu opens with its count and its meaning, and filters narrow it."""
    ids = sample_copy.rank(10)["image_id"].tolist()
    for number, action in enumerate(("unsure", "several", "none", "delete", "keep")):
        sample_copy.decide(ids[number * 2 : number * 2 + 2], action)  # type: ignore[arg-type]
    page = review(open_page(dashboard.address), sample_copy)
    for kind, queue in QUEUES.items():
        if queue.asks or queue.group == BY_NEED:
            continue  # not in the menu, as every image has a label
        choose_queue(page, kind)
        wanted = f"{len(open_queue(sample_copy, kind).ids)} in queue"
        page.wait_for_selector(f".cu-meaning:has-text('{wanted}'):has-text('{queue.meaning[:20]}')")
        assert page.locator(".cu-error").count() == 0
    choose_queue(page, "all")
    page.click("text=Filters")
    page.fill("input[name=text]", "listed=8")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Filters · 1")
    page.select_option("select[name=split]", "valid")
    page.wait_for_selector("text=Filters · 2")
    narrowed = page.inner_text(".cu-meaning")
    page.click("text=Clear filters")
    page.wait_for_function(
        "t => document.querySelector('.cu-meaning').innerText !== t", arg=narrowed
    )
    assert watched.errors == []


def test_mouse(
    dashboard: Running, open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Ctrl and Shift clicks and a box select; a double click enlarges; buttons decide."""
    page = review(open_page(dashboard.address), sample_copy)
    selected = page.locator(".cu-tile[aria-selected=true]")
    page.click(".cu-tile[data-place='1']")
    page.click(".cu-tile[data-place='3']", modifiers=["Shift"])
    assert selected.count() == 3
    page.click(".cu-tile[data-place='2']", modifiers=["Control"])
    assert selected.count() == 2
    page.click(".cu-tile[data-place='0']")
    assert selected.count() == 0
    first, third = (
        page.locator(f".cu-tile[data-place='{place}']").bounding_box() for place in (0, 2)
    )
    assert first
    assert third
    page.mouse.move(first["x"] + 20, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(third["x"] + 30, third["y"] + 60, steps=5)
    page.wait_for_selector(".cu-box")
    page.mouse.up()
    assert selected.count() == 3
    before = decisions(page)
    page.click(".cu-foot button:has-text('no class')")
    page.wait_for_selector(f".cu-counts:has-text('{before + 3} decisions')")
    page.dblclick(".cu-tile[data-place='4'] .cu-picture")
    page.wait_for_selector(".cu-zoom .cu-details h3")
    page.click(".cu-zoom-foot button:has-text('keep')")
    page.wait_for_selector(f".cu-counts:has-text('{before + 4} decisions')")
    page.click(".cu-zoom [aria-label=Close]")
    page.click(".cu-foot button:has-text('undo')")
    page.wait_for_selector(f".cu-counts:has-text('{before + 3} decisions')")
    page.set_viewport_size({"width": 640, "height": 400})  # as a window of 1280 x 800 at 200 %
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.locator(".cu-rest").scroll_into_view_if_needed()
    page.click(".cu-tile[data-place='1']")
    assert watched.errors == []


def test_one_gesture_decides_once_on_what_is_visibly_chosen(
    dashboard: Running, open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Keys live on arrival, a ring after a click; a double click or a held key decides once."""
    page = review(open_page(dashboard.address), sample_copy)
    ringed = page.locator(".cu-tile.cu-current")
    before = decisions(page)
    assert ringed.get_attribute("data-place") == "0"
    press(page, "d", makes=1)  # the focus is still on the rail
    page.click(".cu-tile[data-place='3'] .cu-picture")
    assert ringed.get_attribute("data-place") == "3"
    assert ringed.evaluate("tile => getComputedStyle(tile, '::after').borderStyle") == "solid"
    chosen, following = tile(page, 3), tile(page, 4)
    page.dblclick(".cu-foot button:has-text('delete')")
    state_of(page, chosen, "deleted")
    page.wait_for_timeout(300)  # for a decision that must not come
    state_of(page, following, "new")
    page.click(".cu-tile[data-place='4'] .cu-picture")
    page.keyboard.down("k")
    page.keyboard.down("k")  # which repeats
    page.keyboard.up("k")
    state_of(page, following, "kept")
    left = page.locator(".cu-tile.cu-is-new").count()
    page.dblclick(".cu-rest")
    page.wait_for_selector(f".cu-counts:has-text('{before + 3 + left} decisions')")
    page.wait_for_timeout(300)
    assert decisions(page) == before + 3 + left
    assert watched.errors == []


def test_a_phone(dashboard: Running, browser: Browser, sample_copy: Project) -> None:
    """By touch: hold to select, tap to select more, buttons decide; nothing is wider than it."""
    context = browser.new_context(
        viewport={"width": 390, "height": 760}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(dashboard.address)
    page.wait_for_selector(".cu-header")
    start_page(page)
    review(page, sample_copy)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finger = "{ bubbles: true, pointerType: 'touch', button: 0 }"
    down = f"tile => tile.dispatchEvent(new PointerEvent('pointerdown', {finger}))"
    page.eval_on_selector(".cu-tile[data-place='0']", down)
    page.wait_for_selector(".cu-tile[data-place='0'][aria-selected=true]")
    page.evaluate(f"window.dispatchEvent(new PointerEvent('pointerup', {finger}))")
    page.tap(".cu-tile[data-place='1']")
    page.wait_for_selector(".cu-tile[data-place='1'][aria-selected=true]")
    page.tap(".cu-foot button:has-text('delete')")
    page.wait_for_selector(".cu-tile[data-place='1'].cu-is-deleted")
    assert sample_copy.status().states["deleted"] == 2
    context.close()


def test_undo_goes_back_across_sessions(
    dashboard: Running, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """What one page decided another page, later, takes back to the beginning, and does again."""
    page = review(open_page(dashboard.address), sample_copy)
    page.locator(".cu-tile").first.focus()
    for key in ("d", "k", "x"):
        press(page, key, 1)
    page.close()
    page = review(open_page(dashboard.address), sample_copy)
    page.locator(".cu-tile").first.focus()
    for _ in range(3):
        press(page, "u", -1)
    page.keyboard.press("u")
    page.wait_for_selector(".cu-status:has-text('left to undo')")
    assert page.is_disabled(".cu-foot button:has-text('undo')")
    for _ in range(3):
        press(page, "y", 1)
    assert sample_copy.status().states | {"new": 0} == {
        "new": 0,
        "deleted": 1,
        "kept": 1,
        "unsure": 1,
    } | {key: 0 for key in sample_copy.status().states if key not in ("deleted", "kept", "unsure")}


def test_a_page_of_decisions_refits_and_the_place_survives_a_reload(
    dashboard: Running, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """After Enter a new ranking comes by itself; the page stays, also when it is loaded again."""
    page = review(open_page(dashboard.address), sample_copy)
    page.locator(".cu-tile").first.focus()
    press(page, "d", 1)
    press(page, "Enter", page.locator(".cu-tile.cu-is-new").count())
    page.wait_for_selector(".cu-tile[data-place='0'].cu-is-new")
    here = [tile(page, place) for place in range(6)]
    page.wait_for_function("() => document.querySelector('.cu-advice')?.innerText")
    for _ in range(300):
        if len(sample_copy.runs()) > 1:
            break
        page.wait_for_timeout(200)
    page.wait_for_timeout(600)
    assert [tile(page, place) for place in range(6)] == here
    page.reload()
    page.wait_for_selector(".cu-tile img")
    page.wait_for_timeout(500)
    assert tile(page, 0) == here[0]


@pytest.mark.slow
def test_five_thousand_images(
    dashboard: Running, open_page: Callable[[str], Page], watched: Watched, tmp_path: Path
) -> None:
    """A large project opens, pages fill the window without scrolling, and far pages are there."""
    with large_project(tmp_path / "large", 5000) as project:
        page = review(open_page(dashboard.address), project)
        choose_queue(page, "all")
        page.wait_for_selector(".cu-meaning:has-text('5\u2009000 in queue')")
        for width, height in ((1024, 768), (1920, 1080), (3840, 2160)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)  # a window that is being resized is left alone
            settle(page)
            last = page.locator(".cu-tile").last.bounding_box()
            foot = page.locator(".cu-foot").bounding_box()
            assert last
            assert foot
            assert last["y"] + last["height"] <= foot["y"] + 2
        number = page.locator(".cu-tile").count()
        for _ in range(3):
            before = tile(page, 0)
            page.click("[aria-label='Next page']")
            page.wait_for_selector(f".cu-tile[data-id='{before}']", state="detached")
        assert int(tile(page, 0)) == 3 * number + 1
    assert watched.errors == []


def test_what_was_done_covers_no_button(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """The word of a job, however long, leaves the stations, the sizes and the drawer in reach."""
    sample_copy.train()  # what ended some minutes ago is no news
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        for width in (1024, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            page.click("[data-station=review]")
            page.wait_for_selector(".cu-tile img")
            page.wait_for_selector(".cu-jobbar .cu-sentence")
            for button in (".cu-sizes button:text-is('L')", ".cu-drawer", "[data-station=use]"):
                page.click(button, trial=True, timeout=5000)
            page.evaluate(FAIL, "Something went wrong that takes a long sentence to be told. " * 3)
            for button in (".cu-sizes button:text-is('L')", ".cu-drawer", "[data-station=use]"):
                page.click(button, trial=True, timeout=5000)
            page.click(".cu-jobbar [aria-label=Dismiss]", trial=True, timeout=5000)
