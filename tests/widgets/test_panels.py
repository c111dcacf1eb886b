"""Panels without a browser: what they show, what they do with messages, what they never load."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from curator.project import Project
from curator.review.status import status
from curator.store import jobs
from widgets import recent
from widgets.app import Dashboard
from widgets.collect import CollectPanel
from widgets.export import ExportPanel, free
from widgets.gallery import PAGE, Gallery
from widgets.jobbar import JobBar
from widgets.shell import Shell
from widgets.start import StartPanel, folder_name
from widgets.train import TrainPanel

if TYPE_CHECKING:
    from pathlib import Path


def nothing(_: dict[str, Any]) -> None:
    """Take a message and do nothing."""


HANDLERS = dict.fromkeys(("decided", "moved", "changed", "error"), nothing)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the list of recent projects of the person who runs the tests out of them."""
    monkeypatch.setenv("CURATOR_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CURATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CURATOR_WORKER_IDLE", "1")


def tell(panel: Any, **message: Any) -> None:
    """Send a message as the script does."""
    panel._received(panel, message, [])


@pytest.fixture
def gallery(sample_copy: Project) -> Gallery:
    """Open the queue of suspicious images of the trained sample."""
    made = Gallery(HANDLERS)
    made.project = sample_copy
    made.show_queue("suspicious")
    return made


def test_the_page_loads_no_torch() -> None:
    """Importing everything that the page's kernel uses leaves the heavy packages out."""
    code = (
        "import sys; import widgets.app; from widgets import dashboard;"
        "heavy = {'torch', 'torchvision', 'timm', 'onnxruntime', 'sklearn', 'scipy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"


def test_a_page_of_the_gallery_is_the_head_of_the_ranking(
    gallery: Gallery, sample_copy: Project
) -> None:
    """The first page shows the first of `rank`, in its order, with what the run says."""
    ranked = sample_copy.rank(PAGE)
    tiles = gallery.state["tiles"]
    assert [tile["id"] for tile in tiles] == ranked["image_id"].tolist()
    assert [tile["label"] for tile in tiles] == ranked["label"].tolist()
    assert gallery.state["total"] == len(sample_copy.rank())
    assert gallery.state["seen"] == PAGE


def test_a_decision_is_in_the_ledger_when_the_tile_shows_it(
    gallery: Gallery, sample_copy: Project
) -> None:
    """The ledger has the run and the score that the reviewer saw; the tile stays in its place."""
    first = gallery.state["tiles"][0]
    tell(gallery, do="decide", ids=[first["id"]], action="delete", label="")
    row = sample_copy.log().iloc[0]
    assert (row["image_id"], row["action"], row["run_id"]) == (first["id"], "delete", 1)
    assert row["score"] == pytest.approx(sample_copy_score(sample_copy, first["id"]))
    assert gallery.state["tiles"][0]["id"] == first["id"]
    assert gallery.state["tiles"][0]["state"] == "deleted"
    tell(gallery, do="undo")
    assert gallery.state["tiles"][0]["state"] == "new"


def sample_copy_score(project: Project, image_id: int) -> float:
    """Read the score of an image from the ranking of all images."""
    from curator.review.ranking import scored

    table = scored(project).set_index("image_id")
    return float(table.loc[image_id, "label_score"])


def test_the_rest_of_a_page_is_kept_and_the_next_one_shown(
    gallery: Gallery, sample_copy: Project
) -> None:
    """Enter confirms what is undecided, as one step of undo, and leaves what was decided."""
    ids = [tile["id"] for tile in gallery.state["tiles"]]
    tell(gallery, do="decide", ids=ids[:2], action="delete", label="")
    tell(gallery, do="rest")
    assert gallery.state["offset"] == PAGE
    assert sample_copy.log()["action"].value_counts().to_dict() == {"keep": PAGE - 2, "delete": 2}
    assert len(sample_copy.undo()[0].image_ids) == PAGE - 2


def test_enter_in_the_trash_brings_nothing_back(gallery: Gallery, sample_copy: Project) -> None:
    """Only undecided images are kept by Enter, so that leafing through the trash is safe."""
    ids = [tile["id"] for tile in gallery.state["tiles"][:3]]
    sample_copy.decide(ids, "delete")
    gallery.show_queue("trash")
    assert gallery.state["total"] == 3
    tell(gallery, do="rest")
    assert sample_copy.status()["states"]["deleted"] == 3


def test_a_relabelled_tile_shows_no_loss_of_the_old_label(gallery: Gallery) -> None:
    """A loss belongs to the label that the run saw."""
    first = gallery.state["tiles"][0]
    other = next(name for name in gallery.state["classes"] if name != first["label"])
    tell(gallery, do="decide", ids=[first["id"]], action="relabel", label=other)
    tile = gallery.state["tiles"][0]
    assert (tile["label"], tile["loss"], tile["relabelled"]) == (other, None, True)


def test_an_error_in_a_callback_reaches_the_page(sample_copy: Project) -> None:
    """Foreseen and unforeseen errors are told, not swallowed."""
    heard: list[str] = []
    made = Gallery({**HANDLERS, "error": lambda message: heard.append(message["text"])})
    made.project = sample_copy
    made.show_queue("all")
    tell(made, do="decide", ids=[999_999], action="keep", label="")
    tell(made, do="turn", by="x")
    assert "999999" in heard[0]
    assert "unforeseen" in heard[1]


def test_the_rail_tells_what_needs_the_user(small: Project, sample: Project) -> None:
    """A station's figure and state follow the project."""
    shell = Shell(HANDLERS)
    shell.refresh(status(small), "collect", None)
    states = {row["id"]: (row["figure"], row["state"]) for row in shell.state["stations"]}
    assert states["collect"] == ("30 images", "done")
    assert states["train"] == ("", "empty")
    shell.refresh(status(sample), "review", 2)
    states = {row["id"]: row["state"] for row in shell.state["stations"]}
    assert states == {
        "collect": "done",
        "check": "needs",
        "train": "done",
        "review": "needs",
        "export": "empty",
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
    assert small.status()["addresses"]["pending"] == 1
    tell(panel, do="add", name="cat", text="# nothing\n")
    assert "no usable address" in panel.state["errors"]["add"]


def test_an_export_is_planned_beside_the_project(small: Project) -> None:
    """The preview counts what would be written, into folders that do not exist yet."""
    panel = ExportPanel(HANDLERS)
    panel.refresh(small, status(small), busy=False)
    assert panel.state["total"] == 30
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


def test_the_dashboard_opens_a_project_without_a_run(tmp_path: Path) -> None:
    """An empty project opens at its first station, and the gallery says what is missing."""
    with Project.create(tmp_path / "empty", ["a", "b"]) as project:
        dashboard = Dashboard(str(project.path))
        assert dashboard.station == "collect"
        assert "No run was trained" in dashboard.gallery.state["empty"]
        dashboard.leave()


def test_the_dashboard_opens_a_project_where_it_was_left(sample_copy: Project) -> None:
    """Station, queue and position are those of the last time."""
    place = {"station": "review", "kind": "all", "label": "", "predicted": "", "offset": 2 * PAGE}
    recent.remember(sample_copy.name, sample_copy.path, place)
    dashboard = Dashboard(str(sample_copy.path))
    try:
        assert dashboard.station == "review"
        assert dashboard.gallery.state["kind"] == "all"
        assert dashboard.gallery.state["offset"] == 2 * PAGE
    finally:
        dashboard.leave()


@pytest.fixture
def training(sample_copy: Project) -> tuple[TrainPanel, list[dict[str, Any]]]:
    """The station Train of the trained sample, and what it asked the worker for."""
    asked: list[dict[str, Any]] = []
    panel = TrainPanel({**HANDLERS, "submit": asked.append})
    panel.refresh(sample_copy, status(sample_copy), busy=False)
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


def test_two_runs_are_compared_on_the_page(
    training: tuple[TrainPanel, list[dict[str, Any]]], sample_copy: Project
) -> None:
    """From the second run on the table offers a comparison, and another pair when chosen."""
    panel, _ = training
    assert panel.state["comparison"] is None
    for _ in range(2):
        sample_copy.run("train")
    panel.refresh(sample_copy, status(sample_copy), busy=False)
    assert [row["run"] for row in panel.state["runs"]] == [3, 2, 1]
    assert panel.state["compared"] == {"before": 1, "after": 3}
    tell(panel, do="compare", side="before", run=2)
    assert panel.state["compared"] == {"before": 2, "after": 3}
    assert panel.state["comparison"]["before"]["run"] == 2
