"""A server that is stopped, goes on and is killed, as the page shows it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError as Impatient

from tests.browser.conftest import running
from tests.browser.test_whole_job import decisions, go, press

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project

BANNER = ".cu-lost[role=alert]"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot halt a process")
def test_a_lost_server_looks_dead_and_a_halted_one_comes_back(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """A banner; controls and keys are dead; what was typed stays; it goes on by itself."""
    with running(tmp_path, sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.click("[data-station=collect]")
        page.fill("textarea >> visible=true", "https://example.org/typed.jpg")
        dashboard.process.send_signal(signal.SIGSTOP)
        page.wait_for_selector(BANNER, timeout=10_000)
        assert page.evaluate("document.querySelector('.cu-app').inert")
        with pytest.raises(Impatient):
            page.click("[data-station=review]", timeout=500)
        dashboard.process.send_signal(signal.SIGCONT)
        page.wait_for_selector(BANNER, state="detached", timeout=10_000)
        assert page.input_value("textarea >> visible=true") == "https://example.org/typed.jpg"
        go(page, "review")
        page.wait_for_selector(".cu-tile img")
        press(page, "k", makes=1)
        made = decisions(page)
        dashboard.process.kill()
        page.wait_for_selector(BANNER, timeout=10_000)
        place = page.get_attribute(".cu-tile.cu-current", "data-place")
        page.keyboard.press("d")
        page.wait_for_timeout(300)  # for a step that must not come
        assert page.get_attribute(".cu-tile.cu-current", "data-place") == place
        assert decisions(page) == made
        assert "Load again" not in page.inner_text(BANNER)
