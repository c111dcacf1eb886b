"""Panels without a browser: what they show, what they do with messages, what they never load."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from curator.project import Project
from curator.review.queue.kinds import open_queue
from curator.review.status import status
from curator.store import jobs
from tests.widgets.kernel import ended, refreshed, send, tell, until
from widgets import recent
from widgets.app import Dashboard
from widgets.collect import CollectPanel
from widgets.folders import free
from widgets.jobbar import JobBar
from widgets.queue_view import PAGE
from widgets.shell import Shell
from widgets.start import StartPanel, folder_name
from widgets.train import TrainPanel
from widgets.use import UsePanel

if TYPE_CHECKING:
    from pathlib import Path


def nothing(_: dict[str, Any]) -> None:
    """Take a message and do nothing."""


HANDLERS = dict.fromkeys(("changed", "error"), nothing)


@pytest.mark.slow
def test_the_page_loads_no_torch() -> None:
    """Importing everything that the page's kernel uses leaves the heavy packages out."""
    code = (
        "import sys; import widgets.app; from widgets import dashboard;"
        "heavy = {'torch', 'torchvision', 'timm', 'onnxruntime', 'sklearn', 'scipy', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"


def test_the_rail_tells_what_needs_the_user(small: Project, sample: Project) -> None:
    """A station's figure and state follow the project."""
    shell = Shell(HANDLERS)
    shell.refresh(status(small), "collect")
    states = {row["id"]: (row["figure"], row["state"]) for row in shell.state["stations"]}
    assert states["collect"] == ("30 images", "done")
    assert states["train"] == ("", "empty")
    shell.refresh(status(sample), "review")
    states = {row["id"]: row["state"] for row in shell.state["stations"]}
    assert states == {
        "data": "empty",
        "collect": "done",
        "check": "needs you",
        "train": "done",
        "review": "needs you",
        "use": "empty",
    }


def test_the_job_bar_follows_a_job_to_its_end(small: Project) -> None:
    """While it is queued there is no time left to show; at the end there is one sentence."""
    bar = JobBar(HANDLERS)
    number = jobs.queue(small.database, "fetch", {})
    bar.refresh(jobs.get(small.database, number), "collect")
    assert bar.state["job"]["open"]
    assert bar.state["job"]["left"] is None
    jobs.start(small.database, number)
    jobs.end(small.database, number, jobs.DONE, {"sentence": "Three new images."})
    bar.refresh(jobs.get(small.database, number), "collect")
    assert bar.state["job"]["text"] == "Three new images."
    assert bar.state["job"]["next"]["station"] == "check"


def test_refused_lines_are_shown_by_number(small: Project) -> None:
    """What of a pasted list cannot be used is told with its line; the rest is added."""
    panel = CollectPanel(HANDLERS)
    panel.refresh(small, status(small), busy=False)
    tell(panel, do="add", name="cat", text="https://example.org/a.jpg\nrubbish\n")
    assert panel.state["added"]["refused"][0]["line"] == 2
    assert small.status().addresses.pending == 1
    tell(panel, do="add", name="cat", text="# nothing\n")
    assert "no usable address" in panel.state["errors"]["add"]


def test_an_export_is_planned_beside_the_project(small: Project) -> None:
    """The preview counts what would be written, into folders that do not exist yet."""
    panel = UsePanel(HANDLERS)
    refreshed(panel, small, status(small), False)
    assert panel.state["plan"]["images"] == 30
    assert panel.state["where"]["export"] == str(free(small, "curated"))
    taken = free(small, "curated")
    taken.mkdir()
    assert free(small, "curated") != taken


def test_projects_are_remembered_with_their_place(small: Project) -> None:
    """The newest comes first, once; a folder that is gone is not listed; the place is kept."""
    recent.remember("small", small.path, {"station": "review", "offset": 48})
    recent.remember("gone", small.path / "gone")
    recent.remember("small", small.path)
    assert [entry["name"] for entry in recent.listed()] == ["small"]
    assert recent.place_of(small.path) == {"station": "review", "offset": 48}


def test_names_become_folder_names() -> None:
    """Whatever a project is called, its folder can be made."""
    assert folder_name("my bears / 2026") == "my-bears-2026"
    assert folder_name("../..") == "project"
    assert folder_name("Bären") == "Bären"


def test_the_start_page_makes_a_project(tmp_path: Path) -> None:
    """Classes may be separated by lines or commas; mistakes stand beside the form."""
    start = StartPanel(HANDLERS)
    assert start.create({"name": "x", "classes": "a, a"}) is None
    assert "already" in start.state["errors"]["create"]
    made = start.create({"name": "my bears", "classes": "black, grizzly\nteddy", "folder": ""})
    assert made is not None
    assert made.class_names() == ["black", "grizzly", "teddy"]
    assert made.path == tmp_path / "home" / "my-bears"
    made.close()


def test_pasted_addresses_need_a_class_and_are_of_the_first(tmp_path: Path) -> None:
    """What was pasted on the start page waits in the new project; without a class there is none."""
    addresses = "https://example.org/1.jpg\nhttps://example.org/2.jpg"

    async def page() -> None:
        dashboard = Dashboard()
        asked = {"do": "create", "name": "bears", "addresses": addresses}
        send(dashboard.start, **asked, classes="")
        assert "name their class" in dashboard.start.state["errors"]["create"]
        assert not (tmp_path / "home" / "bears").exists()
        send(dashboard.start, **asked, classes="black, teddy")
        await until(lambda: dashboard.collect.state["added"])
        assert "2 new for black" in dashboard.collect.state["added"]["sentence"]
        dashboard.leave()

    asyncio.run(page())


def test_recent_projects_are_shown_with_what_they_hold(sample_copy: Project) -> None:
    """Cards fill one after the other; what cannot be opened says why on its card."""
    recent.remember("broken", sample_copy.path.parent)
    (sample_copy.path.parent / "project.db").write_bytes(b"no database")
    recent.remember(sample_copy.name, sample_copy.path)

    async def page() -> None:
        dashboard = Dashboard()
        sent: list[Any] = []
        dashboard.start.send = lambda content, buffers=None: sent.append((content, buffers))
        send(dashboard.start, do="ready")
        await until(lambda: len(dashboard.start.state["cards"]) == 2)
        card = dashboard.start.state["cards"][str(sample_copy.path)]
        assert (card["images"], list(card["classes"])) == (
            sample_copy.status().images,
            sample_copy.class_names(),
        )
        (content, buffers) = sent[0]
        assert content["ids"] == card["pictures"]
        assert len(buffers) == 4
        broken = dashboard.start.state["cards"][str(sample_copy.path.parent)]
        assert "not a project" in broken["problem"]
        dashboard.leave()

    asyncio.run(page())


def test_the_dashboard_opens_a_project_without_a_run(tmp_path: Path) -> None:
    """An empty project opens at its first station, and the gallery says what is missing."""
    with Project.create(tmp_path / "empty", ["a", "b"]) as project:
        dashboard = Dashboard(str(project.path))
        assert dashboard.station == "collect"
        gallery = dashboard.review.gallery.state
        assert "No run was trained" in gallery["empty"]
        assert gallery["step"]["station"] == "collect"  # not Train, which would only send on
        dashboard.leave()


@pytest.mark.slow
def test_the_dashboard_opens_a_project_where_it_was_left(sample_copy: Project) -> None:
    """Station, queue and position are those of the last time."""
    near = [int(i) for i in open_queue(sample_copy, "all").ids[2 * PAGE : 3 * PAGE]]
    place = {"station": "review", "kind": "all", "filters": {}, "near": near, "page": PAGE}
    recent.remember(sample_copy.name, sample_copy.path, place)
    dashboard = Dashboard(str(sample_copy.path))
    try:
        assert dashboard.station == "review"
        assert dashboard.review.gallery.state["kind"] == "all"
        assert dashboard.review.gallery.state["offset"] == 2 * PAGE
    finally:
        dashboard.leave()


@pytest.mark.slow
def test_a_kernel_that_stands_by_opens_the_project_for_its_page(
    sample_copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before the page came, which would have to wait for it; without a page a moment later."""
    monkeypatch.setenv("CURATOR_PROJECT", str(sample_copy.path))
    monkeypatch.setattr("widgets.app.WARM_SECONDS", 0.3)

    async def stands_by(page_comes: bool) -> None:
        dashboard = Dashboard()
        assert (dashboard.station, dashboard.project) == ("opening", None)
        shown = [name for name, panel in dashboard._panels.items() if not panel.layout.display]
        assert shown == ["opening"]
        if page_comes:
            send(dashboard.shell, do="hello", project=None)
            assert dashboard.project is not None
        opened = dashboard.project
        await until(lambda: dashboard.project is not None)
        await asyncio.sleep(0.5)
        assert opened is None or dashboard.project is opened
        assert dashboard.station == "data"
        dashboard.leave()

    for page_comes in (True, False):
        asyncio.run(stands_by(page_comes))


@pytest.mark.slow
def test_what_happens_in_other_windows_is_seen(sample_copy: Project) -> None:
    """A page that stands open shows who decided how much, and what classes are called now."""

    async def page() -> None:
        dashboard = Dashboard(str(sample_copy.path))
        send(dashboard.shell, do="hello", project=str(sample_copy.path))
        send(dashboard.shell, do="go", station="review")
        gallery = dashboard.review.gallery
        send(gallery, do="drawer", open=True)
        ids = [tile["id"] for tile in gallery.state["tiles"]]
        with Project.open(sample_copy.path) as elsewhere:
            elsewhere.decide(ids[:2], "keep", by="ann")
            elsewhere.decide(ids[2:5], "keep", by="bob")
        await until(lambda: "another window" in gallery.state["status"])
        assert gallery.state["status"] == (
            "ann decided on 2 images and bob decided on 3 images in another window, "
            "5 of them on this page."
        )
        with Project.open(sample_copy.path) as elsewhere:
            elsewhere.rename_class("three", "trois")
        await until(lambda: "trois" in gallery.state["classes"])
        labels = dashboard.review.confusion
        await until(lambda: "trois" in labels.state["labels"])
        send(dashboard.shell, do="go", station="collect")
        send(dashboard.collect, do="choose", name="five")
        with Project.open(sample_copy.path) as elsewhere:
            elsewhere.rename_class("five", "cinq")
        await until(lambda: dashboard.collect.state["chosen"] == "cinq")
        dashboard.leave()
        await ended()

    asyncio.run(page())


@pytest.mark.slow
def test_a_closed_drawer_counts_nothing(sample_copy: Project) -> None:
    """The queues' sizes come without it; what lies in the drawer is counted when it is opened."""

    async def page() -> None:
        dashboard = Dashboard(str(sample_copy.path))
        send(dashboard.shell, do="hello", project=str(sample_copy.path))
        send(dashboard.shell, do="go", station="review")
        review = dashboard.review
        await until(lambda: review.gallery.state["counts"].get("suspicious", 0) > 0)
        assert not review.confusion.state["counted"]
        send(review.gallery, do="drawer", open=True)
        await until(lambda: review.confusion.state["counted"])
        dashboard.leave()
        await ended()

    asyncio.run(page())


@pytest.fixture
def training(sample_copy: Project) -> tuple[TrainPanel, list[dict[str, Any]]]:
    """The station Train of the trained sample, and what it asked the worker for."""
    asked: list[dict[str, Any]] = []
    panel = TrainPanel({**HANDLERS, "submit": asked.append})
    refreshed(panel, sample_copy, status(sample_copy), False)
    return panel, asked


def test_training_asks_for_what_was_changed_alone(
    training: tuple[TrainPanel, list[dict[str, Any]]],
) -> None:
    """Settings left as they were stay the job's own defaults; numbers are sent as numbers."""
    panel, asked = training
    tell(panel, do="train")
    tell(panel, do="form", values={"balance": True, "folds": "3"})
    tell(panel, do="train")
    tell(panel, do="form", values={"recipe": "finetune", "epochs": "2", "patience": "1"})
    tell(panel, do="take_rate", rate=0.01234)
    tell(panel, do="train")
    tell(panel, do="cost")
    assert asked == [
        {"kind": "train", "arguments": {"recipe": "instant"}},
        {"kind": "train", "arguments": {"recipe": "instant", "folds": 3, "balance": True}},
        # What it will cost is measured when fine-tuning is chosen, before anybody starts it.
        {"kind": "cost", "arguments": {"epochs": 2, "patience": 1, "folds": 3}},
        {
            "kind": "train",
            "arguments": {
                "recipe": "finetune",
                "epochs": 2,
                "rate": 0.012,
                "patience": 1,
                "folds": 3,
            },
        },
        {"kind": "cost", "arguments": {"epochs": 2, "rate": 0.012, "patience": 1, "folds": 3}},
    ]


def test_the_cost_of_fine_tuning_is_told_before_it_starts(
    training: tuple[TrainPanel, list[dict[str, Any]]],
) -> None:
    """It grows with folds, says what it rests on, and vanishes over what is no number."""
    panel, _ = training
    assert panel.state["cost"] == ""
    tell(panel, do="form", values={"recipe": "finetune"})
    assert "rule of thumb" in panel.state["cost"]
    tell(panel, do="form", values={"out_of_fold": True})
    assert "6 trainings" in panel.state["cost"]
    tell(panel, do="form", values={"epochs": "many"})
    assert panel.state["cost"] == ""
    assert panel.state["form"]["epochs"] == "many"  # what was typed stays, the job refuses it


@pytest.mark.slow
def test_two_runs_are_compared_on_the_page(
    training: tuple[TrainPanel, list[dict[str, Any]]], sample_copy: Project
) -> None:
    """From the second run on the table offers a comparison, and another pair when chosen."""
    panel, _ = training
    assert panel.state["comparison"] is None
    for _ in range(2):
        sample_copy.train()
    refreshed(panel, sample_copy, status(sample_copy), False)
    assert [row["run"] for row in panel.state["runs"]] == [3, 2, 1]
    assert panel.state["compared"] == {"before": 1, "after": 3}
    tell(panel, do="compare", side="before", run=2)
    assert panel.state["compared"] == {"before": 2, "after": 3}
    assert panel.state["comparison"]["before"]["run"] == 2
