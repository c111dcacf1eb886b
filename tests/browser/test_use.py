"""Use: the data set in three forms, and a picture that is tried, put in and taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import running, shared
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from curator.project import Project
    from tests.browser.conftest import Watched

PATIENT = 60_000


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_three_forms_are_written_and_versions_compared(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """Cards tell what comes; an occupied folder is refused in the card; what differs is seen."""
    occupied = sample_copy.path.parent / "taken"
    occupied.mkdir()
    (occupied / "file").touch()
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_default_timeout(PATIENT)
        go(page, "use")
        for name in ("hf", "csv"):
            page.check(f"input[name=as-{name}]")
        page.wait_for_selector("[data-form=csv].cu-chosen :text('cleaned.csv')")
        page.fill("[data-part=data-set] input[name=out]", "taken")
        page.click("[data-part=data-set] button:has-text('Write')")
        page.wait_for_selector("[data-part=data-set] .cu-error:has-text('never overwrites')")
        page.fill("[data-part=data-set] input[name=out]", "three forms")
        page.click("[data-part=data-set] button:has-text('Write')")
        page.wait_for_selector("[data-written=export]", timeout=PATIENT)
        out = sample_copy.path.parent / "three forms"
        for file in ("manifest.csv", "cleaned.csv", "train/metadata.jsonl", "README.md"):
            assert (out / file).is_file()
        page.click("[data-part=data-set] [data-part=command] summary")
        command = page.inner_text("[data-part=data-set] [data-part=command] .cu-command")
        assert "--as imagefolder --as hf --as csv" in command
        page.click("[data-part=data-set] [data-part=card] summary")
        assert page.inner_text("[data-part=card] h3") == sample_copy.name

        page.fill("[data-part=versions] input[name=name]", "v1")
        page.click("button:text-is('Tag it')")
        page.wait_for_selector("[data-part=version-list]:has-text('v1')", timeout=PATIENT)
        worst = [int(image) for image in sample_copy.rank(3)["image_id"]]
        sample_copy.decide(worst, "delete")
        page.click("button:text-is('What differs?')")
        page.wait_for_selector("[data-part=diff]:has-text('3 deleted from v1')")
        page.wait_for_function(
            "() => document.querySelectorAll('[data-change=deleted] img').length === 3"
        )
    assert watched.errors == []
    assert watched.foreign == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_images_are_put_aside_as_a_test_judged_and_taken_back(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """How many is said before; the model that has learnt from them is not judged on them."""
    planned = sample_copy.preview_test(0.15)
    first = planned.classes[0]
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_default_timeout(PATIENT)
        go(page, "use")
        page.wait_for_selector(
            f"[data-part=test]:has-text('{first.label} {first.after} of {first.images}')"
        )
        page.click("button:text-is('Put 15 % aside as a test')")
        page.wait_for_selector(f"[data-part=test]:has-text('{planned.moved} images lie aside')")
        assert page.locator("button:text-is('Judge on the test set')").count() == 0
        page.click("[data-part=test] button:text-is('Train again')")
        page.click("button:text-is('Train')")
        page.wait_for_selector("[data-part=verdict]")
        go(page, "use")
        page.click("button:text-is('Judge on the test set')")
        page.wait_for_selector("[data-tested='1']:has-text('looked at 1 time.')")
        page.click("[data-part=test] button:text-is('Take back')")
        page.wait_for_selector("button:text-is('Put 15 % aside as a test')")
    assert sample_copy.test_share == 0
    assert watched.errors == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_picture_is_tried_put_in_and_taken_back(
    open_page: Callable[[str], Page], sample_copy: Project, tmp_path: Path, watched: Watched
) -> None:
    """Bars and evidence come; as another class it is one image more, and undo takes it back."""
    from PIL import Image

    file = next(path for path in sample_copy.originals.rglob("*") if path.is_file())
    picture = tmp_path / "new one.png"
    with Image.open(file) as original:
        original.convert("RGB").rotate(7, expand=True).save(picture)
    before = sample_copy.status().images
    label = sample_copy.class_names()[-1]
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.set_default_timeout(PATIENT)
        go(page, "use")
        page.set_input_files(".cu-try input[name=picture]", picture)
        page.wait_for_selector("[data-answer]", timeout=PATIENT)
        assert page.locator(".cu-bars li").count() == len(sample_copy.class_names())
        page.wait_for_selector(".cu-evidence img")
        page.click(f"[data-put-as='{label}']")
        page.wait_for_selector("[data-put=done]", timeout=PATIENT)
        status = sample_copy.status()
        assert status.images == before + 1
        page.click("[data-put=done] button:text-is('Undo')")
        page.wait_for_selector(f"[data-put-as='{label}']")
        assert sample_copy.status().images == before
        page.fill(".cu-try input[name=address]", "http://127.0.0.1/a.png")
        page.click("button:text-is('Ask')")
        page.wait_for_selector(".cu-try .cu-error:has-text('not on the public internet')")
    assert watched.errors == []
    assert watched.foreign == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_model_alone_has_a_page(
    browser: Browser, sample_copy: Project, tmp_path: Path, watched: Watched
) -> None:
    """`curator classify` serves the notebook of one panel: a picture is answered, none put in."""
    sample_copy.export_model(tmp_path / "digits model", int8=False)
    picture = next(path for path in sample_copy.originals.rglob("*") if path.is_file())
    command = (sys.executable, "-m", "curator", "classify", str(tmp_path / "digits model"))
    with running(tmp_path, command=(*command, "--no-browser", "--port", "0")) as served:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENT)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.goto(served.base)
        assert "token" in page.inner_text("body")
        page.goto(served.address)
        page.wait_for_selector("h1:text-is('digits model')")
        page.set_input_files(".cu-try input[name=picture]", picture)
        page.wait_for_selector("[data-answer]")
        assert page.locator(".cu-bars li").count() == len(sample_copy.class_names())
        assert page.locator("[data-put-as]").count() == 0
        context.close()
    assert watched.errors == []
