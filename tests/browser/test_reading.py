"""The page on a project that cannot be written: it says so, shows everything, changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import DASHBOARD, running
from tests.browser.test_gallery import settle
from tests.conftest import copy_project
from tests.security.test_read_only import UNSHARE, mounted
from tests.store.test_database import contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Watched


@mounted
def test_a_mounted_backup_is_looked_at(
    sample_folder: Path, tmp_path: Path, open_page: Callable[[str], Page], watched: Watched
) -> None:
    """The header tells why and what to do; pictures are shown; a decision and a job are refused."""
    project = copy_project(sample_folder, tmp_path / "backup")
    before = contents(project)
    mount = f"mount --bind '{project}' '{project}' && mount -o remount,ro,bind '{project}'"
    start = (*UNSHARE, "sh", "-c", f'{mount} && exec "$@"', "sh")
    with running(tmp_path, project, (*start, *DASHBOARD)) as dashboard:
        page = open_page(dashboard.address)
        note = page.wait_for_selector(".cu-reading")
        assert note is not None
        said = note.inner_text()
        assert said.startswith("Reading mode. ")
        assert "mounted for reading only. To go on working, copy the project's folder" in said
        page.click("[data-station=review]")
        page.wait_for_function(
            "() => document.querySelectorAll('.cu-gallery img, .cu-gallery canvas').length > 4"
        )
        settle(page)  # a key pressed while the page takes its size is for what was there before
        page.focus(".cu-tile[tabindex='0']")
        page.keyboard.press("d")
        bar = page.wait_for_selector(".cu-jobbar.cu-failed .cu-sentence")
        assert bar is not None
        assert "project.db cannot be written" in bar.inner_text()
        page.click(".cu-jobbar [aria-label=Dismiss]")
        page.click("[data-station=train]")
        page.click(".cu-main button:text-matches('^(Train|Retrain)')")
        bar = page.wait_for_selector(".cu-jobbar.cu-failed .cu-sentence")
        assert bar is not None
        assert "mounted for reading only" in bar.inner_text()
    assert contents(project) == before
    assert watched.errors == []
