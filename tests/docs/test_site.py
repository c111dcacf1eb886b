"""The site is built from the pages and the code, links resolve, and it asks no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import curator
from curator.cli.commands import command
from docs import draw_floors
from tests.browser.conftest import CHROMIUM
from tests.conftest import lacking

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself; a link that somebody may follow is none of it.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*?\bsrc=[\"']?(?:https?:)?//[^\s\"'>]+"
    r"|<link\b(?![^>]*\brel=[\"']?canonical)[^>]*?\bhref=[\"']?(?:https?:)?//[^\s\"'>]+"
    r"|url\(\s*[\"']?(?:https?:)?//[^)]+"
    r"|@import\s+[\"'](?:https?:)?//[^\"']+"
)

needs_chromium = (
    lacking("no Chromium: install the package chromium")
    if CHROMIUM is None
    else pytest.mark.browser
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does; what is amiss, such as a dead link, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_nothing_of_other_hosts(site: Path) -> None:
    """No page or style sheet has a script, style, font or picture of another host."""
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css", ".svg"}]
    assert len(files) > 15
    foreign = {
        (path.name, hit) for path in files for hit in FETCHED.findall(path.read_text("utf-8"))
    }
    assert foreign == set()


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ('<script src="https://example.org/a.js">', True),
        ("<link rel=stylesheet href=//fonts.example.org/css>", True),
        ("<style>@import 'https://example.org/a.css'</style>", True),
        ("a{src:url(https://example.org/f.woff2)}", True),
        ('<a href="https://example.org/">', False),
        ('<script src="assets/a.js">', False),
    ],
)
def test_what_counts_as_foreign(text: str, foreign: bool) -> None:
    """Each way to fetch from another host is seen; a link is none, nor is a file of the site."""
    assert bool(FETCHED.search(text)) is foreign


@pytest.mark.slow
@needs_chromium
def test_pages_open_from_the_disk(site: Path, browser: Browser) -> None:
    """In a browser every page shows, and asks for files of the site alone."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page = browser.new_page()
    page.on("request", note)
    # What a server gives for a page that is missing knows no folder to look from.
    for path in sorted({*site.rglob("*.html")} - {site / "404.html"}):
        page.goto(path.as_uri())
        assert page.locator("h1").count() == 1, path
    page.close()
    asked = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert {url for url in asked if not url.startswith(site.as_uri())} == set()
    assert len(asked) > 15


@pytest.mark.slow
def test_the_reference_is_whole(site: Path) -> None:
    """Every command and every exported name has its heading, and parameters are shown."""
    commands = (site / "reference" / "cli.html").read_text("utf-8")
    for name in command().commands:
        assert f'id="curator-{name}"' in commands, name
    python = (site / "reference" / "api.html").read_text("utf-8")
    for name in {*curator.__all__} - {"__version__"}:
        home = curator._PLACES.get(name, "curator.errors")
        assert f'id="{home}.{name}"' in python, name
    assert 'id="curator.project.Project.train"' in python


def test_the_floors_are_as_drawn() -> None:
    """The picture of the architecture is that of the imports; docs/draw_floors.py draws it anew."""
    assert draw_floors.PICTURE.read_text("utf-8") == draw_floors.drawing()
