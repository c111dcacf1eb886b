"""The rail, the header and the bar: no tick for what is not done, one number, plain words."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.browser.conftest import shared
from tests.browser.test_whole_job import JOB, go
from tests.running import add_tuned_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

FIELD_TERMS = ("err ", "bundled", "ONNX", "float32", "nats", "out-of-fold", "left")


def rail(page: Page) -> dict[str, tuple[str, str, bool]]:
    """Read state, figure and whether there is a tick, of each station of the work."""
    return {
        str(row.get_attribute("data-station")): (
            str(row.get_attribute("class")).split("cu-station cu-")[1],
            row.locator(".cu-figure").inner_text().strip(),
            row.locator(".cu-figure [data-icon=check]").count() == 1,
        )
        for row in page.locator("[data-station]:not([data-station=data])").all()
    }


def first_level(page: Page) -> str:
    """Read what stands in header and rail without a hover."""
    return page.inner_text(".cu-shell")


def test_stations_speak_plainly(open_page: Callable[[str], Page], sample_copy: Project) -> None:
    """No station shows a term of the field before somebody asks; a hover or a tap tells it."""
    terms = (*FIELD_TERMS[1:-1], "frozen", "logit", "embedding")
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        for station in ("data", "collect", "check", "train", "review", "use"):
            go(page, station)
            if station == "use":
                page.wait_for_selector("[data-part=plan]:has-text('images')")
            shown = page.inner_text(".cu-main")
            assert not [term for term in terms if term in shown]
        unseen = page.locator("[data-part=model] .cu-term", has_text="all ")
        assert "out-of-fold" in str(unseen.get_attribute("title"))
        unseen.focus()
        told = unseen.evaluate("one => getComputedStyle(one, '::after').content")
        assert "attr(title)" in told or "out-of-fold" in told


def test_an_empty_project_has_no_tick_and_a_failed_fetch_neither(
    tmp_path: Path, open_page: Callable[[str], Page]
) -> None:
    """Not one address gave an image: the station has failed, and the bar leads to the reasons."""
    with Project.create(tmp_path / "p", ["a", "b"]) as project, shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        assert {(state, tick) for state, _, tick in rail(page).values()} == {("empty", False)}
        project.add("a", "\n".join(f"http://127.0.0.1:9/{n}.jpg" for n in range(5)))
        go(page, "check")
        go(page, "collect")
        page.check("input[name=private]")
        page.click(".cu-primary:has-text('Fetch 5')")
        page.wait_for_selector(".cu-jobbar.cu-failed :text('5 failed')", timeout=JOB)
        page.wait_for_selector("[data-station=collect].cu-failed")
        assert rail(page)["collect"] == ("failed", "5 failed", False)
        assert "check the data" not in page.inner_text(".cu-jobbar")
        assert page.locator(".cu-app .cu-done").count() == 0
        go(page, "check")
        page.click(".cu-jobbar button:has-text('See what failed')")
        page.wait_for_selector("[data-station=collect][aria-current=page]")
        told = project.status().station("collect")
        assert (told.state, told.figure) == ("failed", "5 failed")


def test_after_the_first_training_review_asks_for_the_user(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Plain words first, the exact figures by a hover; Review has no tick before anybody looked."""
    with sample_copy.database.write() as connection:  # as after a training that flags nothing
        connection.exec_driver_sql("UPDATE predictions SET is_label_issue = 0")
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        told = {item.station: item for item in sample_copy.status().stations}
        shown = rail(page)
        assert {name: item.figure for name, item in told.items()} == {
            name: figure for name, (_, figure, _) in shown.items()
        }
        assert shown["train"][0] == "done"
        assert shown["train"][1].endswith(" % right")
        assert shown["train"][2]
        assert shown["review"] == ("needs-you", "nobody looked", False)
        assert not [term for term in FIELD_TERMS if term in first_level(page)]
        title = str(page.get_attribute("[data-station=train]", "title"))
        assert "each image judged by a model that did not see it" in title
        assert f"{sample_copy.status().images} images" in page.inner_text(".cu-counts")
        assert shown["collect"][1] == f"{sample_copy.status().images} images"
        go(page, "review")
        page.wait_for_selector(".cu-tile img")
        page.locator(".cu-tile").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-station=review].cu-done [data-icon=check]")


@pytest.mark.slow
def test_a_model_that_guesses_has_no_tick(
    open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """With labels drawn by lot, the training succeeds and the model is no better than guessing."""
    draw = random.Random(1)
    names = sample_copy.class_names()
    labels: dict[str, list[int]] = {name: [] for name in names}
    for image_id in sample_copy.rank()["image_id"].tolist():
        labels[draw.choice(names)].append(image_id)
    for name, image_ids in labels.items():
        sample_copy.decide(image_ids, "relabel", name)
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        page.click("button:text-is('Retrain')")
        page.wait_for_selector(
            "[data-station=train]:has-text('no better than guessing')", timeout=JOB
        )
        page.wait_for_selector(".cu-jobbar.cu-needs-you:has-text('no better than guessing')")
        assert rail(page)["train"] == ("needs-you", "no better than guessing", False)
        assert page.locator(".cu-jobbar.cu-done").count() == 0
        assert not rail(page)["review"][2]


def test_the_run_that_is_named_is_the_one_that_is_written(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """A refit is written only when it was chosen, what was chosen stays, and the newest may again.

    A cell of the matrix beside the mistakes opens its images.
    """
    sample_copy.decide([1, 2], "delete")
    assert sample_copy.refit().run == 2
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "use")
        page.wait_for_selector("[data-exported='1']:has-text('run 1')")
        go(page, "train")
        assert page.locator("[data-part=runs] tr[data-run='2'] :text('refit')").count() == 1
        page.wait_for_selector("[data-part=runs] tr[data-run='1']:has-text('in use')")
        page.click("[data-part=newer] button")
        page.wait_for_selector("[data-part=runs] tr[data-run='2']:has-text('in use')")
        go(page, "use")
        page.wait_for_selector("[data-exported='2']:has-text('run 2, an automatic refit')")
        form = page.locator("form:has-text('Write the model')")
        form.locator("input[name=out]").fill(str(tmp_path / "model"))
        form.locator("button").click()
        page.wait_for_selector(".cu-jobbar :text('run 2, an automatic refit')", timeout=JOB)
        assert json.loads((tmp_path / "model" / "config.json").read_text())["run"] == 2
        add_tuned_run(sample_copy)
        sample_copy.decide([3], "delete")
        assert sample_copy.refit().run == 4
        go(page, "train")
        page.wait_for_selector("[data-part=runs] tr[data-run='2']:has-text('in use')")
        page.click("text=Always use the newest")
        page.wait_for_selector("[data-part=runs] tr[data-run='3']:has-text('in use')")
        go(page, "use")
        page.wait_for_selector("[data-exported='3']")
        assert page.locator(".cu-command:has-text('--run 3')").count() == 1
        go(page, "train")
        cell = page.locator("[data-part=matrix] td:not(.cu-diagonal) button").first
        label, predicted = (cell.get_attribute("data-cell") or "").split("/")
        number = int(cell.inner_text())
        cell.click()
        address = f"review/confused?class={label}&predicted={predicted}"
        page.wait_for_function(f"() => location.hash.includes('{address}')")
        page.wait_for_selector(f".cu-meaning:has-text('{number} in queue')")
