"""The panels beside the gallery, without a browser: what they show and what they do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from curator.review.advice.fixes import suggestions
from curator.review.confusion.matrix import difference
from curator.review.log import record_page
from curator.review.queue.tiles import rows
from curator.store import images
from tests.widgets.kernel import refreshed, tell
from widgets.classes import ClassesPanel
from widgets.confusion import ConfusionPanel
from widgets.fixes import FixesPanel
from widgets.progress import ProgressPanel
from widgets.reviewlog import ReviewLogPanel

if TYPE_CHECKING:
    from curator.project import Project


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    """What the panels told the dashboard."""
    return []


def handlers(heard: list[dict[str, Any]]) -> dict[str, Any]:
    """Write down what is told, and let no error pass."""

    def fail(message: dict[str, Any]) -> None:
        pytest.fail(message["text"])

    names = ("cell", "queue", "decided", "go", "reviewer")
    return {**{n: lambda m, n=n: heard.append({"do": n, **m}) for n in names}, "error": fail}


def matrix(panel: ConfusionPanel, what: str) -> np.ndarray[Any, Any]:
    """Put the cells that a panel sends back into a matrix."""
    size = len(panel.state["labels"])
    found = np.zeros((size, size), dtype=int)
    for row, column, number in panel.state[what]:
        found[row, column] = number
    return found


def test_the_matrix_travels_as_its_cells(sample: Project, heard: list[dict[str, Any]]) -> None:
    """Cells, order and pairs are those of `confusion`; a cell is asked for by its names."""
    panel = ConfusionPanel(handlers(heard))
    refreshed(panel, sample)
    counts = sample.confusion()
    assert panel.state["labels"] == list(counts.index)
    assert (matrix(panel, "cells") == counts.to_numpy()).all()
    assert sorted(panel.state["order"]) == list(range(len(counts)))
    first = panel.state["pairs"][0]
    assert first["count"] == counts.loc[first["label"], first["predicted"]]
    assert panel.state["earlier"] == []
    tell(panel, do="cell", label="three", predicted="five")
    assert heard == [{"do": "cell", "label": "three", "predicted": "five"}]


def test_a_folded_section_counts_when_it_is_opened(
    sample: Project, small: Project, heard: list[dict[str, Any]]
) -> None:
    """Folded it reads nothing; opened it shows what came since; without a run it says so."""
    panel = ConfusionPanel(handlers(heard))
    tell(panel, do="open", open=False)
    refreshed(panel, sample)
    assert not panel.state["counted"]
    tell(panel, do="open", open=True)
    assert panel.state["run"] == 1
    refreshed(panel, small)
    assert (panel.state["run"], panel.state["labels"]) == (None, [])


@pytest.mark.slow
def test_before_and_after_and_the_change_of_the_matrix(
    sample_copy: Project, heard: list[dict[str, Any]]
) -> None:
    """One run, decisions, a second run: each state says what is known, from the same figures."""
    progress, confusion = ProgressPanel(handlers(heard)), ConfusionPanel(handlers(heard))
    refreshed(progress, sample_copy)
    assert (progress.state["run"], progress.state["comparison"]) == (1, None)
    assert progress.state["waiting"] == 0
    ranked = sample_copy.rank(30)
    wrong = ranked[ranked["label"] != ranked["suggested_label"]].head(10)
    for image_id, suggested in zip(wrong["image_id"], wrong["suggested_label"], strict=True):
        sample_copy.decide([image_id], "relabel", suggested)
    sample_copy.decide([int(ranked.iloc[-1]["image_id"])], "delete")
    refreshed(progress, sample_copy)
    assert progress.state["waiting"] == len(wrong) + 1
    sample_copy.train()
    refreshed(progress, sample_copy)
    found = progress.state["comparison"]
    assert (found["before"]["run"], found["after"]["run"]) == (1, 2)
    assert progress.state["changes"]["relabelled"] == len(wrong)
    assert progress.state["changes"]["left_out"] == 1
    refreshed(confusion, sample_copy)
    assert confusion.state["earlier"] == [1]
    assert confusion.state["change"] == []
    tell(confusion, do="since", run=1)
    change = matrix(confusion, "change")
    assert (change == difference(sample_copy, 1, 2).to_numpy()).all()
    assert change.any()
    assert (change.sum(axis=1) == 0).all()  # the same images, row by row
    tell(confusion, do="since", run=None)
    assert confusion.state["change"] == []


@pytest.mark.slow
def test_the_comparison_of_many_images_waits_for_a_run(
    sample_copy: Project, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it would take long it stays as it was, which is said, until another run came."""
    sample_copy.train()
    with sample_copy.database.read() as connection:
        known = images.live(connection)
    valid = known[known["split"] == "valid"]["image_id"].tolist()
    few, much = ProgressPanel(handlers(heard)), ProgressPanel(handlers(heard))
    for panel in (few, much):
        refreshed(panel, sample_copy)
    shown = much.state["comparison"]["images"]
    sample_copy.decide(valid[:2], "delete")
    refreshed(few, sample_copy)
    assert (few.state["comparison"]["images"], few.state["kept"]) == (shown - 2, False)
    monkeypatch.setattr("widgets.progress.MANY", 0)
    refreshed(much, sample_copy)
    assert (much.state["comparison"]["images"], much.state["kept"]) == (shown, True)
    assert much.state["waiting"] == 2
    sample_copy.train()
    refreshed(much, sample_copy)
    assert (much.state["comparison"]["images"], much.state["kept"]) == (shown - 2, False)


def test_a_suggestion_is_applied_without_what_was_unticked(
    sample_copy: Project, heard: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing happens by itself; one act, signed, without the image left out; undone in one."""
    panel = FixesPanel(handlers(heard))
    monkeypatch.setenv("CURATOR_REVIEWER", "ana")
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    panel.send = lambda message, buffers=None: sent.append((message, buffers))  # type: ignore[method-assign]
    refreshed(panel, sample_copy)
    known = suggestions(sample_copy)
    assert [item["key"] for item in panel.state["fixes"]] == [item.key for item in known]
    assert len(sample_copy.log()) == 0
    shown = {i for item in known for i in item.preview}
    assert set(sent[0][0]["ids"]) == shown
    assert all(Image.open(io.BytesIO(picture)).width <= 256 for picture in sent[0][1])
    first = panel.state["fixes"][0]
    spared, *rest = [tile["id"] for tile in first["preview"]]
    tell(panel, do="apply", key=first["key"], leave_out=[spared])
    log = sample_copy.log()
    assert len(log) == first["images"] - 1
    assert set(rest) <= set(log["image_id"])
    assert spared not in set(log["image_id"])
    assert set(log["by"]) == {"ana"}
    assert panel.state["said"] == f"{len(rest)} images deleted. U takes it back."
    assert heard == [{"do": "decided"}]
    sample_copy.undo()
    refreshed(panel, sample_copy)
    assert panel.state["fixes"][0]["images"] == first["images"]


def test_a_label_suggestion_shows_what_the_label_would_become(
    sample: Project, heard: list[dict[str, Any]]
) -> None:
    """Images that would be relabelled carry the class they would get, the others none."""
    panel = FixesPanel(handlers(heard))
    refreshed(panel, sample)
    assert "labels" in [item["key"] for item in panel.state["fixes"]]
    for item in panel.state["fixes"]:
        for tile in item["preview"]:
            assert (tile["becomes"] is not None) == (item["key"] == "labels")
            assert tile["becomes"] != tile["label"]


def test_an_unknown_suggestion_is_refused_beside_its_card(
    sample_copy: Project, heard: list[dict[str, Any]]
) -> None:
    """The error stands at the card, and nothing is recorded."""
    panel = FixesPanel(handlers(heard))
    refreshed(panel, sample_copy)
    tell(panel, do="apply", key="everything", leave_out=[])
    assert "no suggestion" in panel.state["errors"]["everything"]
    assert len(sample_copy.log()) == 0


def test_classes_are_made_renamed_and_merged(small: Project, heard: list[dict[str, Any]]) -> None:
    """Each act is in the ledger, shows its counts at once, and is taken back by undo."""
    panel = ClassesPanel(handlers(heard))
    refreshed(panel, small)
    assert not panel.state["counted"]
    tell(panel, do="open", open=True)
    with small.database.read() as connection:
        owls = images.live(connection).query("label == 'owl'")["image_id"].tolist()
    small.decide(owls[:2], "delete")
    refreshed(panel, small)
    counted = {row["name"]: (row["images"], row["out"]) for row in panel.state["classes"]}
    assert counted == {"cat": (12, 0), "dog": (10, 0), "owl": (6, 2)}
    tell(panel, do="new_class", name="fox")
    ids = {row["name"]: row["id"] for row in panel.state["classes"]}
    tell(panel, do="rename", id=ids["owl"], name="barn owl")
    assert panel.state["said"] == "Renamed owl to barn owl. U takes it back."
    tell(panel, do="merge", id=ids["dog"], into=ids["cat"])
    counted = {row["name"]: (row["images"], row["out"]) for row in panel.state["classes"]}
    assert counted == {"cat": (22, 0), "barn owl": (6, 2), "fox": (0, 0)}
    assert small.class_names() == ["cat", "barn owl", "fox"]
    assert panel.state["done"] == len(heard) == 3
    small.undo(3)
    refreshed(panel, small)
    assert [row["name"] for row in panel.state["classes"]] == ["cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"do": "new_class", "name": "CAT"}, "new"),
        ({"do": "new_class", "name": " "}, "new"),
        ({"do": "rename", "id": 2, "name": "a/b"}, "2"),
        ({"do": "rename", "id": 2, "name": "cat"}, "2"),
        ({"do": "merge", "id": 2, "into": 2}, "2"),
    ],
)
def test_a_class_that_cannot_be_is_refused_beside_its_field(
    small: Project, heard: list[dict[str, Any]], message: dict[str, Any], field: str
) -> None:
    """The error stands at the field, the editor stays open, and nothing changes."""
    panel = ClassesPanel(handlers(heard))
    refreshed(panel, small)
    tell(panel, **message)
    assert list(panel.state["errors"]) == [field]
    assert panel.state["done"] == 0
    assert heard == []
    assert small.class_names() == ["cat", "dog", "owl"]
    tell(panel, do="new_class", name="fox")
    assert panel.state["errors"] == {}


def test_the_review_log_shows_pages_and_who_signed_them(
    small: Project, heard: list[dict[str, Any]]
) -> None:
    """A page that was left is a row; the reviewer's name is told on and shown when it is kept."""
    panel = ReviewLogPanel(handlers(heard))
    tell(panel, do="open", open=True)
    refreshed(panel, small)
    assert panel.state["days"] == []
    assert panel.state["agreement"]["images"] == 0
    with small.database.read() as connection:
        ids = images.live(connection)["image_id"].tolist()[:6]
    before = rows(small, "all", ids)
    small.decide(ids[:2], "delete")
    small.decide(ids[2:], "keep")
    record_page(small, "all", None, before, 30.0, "ana")
    refreshed(panel, small)
    day = panel.state["days"][0]
    assert (day["by"], day["hits"], day["decided"], day["per_minute"]) == ("ana", 2, 6, 12.0)
    tell(panel, do="reviewer", name="bo")
    assert heard == [{"do": "reviewer", "name": "bo"}]
    panel.sign("bo")
    assert panel.state["reviewer"] == "bo"
