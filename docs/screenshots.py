"""Take pictures of the running page: `make screenshots`, or some by `screenshots.py bears sample`.

Makes projects in a temporary folder, does some reviewing in Chromium, and writes the README's
pictures beside this file, and one of every other panel and state into `states/` (not in git), to
be looked at. Every view is taken in five windows, of the sample and, where `CURATOR_BEARS` names
the folder of the bears, of photographs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Iterator
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
PHONE = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
WINDOWS: dict[str, dict[str, object]] = {
    "1280": {"viewport": SIZE},
    "1920": {"viewport": {"width": 1920, "height": 1080}},
    "phone": PHONE,
    "dark": {"viewport": SIZE, "color_scheme": "dark"},
    "3840": {"viewport": {"width": 3840, "height": 2160}},
}
VIEWS = ("data", "data/grid", "data/map", "collect", "check", "train", "review", "use")
LONGEST = 4000  # pixels of a picture of a view that is taller than its window
BESIDE = HERE.parents[1] / "shared" / "data" / "bears"
PICTURED = {  # what is there when a station has its pictures
    "data": ".cu-class-picture img",
    "collect": ".cu-newest img",
    "check": ".cu-problems .cu-strip img",
    "train": ".cu-mistakes img",
    "review": ".cu-review .cu-tile img",
}
ODD = [
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "a class name of sixty letters that goes on and on until here",
    "日本語の長いクラス名をここに入れておくと幅がどうなるか確かめる",
]


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
def photographs(folder: Path, bears: Path) -> Iterator[Project]:
    """Give a project of photographs, trained, and laid out on a map."""
    with Project.create(folder, name="bears") as project:
        project.import_files(bears)
        project.check()
        project.train()
        project.map()
        yield project


def in_windows(
    folder: Path,
    project: Project,
    browser: Browser,
    picture: Path | None = None,
    called: str = "",
    windows: Collection[str] = tuple(WINDOWS),
) -> None:
    """Every view in these windows, whole where it is a page to read; ``picture``: to try."""
    with running(folder / f"windows {project.name} {called}", project.path) as dashboard:
        for window in windows:
            context = browser.new_context(**WINDOWS[window])
            page = context.new_page()
            page.goto(dashboard.address)
            page.wait_for_selector("[data-station=review]")
            for view in VIEWS:
                page.evaluate("view => { location.hash = `#/${view}` }", view)
                page.wait_for_selector(f"[data-station={view.split('/')[0]}][aria-current=page]")
                page.wait_for_timeout(2500)
                if view == "use" and picture:
                    page.set_input_files(".cu-try input[type=file]", picture)
                    page.wait_for_selector(".cu-try-answer .cu-verdict", timeout=60_000)
                    page.wait_for_timeout(1500)
                name = f"{called or project.name}-{view}-{window}".replace("/", "-")
                if view in ("data/grid", "data/map", "review"):
                    page.screenshot(path=STATES / f"{name}.png")
                else:
                    whole(page, STATES / f"{name}.png")
            context.close()


def whole(page: Page, path: Path) -> None:
    """Picture a view with what is below the window's edge."""
    size = page.viewport_size
    assert size is not None
    lower = page.evaluate(
        "(m => m.scrollHeight - m.clientHeight)(document.querySelector('.cu-main'))"
    )
    page.set_viewport_size({**size, "height": min(LONGEST, size["height"] + lower)})
    page.wait_for_timeout(600)
    page.screenshot(path=path)
    page.set_viewport_size(size)


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
        for station in ("data", "collect", "check", "train", "review"):
            go(page, station)
            page.wait_for_selector(PICTURED[station])
            page.wait_for_timeout(500)
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
    with shown(folder / "p", project, browser, **PHONE) as page:
        take(page, "review", "phone")
        page.locator(".cu-tile").first.dblclick()
        page.wait_for_timeout(900)
        page.screenshot(path=STATES / "phone-zoom.png")


def main() -> None:
    """Write the pictures of the parts that are named, by default of all."""
    STATES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for name in sys.argv[1:] or PARTS:
            PARTS[name](Path(place), browser)
        browser.close()


def of_sample(folder: Path, browser: Browser) -> None:
    """What the documents show, and every state, of the sample."""
    with sample(folder / "handwritten digits") as project:
        readme(folder, project, browser)
        states(folder, project, browser)
        in_windows(folder, project, browser)


def of_bears(folder: Path, browser: Browser) -> None:
    """Photographs, where they are at hand; then under names that are long or of another script."""
    bears = Path(os.environ.get("CURATOR_BEARS", BESIDE))
    if not bears.is_dir():
        return
    with photographs(folder / "bears", bears) as project:
        in_windows(folder, project, browser, next(bears.rglob("*.jpg")))
        for before, name in zip(project.class_names(), ODD, strict=True):
            project.rename_class(before, name)
        in_windows(folder, project, browser, called="odd-names", windows=("1280", "phone"))


def of_numbers(folder: Path, browser: Browser) -> None:
    """From one class to 200, one image and 100,000."""
    for classes, images in ((1, 1), (1, 400), (2, 400), (20, 400), (200, 3000), (10, 100_000)):
        name = f"{classes} classes {images} images"
        with large_project(folder / name, images, classes=classes) as project:
            in_windows(folder, project, browser, windows=("1280", "phone"))


def of_nothing(folder: Path, browser: Browser) -> None:
    """Stations before there is an image."""
    with Project.create(folder / "empty", ["cats", "dogs"], name="empty") as project:
        in_windows(folder, project, browser, windows=("1280", "phone"))


PARTS = {"sample": of_sample, "bears": of_bears, "numbers": of_numbers, "nothing": of_nothing}


if __name__ == "__main__":
    main()
