"""The commands `advice`, `suggest` and `review-log`: for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.review.log import record_page

if TYPE_CHECKING:
    from curator.project import Project
    from tests.cli.conftest import Curator


def test_a_suggestion_is_listed_applied_and_undone(curator: Curator, small: Project) -> None:
    """Nothing is changed by listing; applying spares what is left out and is one step of undo."""
    assert "nothing to suggest" in curator("suggest", small.path).out
    small.decide([3, 5, 7], "none")
    answer = curator("suggest", small.path)
    assert answer.status == 0
    assert "no class: Put them in the trash, 3 images." in answer.out
    assert curator("suggest", small.path, "--json").json[0]["preview"] == [3, 5, 7]
    applied = curator("suggest", small.path, "--apply", "no class", "--leave-out", 5, "--json")
    assert applied.json["changed"] == [3, 7]
    assert small.status().states["deleted"] == 2
    assert curator("undo", small.path).status == 0
    assert "3 images changed" in curator("suggest", small.path, "--apply", "no class").out
    wrong = curator("suggest", small.path, "--apply", "sharp")
    assert wrong.status == 2
    assert "'sharp' is no suggestion" in wrong.err


def test_the_review_log_and_the_advice_are_told(curator: Curator, small: Project) -> None:
    """Before any page the next step, after one its figures; advice is a sentence or JSON."""
    assert "No page was reviewed yet" in curator("review-log", small.path).out
    row = {"id": 1, "label": small.class_names()[0], "state": "new", "label_score": None}
    small.decide([1], "keep")
    record_page(small, "suspicious", None, [row], 60.0, by="ann")
    assert "ann" in curator("review-log", small.path).out
    (day,) = curator("review-log", small.path, "--json").json["days"]
    assert (day["by"], day["decided"], day["per_minute"]) == ("ann", 1, 1.0)
    said = curator("advice", small.path).out
    assert "last page: 0 wrong · 29 images not yet decided" in said
    assert "Go on: Train first" in said
    assert curator("advice", small.path, "--json").json["stop"] is False
