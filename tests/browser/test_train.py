"""The station Train in Chromium: a rate is found, the network fine-tuned, runs compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.store import runs
from tests.browser.conftest import shared
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.soak]
LONG = 90_000  # milliseconds; a job that loads torch on a busy machine


def test_fine_tuning_from_the_page(
    tmp_path: Path, open_page: Callable[[str], Page], small: Project
) -> None:
    """Cost told, rate found and taken, live table, a reload in the middle, findings, comparison."""
    small.train(InstantSettings(folds=3))
    with shared(small.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        page.click("[data-part=learning-curve] button")
        page.wait_for_selector("text=few images to tell", timeout=LONG)
        page.check("input[name=recipe] >> nth=1")
        page.wait_for_selector("text=rule of thumb")
        page.click("summary:has-text('More settings')")
        page.fill("input[name=batch]", "8")
        page.fill("input[name=epochs]", "many")
        page.click("button:text-is('Fine-tune')")
        page.wait_for_selector("text=epochs cannot be 'many'", timeout=LONG)
        page.fill("input[name=epochs]", "1")
        page.fill("input[name=frozen_epochs]", "1")
        page.click("text=Find a rate")
        page.wait_for_selector("[data-part=rates] svg", timeout=LONG)
        page.click("[data-part=rates] button >> nth=0")
        assert float(page.input_value("input[name=rate]")) > 0
        assert page.input_value("input[name=epochs]") == "1"
        page.fill("input[name=rate]", "0.002")
        page.click("button:text-is('Fine-tune')")
        page.wait_for_selector("[data-part=training] td:has-text('head')", timeout=LONG)
        page.reload()
        page.wait_for_selector("text=Run 2, fine-tuned", timeout=LONG)
        page.click("[data-part=newer] button")  # six images: no gain, so it is held back
        page.wait_for_selector("[data-part=training]")
        assert page.locator("[data-part=training] tbody tr").count() == 2
        assert page.locator("[data-finding]").count() > 0
        assert "not only the images changed" in page.inner_text("[data-part=comparison]")
        page.check("[data-part=runs] input[aria-label='run 2 as before']")
        page.wait_for_function(
            "() => !document.querySelector('[data-part=comparison]').innerText.includes('not only')"
        )
    with small.database.read() as connection:
        run = runs.get(connection)
    assert (run.recipe, run.settings["rate"], run.settings["batch"]) == ("finetune", 0.002, 8)
