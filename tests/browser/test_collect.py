"""The collect page in Chromium: files dropped on it, previews, retries, two windows, reloads."""

from __future__ import annotations

import base64
import threading
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from curator.collect.http.client import FetchSettings
from curator.collect.imports.job import uploads_of
from curator.collect.snippet import bookmarklet, console_snippet
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from tests.browser.conftest import shared
from tests.pictures import encoded, picture, write_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Watched

DROP = """files => {
  const data = new DataTransfer();
  for (const { name, text } of files) {
    data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
  }
  const panel = document.querySelector(".cu-collect");
  for (const kind of ["dragover", "drop"]) {
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    panel.dispatchEvent(new DragEvent(kind, options));
  }
}"""


PASTE = """([kind, text]) => {
  const data = new DataTransfer();
  data.setData(kind, text);
  const options = { clipboardData: data, bubbles: true, cancelable: true };
  document.querySelector("textarea[name=text]").dispatchEvent(new ClipboardEvent("paste", options));
}"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with two classes."""
    with Project.create(tmp_path / "project", ["black", "brown"]) as made:
        yield made


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Drop files on the panel."""
    named = [{"name": n, "text": base64.b64encode(data).decode()} for n, data in files.items()]
    page.evaluate(DROP, named)


def drop_from_disk(page: Page, path: Path) -> None:
    """Drop a file or folder as the desktop does."""
    box = page.locator(".cu-collect .cu-drop").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 10, "y": box["y"] + 10}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})


def large(path: Path) -> Path:
    """Write an archive of 40 MB."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}.png", bytes(20_000_000))
    return path


@contextmanager
def slow(page: Page) -> Iterator[None]:
    """Let the page send half a megabyte a second: an upload lasts until it is cancelled."""
    session = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000}
    session.send("Network.emulateNetworkConditions", limits)
    yield
    session.detach()


def choose(page: Page, name: str) -> None:
    """Choose a class."""
    page.click(f".cu-tab:has(.cu-name:text-is('{name}'))")
    page.wait_for_selector(f".cu-tab[aria-pressed=true]:has-text('{name}')")


def test_files_a_zip_and_a_list_are_dropped_together(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project, watched: Watched
) -> None:
    """Images and the archive go to the chosen class, the list is previewed and then added."""
    packed = tmp_path / "more.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(10, 14):
            archive.writestr(f"x/{number}.png", encoded(picture(number)))
        archive.writestr("../evil.png", encoded(picture(99)))
    files = {f"{number}.png": encoded(picture(number)) for number in range(3)}
    files["more.zip"] = packed.read_bytes()
    files["urls.txt"] = b"https://example.org/1.jpg\nrubbish\n"
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        choose(page, "brown")
        drop(page, files)
        page.click("text=1 file would be skipped")
        assert "more.zip: ../evil.png" in page.inner_text(".cu-offer")
        page.click("text=Take in 7 images")
        page.wait_for_selector("text=7 new images of 7 files, 1 refused")
        page.click("text=1 file not taken in")
        page.wait_for_selector("text=more.zip: ../evil.png")
        shown = page.inner_text(".cu-preview")
        assert "urls.txt: 1 new, 1 refused" in shown
        assert "line 2" in shown
        page.click("text=Add to the list")
        page.wait_for_selector("text=1 new for brown")
        assert project.status().classes == {"black": 0, "brown": 7}
        assert project.status().addresses.pending == 1
        assert not list(uploads_of(project).iterdir())
    assert watched.errors == []


def test_a_dropped_folder_can_name_the_classes(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """A folder of folders makes the classes that are missing, once the user has seen which.

    It is taken back, and brought again, with one button.
    """
    folder = write_folders(tmp_path / "bears", {"black": 3, "polar": 2})
    (folder / "notes.txt").write_text("no list")
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.check("input[name=by_folder]")
        drop_from_disk(page, folder)
        page.wait_for_selector(".cu-offer")
        offered = page.inner_text(".cu-offer")
        assert "This makes 1 class that the project does not have: polar." in offered
        assert page.inner_text(".cu-offered li:has(.cu-new)").split() == ["new", "polar", "2"]
        assert project.class_names() == ["black", "brown"]
        page.click("text=Take in 5 images")
        page.wait_for_selector("text=5 new images of 5 files")
        assert project.status().classes == {"black": 3, "brown": 0, "polar": 2}
        page.click("text=Take back the import of 5 images")
        page.wait_for_selector("text=Took back: the import of 5 images and the class polar.")
        assert project.status().classes == {"black": 0, "brown": 0}
        page.click("text=Bring back the import of 5 images")
        page.wait_for_selector("text=Did again: the import of 5 images and the class polar.")
        assert project.status().classes == {"black": 3, "brown": 0, "polar": 2}


def test_a_paste_is_previewed_and_added_with_one_button(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project, watched: Watched
) -> None:
    """The numbers stand there before anything is added; one button adds and fetches."""
    items = [Item(f"/{n}.png", "a", None, "", encoded(picture(n))) for n in range(3)]
    with serving(items) as served, shared(project.path) as dashboard:
        project.add("black", served.base + "/0.png")
        page = open_page(dashboard.address)
        page.check("input[name=private]")
        page.fill("textarea[name=text]", "\n".join([*served.addresses("a"), "rubbish"]))
        page.wait_for_selector("text=2 new, 1 already there, 1 refused")
        assert project.status().addresses.pending == 1
        page.click("text=Add and fetch")
        page.wait_for_selector("text=3 new images from 3 addresses")
        assert page.input_value("textarea[name=text]") == ""
    assert watched.errors == []


def test_long_pastes_and_pieces_of_pages_go_the_way_of_files(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project, watched: Watched
) -> None:
    """A text that would freeze the field is previewed beside it; so is a copied piece of a page."""
    lines = [f"https://example.org/a/rather/long/path/{number:05}.jpg" for number in range(9_000)]
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.evaluate(PASTE, ["text/plain", "\n".join(lines)])
        page.wait_for_selector("text=pasted.txt:")
        assert page.input_value("textarea[name=text]") == ""
        page.click("text=Add to the list")
        page.wait_for_selector("text=9000 new for black")
        html = '<html><body><img src="https://example.org/one.jpg"></body></html>'
        page.evaluate(PASTE, ["text/html", html])
        page.wait_for_selector("text=pasted.html:")
        page.click("text=Do not add")
        page.wait_for_selector("text=pasted.html:", state="detached")
        assert project.status().addresses.pending == 9_000
    assert watched.errors == []


def test_one_group_of_failures_is_tried_again(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """The button of a group asks for its addresses alone; the others stay as they are."""
    first = [
        Item("/dead.png", "a", None, "", b"", status=404),
        Item("/small.png", "a", None, "", encoded(picture(1, side=8))),
    ]
    settings = {"allow_private": True}
    with shared(project.path) as dashboard:
        with serving(first) as served:
            port = int(served.base.rpartition(":")[2])
            project.add("black", "\n".join(served.addresses("a")))
            project.fetch(FetchSettings(**settings))
        both = [Item(item.path, "a", None, "", encoded(picture(2))) for item in first]
        with serving(both, port):
            page = open_page(dashboard.address)
            page.check("input[name=private]")
            page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            page.click("[data-group=dead] summary")
            page.click("[data-group=dead] .cu-link")
            page.wait_for_selector(".cu-link:text-is('Copied')")
            copied = page.evaluate("navigator.clipboard.readText()")
            assert copied == f"http://127.0.0.1:{port}/dead.png"
            page.click("[data-group=dead] button:text-is('Try again')")
            page.wait_for_selector("text=1 new image from 1 address")
            page.wait_for_selector("[data-group=dead]", state="detached")
            assert page.is_visible("[data-group=too_small]")


def test_the_script_for_search_pages_is_at_hand(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """The box holds the whole script to copy, and the same as a link for the bookmarks."""
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("text=Get addresses from a search page")
        link = page.get_by_role("link", name="Image addresses")
        assert link.get_attribute("href") == bookmarklet()
        page.click("text=Copy the snippet")
        page.wait_for_selector(".cu-steps button:text-is('Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == console_snippet()


def test_an_error_names_the_file(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """An empty file alone is an error with its name; beside a good one it is a note."""
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        drop(page, {"empty.png": b""})
        page.wait_for_selector(".cu-error:has-text('empty.png: The file is empty')")
        drop(page, {"empty.png": b"", "good.png": encoded(picture(1))})
        page.wait_for_selector("text=1 new image of 1 file")
        assert "empty.png" in page.inner_text(".cu-notice")


@pytest.mark.slow
def test_a_reload_in_the_middle_of_an_upload_leaves_nothing(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """The new page says what was cut off; no file of it stays, and nothing was taken in."""
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.once("dialog", lambda dialog: dialog.accept())
        with slow(page):
            drop_from_disk(page, large(tmp_path / "large.zip"))
            page.wait_for_selector(".cu-uploading")
            page.reload()
        page.wait_for_selector("text=The upload of large.zip was cut off")
        assert not list(uploads_of(project).iterdir())
        assert project.status().addresses.pending == 0


@pytest.mark.slow
def test_two_windows_upload_side_by_side(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project
) -> None:
    """A second window leaves the first one's upload alone, has its own, and can be cancelled."""
    with shared(project.path) as dashboard:
        first = open_page(dashboard.address)
        with slow(first):
            drop_from_disk(first, large(tmp_path / "large.zip"))
            first.wait_for_selector(".cu-uploading")
            second = open_page(dashboard.address)
            drop(second, {"good.png": encoded(picture(1))})
            second.wait_for_selector("text=1 new image of 1 file")
            assert second.query_selector(".cu-notice") is None
            first.click("text=Cancel upload")
            first.wait_for_selector(".cu-uploading", state="detached")
        first.wait_for_selector("text=1 new image of 1 file")
        assert project.status().images == 1
        assert not list(uploads_of(project).iterdir())


def test_pictures_arrive_and_a_list_joins_the_fetch_that_runs(
    tmp_path: Path, open_page: Callable[[str], Page], project: Project, watched: Watched
) -> None:
    """The class's newest pictures come while it is fetched, and the next list needs no wait."""
    items = [
        Item(f"/{n}.png", "a" if n < 6 else "b", None, "", encoded(picture(n)), delay=n % 6)
        for n in range(8)
    ]
    gate = threading.Event()
    with serving(items, gate=gate) as served, shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        page.check("input[name=private]")
        page.fill("textarea[name=text]", "\n".join(served.addresses("a")))
        page.click("text=Add and fetch")
        page.wait_for_selector(".cu-newest img")
        assert project.status().images < len(items)
        page.fill("textarea[name=text]", "\n".join(served.addresses("b")))
        page.click("text=Add to what is fetched")
        gate.set()
        page.wait_for_selector("text=8 new images from 8 addresses")
        page.wait_for_function("() => document.querySelectorAll('.cu-newest img').length === 6")
        assert page.evaluate("() => document.querySelector('.cu-newest img').naturalWidth") > 0
    assert watched.errors == []
