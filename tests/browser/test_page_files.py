"""The page's modules and style sheet: one version, sent once, to who is logged in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import shared
from tests.security.visiting import ask, enter
from widgets import page_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import Running, Watched


@pytest.fixture
def dashboard() -> Iterator[Running]:
    """Give the dashboard that the browser tests share."""
    with shared() as running:
        yield running


def test_every_import_names_a_file_that_is_served() -> None:
    """No module asks for one that is not there: a browser would draw nothing."""
    served = page_files.files()
    assert {"gallery.js", "drawing.js", "theme.css"} < served.keys()
    for name, content in served.items():
        imports = re.findall(
            r'^import .*?from "\./(.+?)";$', content.decode(), re.MULTILINE | re.DOTALL
        )
        for asked in imports:
            assert asked in served, name


def test_the_version_follows_names_and_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed letter, or a renamed file, gives all files another address."""
    versions = {page_files.version()}
    for changed in ({"a.js": b"1"}, {"a.js": b"2"}, {"b.js": b"2"}, {"a.js": b"", "b.js": b"2"}):
        monkeypatch.setattr(page_files, "files", lambda changed=changed: changed)
        page_files.version.cache_clear()
        versions.add(page_files.version())
    page_files.version.cache_clear()
    assert len(versions) == 5


def test_who_is_logged_in_gets_the_present_version_for_ever(dashboard: Running) -> None:
    """The file with its type; no other version, name or path, and nothing without the cookie."""
    visit = enter(dashboard)
    known = {"Cookie": visit.cookie}
    folder = f"{visit.below}curator/static"
    present = f"{folder}/{page_files.version()}"
    assert ask(visit.port, f"{present}/gallery.js").status == 403
    answer = ask(visit.port, f"{present}/gallery.js", headers=known)
    assert answer.text.encode() == page_files.files()["gallery.js"]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    assert ask(visit.port, f"{present}/theme.css", headers=known).status == 200
    for name in ("types.d.ts", "%2e%2e%2fpanel.py", "nothing.js", ""):
        assert ask(visit.port, f"{present}/{name}", headers=known).status == 404, name
    for path in (f"{present}/../../panel.py", f"{folder}/{'0' * 16}/gallery.js"):
        assert ask(visit.port, path, headers=known).status == 403, path


def test_each_file_is_asked_for_once(
    dashboard: Running, open_page: Callable[[str], Page], watched: Watched
) -> None:
    """Thirteen panels share modules and one style sheet; nothing is in the widgets' own state."""
    page = open_page(dashboard.address)
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map(r => r.name)"
        ".filter(name => name.includes('/curator/static/'))"
    )
    names = [Path(url).name for url in asked]
    assert sorted(names) == sorted(set(names))
    assert set(page_files.STYLES) == {name for name in names if name.endswith(".css")}
    assert page.evaluate("document.querySelectorAll('style[id^=widgets]').length") == 0
    assert watched.errors == []
