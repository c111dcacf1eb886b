"""Every view has an address: links, Back and Forward, hostile ones, and what is open on return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from tests.browser.conftest import running, shared
from tests.browser.test_whole_job import choose_queue, go, open_drawer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Watched


def ends_in(page: Page, end: str) -> None:
    """Wait until the address ends so."""
    page.wait_for_function("end => location.hash.endsWith(end)", arg=end)


def shows(page: Page, queue: str, label: str = "") -> None:
    """Wait until Review shows a queue and a class."""
    page.wait_for_selector("[data-station=review][aria-current=page]")
    page.wait_for_selector(f"[data-queue='{queue}'][aria-current=true]", state="attached")
    page.wait_for_function(
        "label => document.querySelector('.cu-review select[name=class]').value === label",
        arg=label,
    )


def test_views_have_addresses(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """Back and Forward, a link in another window, and addresses of nothing change nothing."""
    label = sample_copy.class_names()[0]
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        ends_in(page, "/train")
        name = page.evaluate("location.hash").split("/")[1]  # with a digest if there are namesakes
        go(page, "review")
        choose_queue(page, "all")
        page.select_option(".cu-review select[name=class]", label)
        ends_in(page, f"/{name}/review/all?class={label}")
        page.wait_for_selector(".cu-tile img")
        page.keyboard.press("PageDown")
        page.wait_for_selector(".cu-tile:not([aria-posinset='1'])")
        page.wait_for_function("() => location.hash.includes('first=')")
        first = page.get_attribute(".cu-tile", "aria-posinset")
        link = page.url
        assert "token" not in link
        page.go_back()  # over the pages of one queue
        shows(page, "all")
        page.go_back()
        shows(page, "suspicious")
        page.go_back()
        page.wait_for_selector("[data-station=train][aria-current=page]")
        for _ in range(3):
            page.go_forward()
        shows(page, "all", label)
        ends_in(page, f"?class={label}&first={first}")

        other = page.context.new_page()
        other.goto(link)
        shows(other, "all", label)
        ends_in(other, f"&first={first}")
        other.wait_for_selector(f".cu-tile[aria-posinset='{first}']")
        other.locator(".cu-tile").first.dblclick()
        other.wait_for_selector(".cu-zoom")
        other.wait_for_function("() => location.hash.includes('image=')")
        image = other.url
        other.keyboard.press("Escape")
        ends_in(other, f"&first={first}")
        other.goto("about:blank")
        other.goto(image)
        other.wait_for_selector(".cu-zoom")
        other.keyboard.press("Escape")
        for wrong, said in (
            (f"#/{name}/review/nonsense", "is no queue"),
            (f"#/{name}/review/all?class=gone", "is not there any more"),
            (f"#/{name}/review/all?first=-1", "is no number"),
            ("#//etc/passwd", "is no station"),
            ("#/%2Fetc%2Fpasswd/review", "was opened here lately"),
            ("#/%3Cimg%20src%3Dx%3E/train", "was opened here lately"),
        ):
            other.evaluate("wrong => { location.hash = wrong; }", wrong)
            other.wait_for_selector(f".cu-sentence:has-text('{said}')")
            shows(other, "all", label)
            ends_in(other, f"&first={first}")
    assert watched.errors == []


def test_a_cell_narrows_its_own_queue_alone(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Another queue shows all classes again, unless a class was chosen there."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "review")
        open_drawer(page)
        cell = page.locator(".cu-confusion td:not(.cu-diagonal) button:not([disabled])").first
        label = str(cell.get_attribute("data-cell")).split("/")[0]
        cell.click()
        page.wait_for_selector(".cu-chip:has-text('taken for')")
        shows(page, "confused", label)
        choose_queue(page, "suspicious")
        shows(page, "suspicious")
        assert page.locator(".cu-tile").count() > 1
        page.select_option(".cu-review select[name=class]", label)
        choose_queue(page, "outliers")
        shows(page, "outliers", label)


def test_what_is_exported_has_an_address(
    open_page: Callable[[str], Page], watched: Watched, sample_copy: Project
) -> None:
    """The selection that Use writes is kept by a link, a reload, Back and Forward."""
    chosen = sample_copy.select(sample_copy.queue("all").ids[:7].tolist())
    number = sample_copy.preview_export(["imagefolder"]).images
    few, all_of_them = (f"[data-part=plan]:has-text('{n} images')" for n in (7, number))
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "use")
        page.wait_for_selector(all_of_them)
        plain = page.evaluate("location.hash")
        assert plain.endswith("/use")
        page.evaluate("hash => { location.hash = hash }", f"{plain}?selection={chosen}")
        page.wait_for_selector(few)
        page.reload()
        page.wait_for_selector(few)
        ends_in(page, f"/use?selection={chosen}")
        page.click(".cu-use [data-chip=selection] button")
        page.wait_for_selector(all_of_them)
        ends_in(page, "/use")
        page.go_back()
        page.wait_for_selector(few)
        page.go_back()
        page.wait_for_selector(all_of_them)
        page.go_forward()
        page.wait_for_selector(few)
        page.evaluate("plain => { location.hash = `${plain}?selection=gone` }", plain)
        page.wait_for_selector(".cu-sentence:has-text('not there any more')")
        ends_in(page, f"/use?selection={chosen}")
    assert watched.errors == []


@pytest.mark.slow
def test_after_a_training_review_begins_anew(
    open_page: Callable[[str], Page], small: Project
) -> None:
    """Not on the queue that was looked at last: on the most suspicious, of all classes."""
    small.train(InstantSettings(folds=3))
    with shared(small.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "review")
        choose_queue(page, "trash")
        page.wait_for_selector(".cu-gallery .cu-blank")
        go(page, "train")
        page.click("text=Retrain")
        page.wait_for_selector("text=Run 2")
        go(page, "review")
        shows(page, "suspicious")
        page.wait_for_selector(".cu-tile img")


@pytest.mark.slow
def test_the_dashboard_returns_to_what_was_open(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Started anew without a project: the one that was open, at its station; or the start page."""
    with running(tmp_path, sample_copy.path) as dashboard:
        go(open_page(dashboard.address), "train")
    with running(tmp_path) as dashboard:
        page = open_page(dashboard.address)
        page.wait_for_selector("[data-station=train][aria-current=page]")
        assert page.title().startswith(sample_copy.name)
        page.click(".cu-brand")
        page.wait_for_selector("input[name=path]")
        window = page.context.new_page()
        window.goto(page.url.split("#")[0])
        window.wait_for_selector("input[name=path]")


def test_a_folder_that_is_typed_lands_beside_the_project(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Its absolute path is shown before it is written; then the text names what exists."""
    target = sample_copy.path.parent / "mine ü" / "set"
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        go(page, "use")
        page.fill("input[name=out] >> nth=0", "mine ü/set")
        page.wait_for_selector(f"[data-where=export]:has-text('{target}')")
        assert not target.exists()
        page.click("[data-part=data-set] button:has-text('Write')")
        page.wait_for_selector("[data-written=export]")
        assert (target / "manifest.csv").exists()
        page.click("[data-part=data-set] [data-part=command] summary")
        copies = page.locator("[data-part=data-set] .cu-copyable button")
        copies.nth(0).click()
        page.wait_for_selector("button:text-is('Copied')")
        assert page.evaluate("navigator.clipboard.readText()") == str(target)
        copies.nth(1).click()
        page.wait_for_function("async () => (await navigator.clipboard.readText()).length > 0")
        command = page.inner_text("[data-part=data-set] [data-part=command] .cu-command")
        assert command.startswith("curator export ")
