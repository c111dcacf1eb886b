"""The browser is opened without telling the token to the machine, and ends at a clean address."""

from __future__ import annotations

import re
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import CHROMIUM, DASHBOARD, running, shared
from tests.security.visiting import processes, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Watched

pytestmark = [
    pytest.mark.slow,  # starts dashboards
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
    pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the browser"),
]


@pytest.mark.slow
def test_the_browser_comes_by_a_private_file(tmp_path: Path, browser: Browser) -> None:
    """What stands in its command line is a file for this user alone; it is gone after arrival."""
    told = tmp_path / "told"
    stand_in = tmp_path / "browser"
    stand_in.write_text(
        f'#!/bin/sh\nsleep 1\nprintf %s "$1" > {told}.part\nmv {told}.part {told}\n'
    )
    stand_in.chmod(0o755)
    command = [word for word in DASHBOARD if word != "--no-browser"]
    with running(tmp_path, None, command, env={"BROWSER": f"{stand_in} %s"}) as dashboard:
        token = dashboard.address.split("token=")[1]
        wait_for(lambda: any("browser" in " ".join(words) for words in processes().values()))
        for words in processes().values():
            assert token not in " ".join(words)
        wait_for(told.exists)
        address = told.read_text()
        assert address.startswith("file://")
        file = Path(address.removeprefix("file://"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".cu-header", timeout=60_000)
        assert re.fullmatch(rf"{dashboard.base}/[0-9a-f]{{32}}/(#/)?", page.url)
        assert token not in page.evaluate("document.referrer + location.href + document.cookie")
        wait_for(lambda: not file.exists())
        private = file.parent
        context.close()
    assert not private.exists()


@pytest.mark.slow
def test_the_printed_address_ends_clean_and_its_cookie_is_a_sessions(
    tmp_path: Path, open_page: Callable[[str], Page], watched: Watched
) -> None:
    """No token in the address, the page or the way back; the cookie is for this page alone."""
    with running(tmp_path) as dashboard:
        token = dashboard.address.split("token=")[1]
        page = open_page(dashboard.address)
        assert re.fullmatch(rf"{dashboard.base}/[0-9a-f]{{32}}/(#/)?", page.url)
        assert token not in page.content()
        assert page.evaluate("history.length") == 2  # the empty page, and this one
        assert page.evaluate("document.cookie") == ""
        [cookie] = page.context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        assert cookie["expires"] == -1
        assert f"{dashboard.base}{cookie['path']}" == page.url.partition("#")[0]
        page.reload()
        page.wait_for_selector(".cu-header", timeout=60_000)
        with shared() as other:
            page.goto(other.base)
            assert "needs the address" in page.inner_text("body")
    assert [error for error in watched.errors if "403" not in error] == []


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0, 0.4])
def test_a_dashboard_stopped_while_it_starts_leaves_nothing(tmp_path: Path, wait: float) -> None:
    """Its kernel, which is about to begin, does not make the private folder again."""
    private = tmp_path / "private"
    private.mkdir()
    with running(tmp_path, None, env={"TMPDIR": str(private)}):
        time.sleep(wait)
    time.sleep(1)  # for a kernel that must not be there
    assert list(private.iterdir()) == []
