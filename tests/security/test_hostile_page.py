"""A hostile project on the page: names are text, nothing runs, and its jobs are offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.browser.conftest import (  # noqa: F401 -- fixtures
    CHROMIUM,
    Watched,
    browser,
    open_page,
    running,
    watched,
)
from tests.conftest import copy_project
from tests.security.attack import alter, queue_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
]

SCRIPT = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'


@pytest.mark.slow
def test_names_are_shown_as_text(
    sample_folder: Path,
    tmp_path: Path,
    open_page: Callable[[str], Page],  # noqa: F811
    watched: Watched,  # noqa: F811
) -> None:
    """Markup in every name of the database is text at every station, and a job is only offered."""
    hostile = copy_project(sample_folder, tmp_path / "hostile")
    out = tmp_path / "out"
    quoted = SCRIPT.replace("'", "''")
    alter(
        hostile,
        f"UPDATE classes SET name = name || '{quoted}'",
        f"UPDATE sources SET origin = 'javascript:window.evil=1//' || id, detail = '{quoted}', "
        f"listed_in = '{quoted}', final_address = 'javascript:window.evil=1'",
        "UPDATE sources SET state = 'failed', reason = 'dead', image_id = NULL WHERE id > 560",
        f"UPDATE tags SET name = '{quoted}' WHERE place = 1",
        f"UPDATE meta SET value = '{quoted}' WHERE key = 'name'",
        f"UPDATE decisions SET by = '{quoted}'",
        "UPDATE images SET file = '../../../../../../etc/passwd' WHERE id < 20",
    )
    queue_job(hostile, "export", out=str(out), evil=SCRIPT)
    with running(tmp_path, hostile) as dashboard:
        page = open_page(dashboard.address)
        page.wait_for_selector("[data-station=review]")
        offer = page.locator(".cu-offer")
        offer.wait_for()
        assert str(out) in offer.inner_text()
        assert SCRIPT.replace('"', '\\"') in offer.inner_text()
        for station in ("data", "collect", "check", "train", "review", "use"):
            page.click(f"[data-station={station}]")
            page.wait_for_timeout(700)
        page.click("[data-station=review]")
        page.wait_for_selector(".cu-tile, [role=gridcell], [role=option]")
        page.keyboard.press("Space")
        page.wait_for_timeout(700)
        assert SCRIPT in page.inner_text("body")
        assert page.evaluate("window.evil") is None
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("a[href^='javascript:window']").count() == 0
        offer.get_by_role("button", name="Dismiss it").click()
        offer.wait_for(state="detached")
        page.reload()
        page.wait_for_selector("[data-station=review]")
        page.wait_for_function("() => document.querySelector('.cu-offer') === null")
    assert watched.foreign == []
    assert not out.exists()
    with Project.open(hostile) as project:
        assert project.waiting_jobs() == []
