"""A dashboard in a process of its own, and Chromium to drive it; without one, tests are lacking."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from curator.sample.digits import build
from curator.sample.server import serving
from tests.conftest import lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Playwright

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests; they share one process pair, and skip without a browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
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


@contextlib.contextmanager
def running(folder: Path, project: Path | None = None) -> Iterator[Running]:
    """Start `curator dashboard` with its state below ``folder``; end it and its workers after."""
    environment = {
        **os.environ,
        "CURATOR_STATE": str(folder / "state"),
        "CURATOR_HOME": str(folder / "home"),
        "CURATOR_WORKER_IDLE": "10",
    }
    command = [sys.executable, "-m", "curator", "dashboard", "--no-browser"]
    process = subprocess.Popen(
        [*command, *([str(project)] if project else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
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
        process.send_signal(signal.SIGINT)
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

    ``open_page`` of its address opens ``project``, by the start page's field.
    """
    if not _shared:
        folder = Path(_open.enter_context(tempfile.TemporaryDirectory()))
        _shared.append(_open.enter_context(running(folder)))
    started = _shared[0]
    address = f"{started.address}#{project}" if project else started.address
    yield Running(address, started.home, started.process, started.output)


@pytest.fixture(scope="session", autouse=True)
def end_shared() -> Iterator[None]:
    """End the shared dashboard with the tests."""
    yield
    _open.close()


def _read(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError):  # closed while it reads
        lines.extend(iter(process.stdout.readline, ""))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start the driver once."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start Chromium once."""
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield started
    started.close()


@dataclass
class Watched:
    """What a page did besides what the test asked for."""

    foreign: list[str] = field(default_factory=list)  # requests to other hosts
    errors: list[str] = field(default_factory=list)  # uncaught errors, and console errors


@pytest.fixture
def watched() -> Watched:
    """Collect what pages of this test do."""
    return Watched()


@pytest.fixture
def open_page(browser: Browser, watched: Watched) -> Iterator[Callable[[str], Page]]:
    """Open addresses in windows of a fresh profile."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})

    def watch(page: Page) -> None:
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
                else watched.foreign.append(request.url)
            ),
        )
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                watched.errors.append(message.text) if message.type == "error" else None
            ),
        )

    def opened(address: str) -> Page:
        page = context.new_page()
        watch(page)
        address, _, project = address.partition("#")
        page.goto(address)
        page.wait_for_selector(".cu-header", timeout=START_SECONDS * 1000)
        if project:
            page.fill("input[name=path]", project)
            page.click("button:text-is('Open')")
            page.wait_for_selector("[data-station=review]")
        return page

    yield opened
    for page in context.pages:
        page.close(run_before_unload=True)  # which ends its kernel
    deadline = time.monotonic() + 5
    while context.pages and time.monotonic() < deadline:
        time.sleep(0.05)
    context.close()


@pytest.fixture(scope="session")
def items() -> list[Item]:
    """Draw the sample once."""
    return build()


@pytest.fixture
def served(items: list[Item]) -> Iterator[Served]:
    """Serve the sample on the loopback."""
    with serving(items) as running_server:
        yield running_server
