"""Take the README's pictures from the running page: `make screenshots`.

Makes a project from the embedded sample in a temporary folder, does some reviewing in Chromium,
and writes the pictures beside this file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from curator.project import Project  # noqa: E402  after the path is set
from tests.browser.conftest import CHROMIUM, QUIET, running  # noqa: E402

SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Write one picture a station, and the review in the dark."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with Project.create(folder / "handwritten digits", name="handwritten digits") as project:
            project.run("sample")
            project.run("check")
            project.run("train")
            worst = project.rank(30)
            wrong = worst[worst["suggested_label"] != ""].iloc[5:20]
            for row in wrong.itertuples():
                project.decide([int(row.image_id)], "relabel", str(row.suggested_label))
            project.run("train")
        with running(folder, project.path) as dashboard, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            page = browser.new_page(viewport=SIZE)
            page.goto(dashboard.address)
            page.wait_for_selector(".cu-header")
            for station in ("collect", "check", "train", "review", "export"):
                page.click(f"[data-station={station}]")
                page.wait_for_timeout(800)
                if station == "review":
                    review(page)
                page.screenshot(path=HERE / f"{station}.png")
            page.emulate_media(color_scheme="dark")
            page.click("[data-station=review]")
            page.wait_for_timeout(500)
            page.screenshot(path=HERE / "review-dark.png")
            browser.close()


def review(page: Page) -> None:
    """Take some decisions, so that the picture shows what they look like."""
    page.locator(".cu-tile").first.focus()
    for key in ("d", "3", "k", "x"):
        page.keyboard.press(key)
        page.wait_for_timeout(250)


if __name__ == "__main__":
    main()
