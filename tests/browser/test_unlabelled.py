"""Pictures without a label, in the page: they come in, are put in order, and get labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator import NO_LABEL
from tests.browser.conftest import shared
from tests.browser.test_whole_job import choose_queue, go
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched


def test_unlabelled_to_accepted(
    tmp_path: Path, open_page: Callable[[str], Page], watched: Watched, small: Project
) -> None:
    """What may be wrong is said before and after; a random tenth of it is audited."""
    loose = tmp_path / "loose"
    loose.mkdir()
    for number in range(10):
        (loose / f"{number}.png").write_bytes(encoded(picture(1000 + number)))
    small.import_files(loose, class_name=NO_LABEL)
    small.train()
    with shared(small.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "collect")
        tab = page.locator(".cu-tab", has_text=NO_LABEL)
        assert tab.inner_text().split()[-1] == "10"
        go(page, "review")
        page.wait_for_selector("[data-queue='label next']")
        choose_queue(page, "surest")
        page.wait_for_function("() => document.querySelectorAll('.cu-tile img').length === 10")
        assert page.locator(".cu-says").count() == 10
        first = page.locator(".cu-tile").first
        said = first.locator(".cu-says .cu-name").inner_text().rstrip("?")
        first.focus()
        page.keyboard.press("k")
        page.wait_for_selector(".cu-tile.cu-is-kept")
        assert first.locator(".cu-label .cu-name").inner_text() == said
        page.locator(".cu-status", has_text="1 image got the label").wait_for()
        page.keyboard.press("u")
        page.wait_for_selector(".cu-tile.cu-is-kept", state="detached")
        assert page.inner_text(".cu-rest").startswith("Accept these 10")
        page.wait_for_selector(".cu-advice:has-text('of these 10')")
        page.click(".cu-rest")
        status = page.locator(".cu-status", has_text="last page of this queue")
        assert "likely wrong" in status.inner_text()
        page.click(".cu-audit")
        page.wait_for_function("() => document.querySelectorAll('.cu-tile').length === 1")
        page.wait_for_selector("[data-chip=selection]")
    assert small.status().unlabelled == 0
    assert small.status().images == 40
    assert set(small.log(10)["action"]) == {"accept"}
    assert watched.errors == []
