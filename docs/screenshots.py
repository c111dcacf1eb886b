"""Take pictures of the running page: `make screenshots`.

Makes projects in a temporary folder, does some reviewing in Chromium, and writes the README's
pictures beside this file, and one of every other panel and state into `states/` (not in git), to
be looked at.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from curator.project import Project  # noqa: E402  after the path is set
from tests.browser.conftest import CHROMIUM, QUIET, running  # noqa: E402
from tests.large import large_project  # noqa: E402

STATES = HERE / "states"
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Write all pictures."""
    STATES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        folder = Path(place)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with sample(folder / "handwritten digits") as project:
            readme(folder, project, browser)
            states(folder, project, browser)
        with (
            Project.create(folder / "empty", ["cats", "dogs"], name="empty") as project,
            shown(folder / "e", project, browser) as page,
        ):
            for station in ("data", "collect", "check", "train", "review", "use"):
                take(page, station, f"empty-{station}")
        with (
            large_project(folder / "forty classes", 3000, classes=40) as project,
            shown(folder / "f", project, browser) as page,
        ):
            take(page, "review", "forty-classes")
            wide(page, "forty-classes-4k", 3840, 2160)
        browser.close()


@contextmanager
def sample(folder: Path) -> Iterator[Project]:
    """Give the sample, trained, reviewed a little, and trained again."""
    with Project.create(folder, name="handwritten digits") as project:
        project.take_sample()
        project.check()
        project.train()
        worst = project.rank(30)
        wrong = worst[worst["suggested_label"] != ""].iloc[5:20]
        for row in wrong.itertuples():
            project.decide([int(row.image_id)], "relabel", str(row.suggested_label))
        project.train()
        yield project


@contextmanager
def shown(folder: Path, project: Project, browser: Browser, **how: object) -> Iterator[Page]:
    """Give a page on which the project is open."""
    with running(folder, project.path) as dashboard:
        context = browser.new_context(**{"viewport": SIZE, **how})
        page = context.new_page()
        page.goto(dashboard.address)
        page.wait_for_selector(".cu-header")
        yield page
        context.close()


def go(page: Page, station: str) -> None:
    """Use the rail, and wait until all is drawn."""
    page.click(f"[data-station={station}]")
    page.wait_for_timeout(1800 if station == "review" else 900)


def take(page: Page, station: str, name: str) -> None:
    """Picture a station."""
    go(page, station)
    page.screenshot(path=STATES / f"{name}.png")


def wide(page: Page, name: str, width: int, height: int) -> None:
    """Picture what is shown in a window of another size."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(1200)
    page.screenshot(path=STATES / f"{name}.png")
    page.set_viewport_size(SIZE)
    page.wait_for_timeout(600)


def readme(folder: Path, project: Project, browser: Browser) -> None:
    """The stations that the documents show, and the review in the dark."""
    with shown(folder / "r", project, browser) as page:
        page.click(".cu-jobbar [aria-label=Dismiss]")
        for station in ("collect", "check", "train", "review"):
            go(page, station)
            if station == "review":
                review(page)
            page.screenshot(path=HERE / f"{station}.png")
        page.emulate_media(color_scheme="dark")
        go(page, "review")
        page.screenshot(path=HERE / "review-dark.png")


def review(page: Page) -> None:
    """Take some decisions, so that the picture shows what they look like."""
    page.locator(".cu-tile").first.focus()
    for key in ("d", "3", "k", "x"):
        page.keyboard.press(key)
        page.wait_for_timeout(250)


def states(folder: Path, project: Project, browser: Browser) -> None:  # noqa: PLR0915  a list
    """The review in all its states, and small and large windows."""
    with shown(folder / "s", project, browser) as page:
        page.click(".cu-brand")
        page.wait_for_selector(".cu-start")
        page.screenshot(path=STATES / "start.png")
        page.click(".cu-open")
        page.wait_for_selector("[data-station=review]")
        go(page, "review")
        page.locator(".cu-tile").first.focus()
        for name, key in (("zoom", "z"), ("keys", "?"), ("relabel", "r")):
            page.keyboard.press(key)
            page.wait_for_timeout(900)
            page.screenshot(path=STATES / f"review-{name}.png")
            page.keyboard.press("Escape")
        page.keyboard.press("r")
        page.keyboard.type("letter")
        page.screenshot(path=STATES / "review-new-class.png")
        page.keyboard.press("Escape")
        for size in ("S", "L", "M"):
            page.click(f".cu-sizes button:text-is('{size}')")
            page.wait_for_timeout(700)
            page.screenshot(path=STATES / f"review-size-{size}.png")
        page.click("text=Filters")
        page.wait_for_timeout(300)
        page.screenshot(path=STATES / "review-filters.png")
        page.click("text=Filters")
        kinds = page.eval_on_selector_all(
            "select[name=queue] option", "all => all.map(o => o.value)"
        )
        page.click(".cu-more-queues")
        for kind in kinds:
            page.click(f"[data-queue='{kind}']")
            page.wait_for_timeout(500)
            page.screenshot(path=STATES / f"queue-{kind.replace(' ', '-')}.png")
        page.click("[data-queue=suspicious]")
        page.click(".cu-drawer")
        page.wait_for_timeout(500)
        unfold = "all => all.forEach(d => { d.open = true })"
        page.eval_on_selector_all(".cu-beside details", unfold)
        page.wait_for_timeout(1500)
        page.set_viewport_size({"width": 1280, "height": 2400})
        page.wait_for_timeout(1000)
        page.screenshot(path=STATES / "beside.png")
        page.set_viewport_size(SIZE)
        wide(page, "review-1024", 1024, 768)
        wide(page, "review-4k", 3840, 2160)
        wide(page, "review-200-percent", 640, 400)
        page.emulate_media(color_scheme="dark")
        page.keyboard.press("z")
        page.wait_for_timeout(700)
        page.screenshot(path=STATES / "review-dark-zoom.png")
    phone = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
    with shown(folder / "p", project, browser, **phone) as page:
        take(page, "review", "phone")
        page.locator(".cu-tile").first.dblclick()
        page.wait_for_timeout(900)
        page.screenshot(path=STATES / "phone-zoom.png")


if __name__ == "__main__":
    main()
