"""The whole job in Chromium, as a user does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from curator.project import Project
from curator.sample.digits import CLASSES
from tests.browser.conftest import shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from curator.sample.server import Served
    from tests.browser.conftest import Watched

JOB = 120_000  # milliseconds; fetching and a first training, which makes the network's graph


def go(page: Page, station: str) -> None:
    """Use the rail."""
    page.click(f"[data-station={station}]")
    page.wait_for_selector(f"[data-station={station}][aria-current=page]")


def choose_queue(page: Page, kind: str) -> None:
    """Choose a queue of the list at the left, which shows the rarer ones when asked."""
    if not page.is_visible(f"[data-queue='{kind}']"):
        page.click(".cu-more-queues")
    page.click(f"[data-queue='{kind}']")
    page.wait_for_selector(f"[data-queue='{kind}'][aria-current=true]")


def open_drawer(page: Page) -> None:
    """Show what stands beside the gallery."""
    page.click(".cu-drawer[aria-expanded=false]")
    page.wait_for_selector(".cu-beside")


def decisions(page: Page) -> int:
    """Read the number of decisions in the header."""
    found = re.search(r"(\d+) decision", page.inner_text(".cu-counts").replace("\u2009", ""))
    assert found
    return int(found[1])


def press(page: Page, key: str, makes: int) -> None:
    """Press a key in the gallery and wait until so many more decisions are recorded."""
    wanted = decisions(page) + makes
    page.keyboard.press(key)
    page.wait_for_function(
        "n => document.querySelector('.cu-counts').textContent.includes(`${n} decision`)",
        arg=wanted,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_job_on_the_sample(  # noqa: PLR0915  the job is one story
    tmp_path: Path, open_page: Callable[[str], Page], watched: Watched, served: Served
) -> None:
    """Paste, fetch, check, train, review by keys, a confusion cell, undo, retrain, export."""
    with shared() as dashboard:
        page = open_page(dashboard.address)
        page.fill("input[name=name]", "my digits")
        page.fill("textarea[name=classes]", "\n".join(CLASSES))
        page.click("text=Make the project")
        page.wait_for_selector("[data-station=collect][aria-current=page]")
        assert page.title().startswith("my digits")

        for name in CLASSES:
            page.click(f".cu-tab:has(.cu-name:text-is('{name}'))")
            page.fill("textarea[name=text]", "\n".join([*served.addresses(name), "no address"]))
            page.click("text=Add to the list")
            page.wait_for_selector(f"text=new for {name}")
            assert "1 refused" in page.inner_text(".cu-added")
        page.check("input[name=private]")
        page.click(".cu-primary:has-text('Fetch')")
        page.wait_for_selector("text=new images from", timeout=JOB)
        assert "10 dead" in page.inner_text(".cu-failures")

        go(page, "check")
        page.wait_for_selector(".cu-problems :text('near-duplicates')", timeout=JOB)
        page.wait_for_selector(".cu-problems .cu-strip img")  # findings show what they found
        chip = page.locator(".cu-looks .cu-chip").first
        chip.wait_for(timeout=JOB)
        called = chip.inner_text().rsplit(maxsplit=1)[0]
        chip.click()  # images of the first class that look like that, before any training
        page.wait_for_selector(".cu-tile img")
        assert page.eval_on_selector("select[name=tag]", "s => s.value").startswith(called)
        assert page.eval_on_selector(".cu-review select[name=class]", "s => s.value") == CLASSES[0]
        page.select_option("select[name=tag]", "")
        choose_queue(page, "duplicates")
        page.wait_for_selector(".cu-tile :text('best to keep')")
        page.select_option(".cu-review select[name=class]", "")
        choose_queue(page, "suspicious")

        go(page, "train")
        page.click("button:text-is('Train')")
        page.wait_for_selector("[data-part=verdict]", timeout=JOB)
        assert "% right" in page.inner_text("[data-part=verdict] .cu-verdict")
        page.wait_for_selector("[data-part=verdict] .cu-mistakes img")
        page.click("[data-part=details] > summary")
        assert "%" in page.inner_text("[data-figure=out-of-fold]")

        go(page, "review")
        page.wait_for_selector(".cu-tile img")
        first = page.locator(".cu-tile").first
        first.focus()
        press(page, "d", 1)
        page.wait_for_selector(".cu-tile[data-place='0'].cu-is-deleted")
        assert page.evaluate("document.activeElement.dataset.place") == "1"
        label = page.inner_text(".cu-tile[data-place='1'] .cu-label .cu-name")
        other = next(n for n in range(1, 4) if CLASSES[n - 1] != label)
        press(page, str(other), 1)
        relabelled = page.locator(".cu-tile[data-place='1']")
        assert relabelled.locator(".cu-label .cu-name").inner_text() == CLASSES[other - 1]
        assert "relabelled" in relabelled.inner_text()
        press(page, "x", 1)
        page.wait_for_selector(".cu-tile[data-place='2'].cu-is-unsure")
        page.keyboard.press("Shift+ArrowRight")
        press(page, "k", 2)  # the two selected tiles
        press(page, "u", -2)  # both come back in one step
        page.wait_for_selector(".cu-tile[data-place='3'].cu-is-new")
        press(page, "Control+z", -1)
        page.wait_for_selector(".cu-tile[data-place='2'].cu-is-new")
        on_page = page.locator(".cu-tile").count()
        press(page, "Enter", on_page - 2)  # the rest of the page is fine
        page.wait_for_selector(f".cu-tile[aria-posinset='{on_page + 1}']")

        open_drawer(page)
        cell = page.locator(".cu-confusion td:not(.cu-diagonal) button:not([disabled])").first
        label, predicted = str(cell.get_attribute("data-cell")).split("/")
        cell.click()
        page.wait_for_selector(f".cu-chip:has-text('{label} taken for {predicted}')")
        page.wait_for_selector(".cu-tile")
        assert page.locator(".cu-tile").count() >= 1
        page.locator(".cu-tile").first.focus()
        press(page, str(CLASSES.index(predicted) + 1), 1)

        go(page, "train")
        page.click("text=Retrain")
        page.wait_for_selector("text=Run 2", timeout=JOB)
        page.wait_for_selector("[data-part=comparison]")
        assert "validation images" in page.inner_text("[data-part=comparison]")

        go(page, "use")
        page.click("[data-part=data-set] button:has-text('Write')")
        page.wait_for_selector("text=manifest.csv are in", timeout=JOB)
        page.wait_for_function(
            "() => document.querySelector('input[name=out]').value.endsWith('my-digits-curated-2')"
        )
        page.click("button:text-is('Write the model')")
        page.wait_for_selector("text=its answers agree", timeout=JOB)

        folder = dashboard.home / "my-digits"
        with Project.open(folder) as project:
            log = project.log()
            deleted = set(log[log["action"] == "delete"]["image_id"])
            counted = project.status()
        manifest = pd.read_csv(folder.with_name("my-digits-curated") / "manifest.csv")
        assert len(manifest) == counted.images
        assert len(deleted) == 1
        assert (folder.with_name("my-digits-model") / "model.safetensors").exists()
    assert watched.foreign == []
    assert watched.errors == []
