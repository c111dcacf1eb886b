"""The status of every station: no tick for a failure, for what nobody saw, or for guessing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from curator.check.counts import AddressCounts
from curator.review.counts import Counts, NewestRun, count
from curator.review.status import Station, stations
from curator.store import jobs
from tests.running import add_tuned_run

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from curator.project import Project
    from curator.store.run_json import Quality

FIGURES: Quality = {"images": 400, "wrong": 6, "error": 0.015, "low": 0.007, "high": 0.031}  # type: ignore[typeddict-item]
RUN = NewestRun(
    run=1,
    title="run 1",
    backbone="small",
    recipe="instant",
    choice="cpu",
    out_of_fold=FIGURES,
    valid=FIGURES,
    error=0.015,
    judged_on="out-of-fold",
    low=0.007,
    high=0.031,
    guessing=0.6,
    chosen=False,
)
COUNTS = Counts(
    unlabelled=0,
    project="bears",
    path="bears",
    read_only=None,
    damage=None,
    images=400,
    classes={"black": 200, "teddy": 200},
    states={"new": 400},
    addresses=AddressCounts(pending=0, fetched=400, failed={}),
    unchecked=0,
    decisions=0,
    run=RUN,
    left=0,
    stale=0,
    looked=True,
    brought=400,
    brought_failed=0,
    exported=True,
)
NOTHING = replace(
    COUNTS,
    images=0,
    addresses=AddressCounts(pending=0, fetched=0, failed={}),
    run=None,
    looked=False,
    brought=None,
    exported=False,
)
DEAD = AddressCounts(pending=0, fetched=0, failed={"dead": 145})


def station(name: str, counts: Counts, problems: int = 0, job: jobs.Job | None = None) -> Station:
    """Give one station."""
    return next(item for item in stations(counts, problems, job) if item.station == name)


def test_when_all_is_well_every_station_is_done() -> None:
    """A person could stop here, and the first level speaks plainly; the exact figures are below."""
    found = {item.station: (item.state, item.figure) for item in stations(COUNTS, 0)}
    assert found == {
        "collect": ("done", "400 images"),
        "check": ("done", "nothing found"),
        "train": ("done", "98.5 % right"),
        "review": ("done", "none left"),
        "use": ("done", "written"),
    }
    assert station("train", COUNTS).details == (
        "Run 1: 1.5 % wrong (0.7-3.1), each image judged by a model that did not see it."
    )


def test_a_new_project_is_empty_everywhere() -> None:
    """Before anything was done nothing is done, and nothing asks for the user either."""
    assert {item.state for item in stations(NOTHING, 0)} == {"empty"}
    assert {item.count for item in stations(NOTHING, 0)} == {0}


@pytest.mark.parametrize(
    ("name", "change", "state", "count", "figure"),
    [
        ("collect", {"addresses": AddressCounts(7, 400, {})}, "needs you", 7, "7 to fetch"),
        ("collect", {"images": 0, "addresses": DEAD}, "failed", 145, "145 failed"),
        ("collect", {"brought": 0, "brought_failed": 145}, "failed", 145, "145 failed"),
        (
            "collect",
            {"addresses": AddressCounts(0, 400, {"dead": 401})},
            "needs you",
            401,
            "401 failed",
        ),
        ("collect", {"addresses": AddressCounts(0, 400, {"dead": 12})}, "done", 400, "400 images"),
        ("check", {"unchecked": 9}, "needs you", 9, "9 to check"),
        ("train", {"run": None}, "empty", 0, ""),
        ("train", {"stale": 4}, "needs you", 4, "98.5 % right"),
        (
            "train",
            {"run": replace(RUN, error=0.955, low=0.93, high=0.97, guessing=0.9)},
            "needs you",
            0,
            "no better than guessing",
        ),
        (  # the error is below, its interval reaches up
            "train",
            {"run": replace(RUN, error=0.55, low=0.49, high=0.6)},
            "needs you",
            0,
            "no better than guessing",
        ),
        ("train", {"run": replace(RUN, guessing=None)}, "needs you", 0, "98.5 % right"),
        (
            "train",
            {"run": replace(RUN, error=None, low=None, high=None)},
            "needs you",
            0,
            "not judged",
        ),
        ("review", {"run": None}, "empty", 0, ""),
        ("review", {"left": 6}, "needs you", 6, "6 to look at"),
        ("review", {"looked": False}, "needs you", 0, "nobody looked"),
        ("review", {"run": replace(RUN, high=0.7)}, "needs you", 0, "model guesses"),
        ("use", {"exported": False}, "empty", 400, ""),
    ],
)
def test_one_thing_amiss_takes_the_tick_away(
    name: str, change: dict[str, Any], state: str, count: int, figure: str
) -> None:
    """Of a project in which all is well otherwise."""
    found = station(name, replace(COUNTS, **change))
    assert (found.state, found.count, found.figure) == (state, count, figure)
    assert found.sentence.endswith(".")


def test_problems_of_the_data_ask_for_the_user() -> None:
    """The number is that of the problems."""
    found = station("check", COUNTS, problems=3)
    assert (found.state, found.count, found.figure) == ("needs you", 3, "3 to see")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("fetch", "collect"), ("check", "check"), ("train", "train"), ("export", "use")],
)
def test_a_job_is_at_work_at_its_station_alone(small: Project, kind: str, name: str) -> None:
    """While it runs the station counts with it; if it fails so has the station, and says why."""
    number = jobs.queue(small.database, kind, {})
    jobs.start(small.database, number)
    job = replace(jobs.get(small.database, number), done=12, total=40, message="reading")
    found = {item.station: item for item in stations(COUNTS, 0, job) if item.state != "done"}
    assert list(found) == [name]
    assert (found[name].state, found[name].figure) == ("working", "12 of 40")
    assert found[name].sentence == "reading, 12 of 40."
    ended = replace(job, state=jobs.FAILED, error="The disk is full.")
    found = {item.station: item for item in stations(COUNTS, 0, ended) if item.state != "done"}
    assert list(found) == [name]
    assert (found[name].state, found[name].sentence) == ("failed", "The disk is full.")


def test_a_job_that_came_with_the_project_is_nobodys_work(small: Project) -> None:
    """It is not run, so no station works."""
    jobs.queue(small.database, "train", {})
    assert small.status().station("train").state == "empty"


def test_review_needs_somebody_who_looks(sample_copy: Project) -> None:
    """Flagged images count until they are decided; then the queue was looked at."""
    found = sample_copy.status()
    assert (found.looked, found.station("review").count) == (False, found.left)
    assert found.station("review").state == "needs you"
    ranked = sample_copy.rank()
    flagged = ranked.loc[ranked["is_label_issue"], "image_id"].tolist()
    assert len(flagged) == found.left
    sample_copy.decide(flagged, "keep")
    after = sample_copy.status()
    assert (after.looked, after.left, after.station("review").state) == (True, 0, "done")


def test_a_copy_that_was_deleted_is_no_look_at_the_queue(sample_copy: Project) -> None:
    """With nothing flagged any more, a deletion alone shows no judgement of labels."""
    ranked = sample_copy.rank()
    flagged = ranked.loc[ranked["is_label_issue"], "image_id"].tolist()
    sample_copy.decide(flagged, "delete")
    found = sample_copy.status()
    assert (found.left, found.station("review").figure) == (0, "nobody looked")


def test_an_export_counts_until_something_changes(sample_copy: Project, tmp_path: Path) -> None:
    """Written is done; a decision after it asks for another."""
    assert sample_copy.status().station("use").state == "empty"
    sample_copy.export(tmp_path / "out")
    assert sample_copy.status().station("use").state == "done"
    sample_copy.decide([1], "keep")
    assert sample_copy.status().station("use").state == "empty"


@pytest.mark.slow
def test_what_is_named_is_what_is_exported(sample_copy: Project, tmp_path: Path) -> None:
    """A refit is exported only when it was chosen, and says so everywhere."""
    sample_copy.decide([1, 2], "delete")
    refit = sample_copy.refit().run
    assert refit is not None
    asked = sample_copy.status().run
    assert asked is not None
    assert (asked.run, asked.title, asked.chosen) == (1, "run 1", False)
    sample_copy.use_run(refit)
    named = sample_copy.status().run
    assert named is not None
    assert (named.run, named.title, named.chosen) == (refit, "run 2, an automatic refit", True)
    assert "Run 2, an automatic refit" in sample_copy.status().station("train").details
    written = sample_copy.export_model(tmp_path / "model", int8=False)
    assert (written.run, written.sentence.partition(" is in ")[0]) == (
        2,
        "The model of run 2, an automatic refit",
    )
    assert count(sample_copy).exported
    sample_copy.use_run(1)  # another than was written: that one is to be exported
    assert not count(sample_copy).exported
    sample_copy.use_run(None)
    tuned = add_tuned_run(sample_copy)
    sample_copy.decide([3], "delete")
    assert sample_copy.refit().run == tuned + 1
    found = sample_copy.status().run
    assert found is not None
    assert (found.run, found.title) == (tuned, sample_copy.run_to_export().title)
