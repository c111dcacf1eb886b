"""`curator demo`: the whole job, and a report whose figures agree with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from curator.cli.demo import PAGE, PREDICTED, run
from curator.errors import TargetNotEmpty
from curator.project import Project
from curator.sample.digits import NO_CLASS

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(build_once: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, Any]:
    """Run the demo once; give its report, with the folder where it lies now."""

    def fill(folder: Path) -> None:
        made = run(folder / "demo", quiet=True)
        (folder / "report.json").write_text(json.dumps(made))

    folder = build_once("demo", fill)
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found | {"home": folder / "demo"}


def test_wrong_labels_are_ranked_and_found(report: dict[str, Any]) -> None:
    """Every planted wrong label has a rank, mostly an early one, and the review finds most."""
    ranks = report["ranks"]
    assert len(ranks["wrong label"]) == report["planted"]["wrong label"] == 27
    assert len(ranks["no class"]) == report["planted"]["no class"] == NO_CLASS
    assert sum(rank <= 50 for rank in ranks["wrong label"]) >= 20
    assert 25 <= report["review"]["found"]["wrong label"] <= 27


def test_the_review_adds_up(report: dict[str, Any]) -> None:
    """Hits by page are the faults found, and it ended after two pages without one."""
    review = report["review"]
    assert sum(review["hits_per_page"]) == sum(review["found"].values())
    assert review["reviewed"] == min(len(review["hits_per_page"]) * PAGE, review["of"])
    assert review["hits_per_page"][-2:] == [0, 0]
    assert set(review["found"]) <= {"wrong label", "no class"}


def test_cleaning_lowers_the_error(report: dict[str, Any]) -> None:
    """After the review the error is not higher, on the same images and out-of-fold."""
    compared = report["comparison"]
    assert compared["after"]["error"] <= compared["before"]["error"]
    assert report["last_error"]["error"] < report["first_error"]["error"]
    assert report["first_error"]["images"] == report["fetched"]["images"]
    removed = report["review"]["found"]["no class"]
    assert report["last_error"]["images"] == report["first_error"]["images"] - removed


def test_the_fetch_met_every_planted_fault(report: dict[str, Any]) -> None:
    """Dead addresses, pages and cut files are counted as planted."""
    planted, fetched = report["planted"], report["fetched"]
    assert fetched["failed"] == {
        "dead": planted["dead"],
        "page_not_image": planted["page"],
        "broken": planted["truncated"],
    }
    assert fetched["same"] == planted["exact copy"]
    assert fetched["images"] + fetched["same"] + sum(fetched["failed"].values()) == fetched["asked"]
    assert report["problems"]["near_duplicates"] == 2 * planted["near copy"]


def test_what_is_delivered_is_there(report: dict[str, Any]) -> None:
    """Data set, model and project lie where the report says, with as many images as it says."""
    home = report["home"]
    assert [Path(report[key]).name for key in ("folder", "model", "project")] == [
        "curated",
        "model",
        "project",
    ]
    exported = list((home / "curated").glob("*/*/*.*"))  # SPLIT/CLASS/PICTURE
    assert len(exported) == report["last_error"]["images"]
    with Project.open(home / "project") as project:
        assert project.status().images == len(exported)
        assert len(project.runs()) == 2
    assert report["predicted"]["images"] == PREDICTED
    assert report["predicted"]["right"] >= PREDICTED - 2


def test_it_does_not_run_over_files(tmp_path: Path) -> None:
    """A folder with anything in it is refused before anything is done."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmpty, match="curator demo DIR"):
        run(tmp_path, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
