"""The page under less friendly conditions: reloads, two windows, wrong tokens, empty projects."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import requests

from curator.check.counts import AddressCounts
from curator.hashing import sha256_of
from curator.project import Project
from curator.sample.digits import CLASSES, Item
from curator.sample.server import serving
from curator.store import images, jobs
from tests.browser.conftest import running, shared
from tests.browser.test_whole_job import choose_queue, go, press

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Watched


EARLY = 10  # of the pictures that a fetch in the middle has
UUID = "00000000-0000-0000-0000-000000000000"


@contextlib.contextmanager
def downloading(
    folder: Path, items: list[Item], open_page: Callable[[str], Page]
) -> Iterator[tuple[Page, Project, threading.Event]]:
    """Give a page in the middle of fetching ``items``: most are answered once the event is set."""
    gate = threading.Event()
    slow = [
        Item(i.path, i.listed, i.truth, "slow", i.body, delay=float(n >= EARLY))
        for n, i in enumerate(items)
    ]
    with (
        Project.create(folder / "project", CLASSES) as project,
        serving(slow, gate=gate) as served,
        shared(project.path) as dashboard,
    ):
        for name in CLASSES:
            project.add(name, "\n".join(served.addresses(name)))
        page = open_page(dashboard.address)
        page.check("input[name=private]")
        page.click(f".cu-primary:has-text('Fetch {len(items)}')")
        page.wait_for_selector(".cu-running .cu-far")
        yield page, project, gate


@pytest.mark.slow
def test_a_reload_in_the_middle_of_a_download_reattaches(
    tmp_path: Path, open_page: Callable[[str], Page], items: list[Item]
) -> None:
    """The bar is there again after a reload, and the fetch ends with every image."""
    with downloading(tmp_path, items[:60], open_page) as (page, project, gate):
        page.reload()
        page.wait_for_selector(".cu-running .cu-far")
        page.wait_for_function(  # the bar's number is the rail's
            """() => {
                const far = document.querySelector('.cu-running .cu-far');
                const rail = document.querySelector('[data-station=collect] .cu-figure');
                return far && far.textContent.replace('/', ' of ') === rail.textContent;
            }"""
        )
        gate.set()
        page.wait_for_selector("text=from 60 addresses")
        job = jobs.latest(project.database)
        assert job is not None
        assert (job.state, job.kind) == ("done", "fetch")
        assert project.status().addresses.fetched == 60


@pytest.mark.slow
@pytest.mark.soak
def test_a_reload_in_the_middle_of_a_training_reattaches(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Features that are computed anew take seconds: the bar comes back, and the run is shown."""
    shutil.rmtree(sample_copy.features)
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        page.click("text=Retrain")
        page.wait_for_selector(".cu-running .cu-far")
        page.reload()
        page.wait_for_selector("text=Run 2")
        job = jobs.latest(sample_copy.database)
        assert job is not None
        assert (job.state, job.kind, job.id) == ("done", "train", 3)


@pytest.mark.slow
def test_cancel_stops_a_download_and_keeps_what_came(
    tmp_path: Path, open_page: Callable[[str], Page], items: list[Item]
) -> None:
    """Cancel ends the job, names it, and the rest can be fetched later."""
    with downloading(tmp_path, items[:120], open_page) as (page, project, gate):
        page.click(".cu-running button:has-text('Cancel')")
        gate.set()
        page.wait_for_selector("text=What was done so far is kept")
        counted = project.status().addresses
        assert counted.pending > 0
        assert counted.pending + counted.fetched == 120


def test_two_windows_see_each_others_decisions(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """A decision in one window shows in the other, which says where it came from."""
    with shared(sample_copy.path) as dashboard:
        first, second = open_page(dashboard.address), open_page(dashboard.address)
        for page in (first, second):
            go(page, "review")
            page.wait_for_selector(".cu-tile img")
        first.locator(".cu-tile").first.focus()
        press(first, "d", 1)
        second.wait_for_selector(".cu-tile[data-place='0'].cu-is-deleted")
        second.wait_for_selector(".cu-status:has-text('another window')")
        name = sample_copy.class_names()[0]
        sample_copy.rename_class(name, "renamed")
        second.wait_for_selector(".cu-foot button:has-text('renamed')")
        second.locator(".cu-tile").nth(1).focus()
        press(second, "1", 1)
        second.wait_for_selector("text=as renamed")
        assert sample_copy.log()["label_after"].iloc[0] == "renamed"


def test_decisions_and_place_survive_a_reload(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """After a reload the same station and queue are open, and the decision is in the ledger."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "review")
        choose_queue(page, "all")
        page.wait_for_selector("text=in the order they came in")
        page.keyboard.press("Tab")
        page.locator(".cu-tile").first.focus()
        press(page, "d", 1)
        page.reload()
        page.wait_for_selector("[data-station=review][aria-current=page]")
        page.wait_for_selector("text=in the order they came in")
        log = sample_copy.log()
        assert log["action"].tolist() == ["delete"]
        assert log["run_id"].tolist() == [1]


def test_a_wrong_token_gets_nothing_and_no_file_is_served(
    tmp_path: Path, sample_copy: Project
) -> None:
    """Without the token there is no page; with it, there is still no file by path."""
    with running(tmp_path, sample_copy.path) as dashboard:
        token = dashboard.address.split("token=")[1]
        for wrong in ("", "?token=wrong"):
            answer = requests.get(f"{dashboard.base}/{wrong}", timeout=10)
            assert sample_copy.name not in answer.text
            assert "jupyter-config-data" not in answer.text
        kernels = requests.get(f"{dashboard.base}/api/kernels/{UUID}?token=wrong", timeout=10)
        assert kernels.status_code == 403
        original = next(sample_copy.originals.rglob("*.jpg"))
        for path in (
            "project.db",
            str(original),
            "../" * 8 + str(original)[1:],
            "curator.ipynb",
            quote(f"../../{original.name}", safe=""),
        ):
            answer = requests.get(f"{dashboard.base}/voila/files/{path}?token={token}", timeout=10)
            assert answer.status_code in (403, 404), path


def test_an_empty_project_says_what_to_do(
    tmp_path: Path, open_page: Callable[[str], Page], watched: Watched
) -> None:
    """Every station of an empty project opens, and offers the step that is missing."""
    project = Project.create(tmp_path / "project", ["one", "two"])
    with shared(project.path) as dashboard:
        page = open_page(dashboard.address)
        for station, words in {
            "check": "no image to check yet",
            "train": "Collect images first",
            "review": "No run was trained",
            "use": "no image yet",
        }.items():
            go(page, station)
            page.wait_for_selector(f"text={words}")
    project.close()
    assert watched.errors == []
    assert watched.foreign == []


def test_mistakes_are_named_beside_their_cause(
    tmp_path: Path, open_page: Callable[[str], Page]
) -> None:
    """A bad class name, a twin by case, an empty list, and a folder that is no project."""
    with shared() as dashboard:
        page = open_page(dashboard.address)
        page.fill("input[name=path]", str(tmp_path))
        page.click("button:text-is('Open')")
        page.wait_for_selector("text=is not a project")
        page.fill("input[name=name]", "mine")
        page.fill("textarea[name=classes]", "a/b")
        page.click("text=Make the project")
        page.wait_for_selector("text=cannot be a class name")
        page.fill("textarea[name=classes]", "cats")
        page.click("text=Make the project")
        page.wait_for_selector("[data-station=collect][aria-current=page]")
        page.fill("input[aria-label='New class']", "CATS")
        page.click(".cu-add-class button")
        page.wait_for_selector("text=only by case")
        page.fill("textarea[name=text]", "nothing here")
        page.click("text=Add to the list")
        page.wait_for_selector("text=no usable address")
        assert page.input_value("textarea[name=text]") == "nothing here"


def test_a_failed_training_says_why(
    tmp_path: Path, open_page: Callable[[str], Page], small: Project
) -> None:
    """One class left after review: the reason stands on the page, and nothing is lost."""
    with small.database.read() as connection:
        live = images.live(connection)
    small.decide(live[live["label"] != "cat"]["image_id"].tolist(), "delete")
    before, decided = kept(small), small.log()
    with shared(small.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "train")
        page.click("button:text-is('Train')")
        page.wait_for_selector("text=at least two classes")
    job = jobs.latest(small.database)
    assert job is not None
    assert (job.kind, job.state) == ("train", jobs.FAILED)
    assert kept(small) == before
    assert small.log().equals(decided)
    assert small.runs().empty
    small.undo()
    assert small.status().images == len(live)


def kept(project: Project) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    """Give the SHA-256 of every original, and the label and state of every image."""
    files = {
        str(path.relative_to(project.originals)): sha256_of(path)
        for path in project.originals.rglob("*")
        if path.is_file()
    }
    with project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM current ORDER BY image_id").all()
    return files, [tuple(row) for row in rows]


def test_kernels_end_with_their_pages(
    tmp_path: Path, open_page: Callable[[str], Page], sample_copy: Project
) -> None:
    """Reloads leave no kernel behind: at the end there is one for the page and one that waits."""
    with running(tmp_path, sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        for _ in range(2):
            page.reload()
            page.wait_for_selector(".cu-header")
        deadline = time.monotonic() + 20
        while len(_kernels(dashboard.process.pid)) > 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert 1 <= len(_kernels(dashboard.process.pid)) <= 2


def _kernels(parent: int) -> list[int]:
    """Child processes that run a kernel (Linux and macOS)."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [
        int(pid)
        for pid, ppid, text in rows
        if int(ppid) == parent and " -m widgets.kernel " in text
    ]


@pytest.mark.slow
def test_a_killed_worker_is_told_and_its_job_started_again(
    tmp_path: Path, open_page: Callable[[str], Page], items: list[Item]
) -> None:
    """The bar says that the process died and offers to go on; then nothing is missing."""
    with downloading(tmp_path, items[:60], open_page) as (page, project, gate):
        job = jobs.latest(project.database)
        assert job is not None
        assert job.process is not None
        os.kill(job.process, signal.SIGKILL)
        page.wait_for_selector("text=ended without a word")
        page.click("text=Start again")
        gate.set()
        page.wait_for_selector("text=Next: check the data")
        assert project.status().addresses == AddressCounts(pending=0, fetched=60, failed={})
