"""A dashboard in a process of its own, and Chromium to drive it; without one, tests are lacking."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from curator.sample.digits import build
from curator.sample.server import serving
from tests.conftest import lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Request,
        ViewportSize,
    )

    from curator.sample.digits import Item
    from curator.sample.server import Served

CHROMIUM = next(
    (path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None
)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 60
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"
WINDOW: ViewportSize = {"width": 1360, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests; they skip without a browser.

    Where a page was waited for in vain, as on a machine that stalls, the test runs once more: the
    summary counts such reruns, each of which is to be looked into.
    """
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))
            if CHROMIUM is None:
                item.add_marker(lacking("no Chromium: install the package chromium"))


@dataclass
class Running:
    """A dashboard that answers."""

    address: str  # with its token
    home: Path  # where new projects go
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The address without the token."""
        return self.address.split("/?")[0]


DASHBOARD = (sys.executable, "-m", "curator", "dashboard", "--no-browser", "--port", "0")


@contextlib.contextmanager
def running(
    folder: Path,
    project: Path | None = None,
    command: Sequence[str] = DASHBOARD,
    **options: Any,
) -> Iterator[Running]:
    """Start `curator dashboard` with its state below ``folder``; end it and its workers after.

    ``options``: of the process; its ``env`` is added to ours.
    """
    environment = {
        **os.environ,
        "CURATOR_STATE": str(folder / "state"),
        "CURATOR_HOME": str(folder / "home"),
        "CURATOR_WORKER_IDLE": "10",
        **options.pop("env", {}),
    }
    process = subprocess.Popen(
        [*command, *([str(project)] if project else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        **options,
    )
    assert process.stdout is not None
    served = Running("", folder / "home", process)
    reader = threading.Thread(target=_read, args=(process, served.output), daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not served.address:
            found = re.search(r"http://\S+", "\n".join(served.output))
            if found:
                served.address = found[0]
            elif process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("the dashboard did not start:\n" + "\n".join(served.output))
            time.sleep(0.05)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        process.stdout.close()


_shared: list[Running] = []
_open = contextlib.ExitStack()


@contextlib.contextmanager
def shared(project: Path | None = None) -> Iterator[Running]:
    """Give the dashboard that most tests share, as starting one takes longer than many a test.

    ``open_page`` of its address opens ``project``, by the start page's field, or the start page.
    """
    if not _shared:
        folder = Path(_open.enter_context(tempfile.TemporaryDirectory()))
        _shared.append(_open.enter_context(running(folder)))
    started = _shared[0]
    address = f"{started.address}#{project or ''}"
    yield Running(address, started.home, started.process, started.output)


@pytest.fixture(scope="session", autouse=True)
def end_shared() -> Iterator[None]:
    """End the shared dashboard and Chromium with the tests."""
    yield
    _open.close()


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):  # closed while it reads
        lines.extend(iter(process.stdout.readline, ""))


def start_page(page: Page) -> None:
    """Leave the project of the test before, which the shared dashboard opens again."""
    page.wait_for_function("() => location.hash")
    if page.is_visible(".cu-rail"):
        page.click(".cu-brand")
    page.wait_for_selector("input[name=path]")


@functools.cache
def _chromium() -> Browser:
    """Start Chromium once for all folders of tests: one process cannot hold two of its drivers."""
    driver = _open.enter_context(sync_playwright())
    started = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    _open.callback(started.close)
    return started


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Give Chromium."""
    return _chromium()


_refused: list[str] = []  # in the test that runs


@dataclass
class Watched:
    """What a page did besides what the test asked for."""

    foreign: list[str] = field(default_factory=list)  # requests to other hosts
    errors: list[str] = field(default_factory=list)  # uncaught errors, and console errors
    refused: list[str] = field(default_factory=list)  # what the page's policy did not allow
    _followed: list[Page] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Note from now on what this page does."""
        self._followed.append(page)
        page.on("request", self._request)
        page.on("pageerror", self._uncaught)
        page.on("console", self._console)

    def leaves(self, page: Page) -> bool:
        """Note no more of it; False where it was not followed."""
        if page not in self._followed:
            return False
        page.remove_listener("request", self._request)
        page.remove_listener("pageerror", self._uncaught)
        page.remove_listener("console", self._console)
        return True

    def _request(self, asked: Request) -> None:
        if not asked.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(asked.url)

    def _uncaught(self, error: PlaywrightError) -> None:
        self.errors.append(str(error))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@pytest.fixture
def watched() -> Watched:
    """Collect what pages of this test do."""
    _refused.clear()
    return Watched(refused=_refused)


def _note_refused(said: str) -> None:
    _refused.append(said)


def _profile(browser: Browser) -> BrowserContext:
    """Make a fresh profile whose pages tell what their policy did not allow."""
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(START_SECONDS * 1000)  # shared machines are slow at times
    context.expose_function("policyRefused", _note_refused)
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) =>"
        " window.policyRefused(`${event.effectiveDirective} ${event.blockedURI}`))"
    )
    return context


@functools.cache
def _shared_profile() -> BrowserContext:
    """Make the profile of the shared dashboard: in a fresh one the scripts are read anew."""
    made = _profile(_chromium())
    _open.callback(made.close)
    return made


_kept: list[Page] = []  # the window that the next test of the same file begins with
_kept_of: list[Path] = []  # that file
_went_well = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Note for :func:`open_page` whether the test itself went well."""
    if call.when == "call":
        item.stash[_went_well] = call.excinfo is None
    return (yield)


def _brought_back(page: Page) -> bool:
    """Bring a window back to the start page, with nothing remembered; False where that fails."""
    try:
        page.set_viewport_size(WINDOW)
        if page.evaluate("() => location.hash") != "#/":
            page.wait_for_selector(".cu-rail", timeout=5000)  # where it was just loaded anew
            page.eval_on_selector(".cu-brand", "it => it.click()")  # a dialog may lie over it
            page.wait_for_function("() => location.hash === '#/'", timeout=5000)
        page.wait_for_selector("input[name=path]", timeout=5000)
        page.evaluate(FORGET)
    except PlaywrightError:
        return False
    return True


def _close(page: Page) -> None:
    """Close a window, with nothing remembered, by the page's own leave, which ends its kernel.

    Waited for as an event, because only then does Playwright take in what Chromium tells.
    """
    with contextlib.suppress(PlaywrightError):
        page.evaluate(FORGET)
    with contextlib.suppress(PlaywrightTimeout), page.expect_event("close", timeout=5000):
        page.close(run_before_unload=True)


def _end(context: BrowserContext, is_kept: bool, watched: Watched) -> None:
    """Close all windows but one that the next test can begin with, where ``is_kept``."""
    for page in context.pages:
        if is_kept and not _kept and watched.leaves(page) and _brought_back(page):
            _kept.append(page)
        else:
            _close(page)
    context.clear_permissions()


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, browser: Browser, watched: Watched
) -> Iterator[Callable[[str], Page]]:
    """Open addresses in windows: of the shared dashboard, or of others in a fresh profile.

    Of the shared dashboard a test's first window is the one that the test before it in the same
    file has left, as half of what a short test costs is a window's start. Of the same file, as
    stations that are hidden still hold what they showed: a file's tests always come in one order,
    files do not.
    """
    profiles: list[BrowserContext] = []
    if _kept and _kept_of != [request.path]:
        _close(_kept.pop())
    _kept_of[:] = [request.path]

    def opened(address: str) -> Page:
        address, is_shared, project = address.partition("#")
        left = _kept if is_shared and not profiles else []
        if not profiles:
            profiles.append(_shared_profile() if is_shared else _profile(browser))
        page = left.pop() if left else profiles[0].new_page()
        watched.follow(page)
        if page.url == "about:blank":
            page.goto(address)
            page.wait_for_selector(".cu-header", timeout=START_SECONDS * 1000)
            if is_shared:
                start_page(page)
        if project:
            page.fill("input[name=path]", project)
            page.click("button:text-is('Open')")
            page.wait_for_selector("[data-station=review]")
        return page

    yield opened
    for context in profiles:
        is_shared = context is _shared_profile()
        _end(context, is_shared and request.node.stash.get(_went_well, False), watched)
        if not is_shared:
            context.close()
    assert watched.refused == []


@pytest.fixture(scope="session")
def items() -> list[Item]:
    """Draw the sample once."""
    return build()


@pytest.fixture
def served(items: list[Item]) -> Iterator[Served]:
    """Serve the sample on the loopback."""
    with serving(items) as running_server:
        yield running_server
