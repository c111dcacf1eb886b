"""What tiles show: against the table of all images, and at a cost that does not grow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import event

from curator.errors import UnknownImage
from curator.review.queue.kinds import open_queue
from curator.review.queue.ranking import scored
from curator.review.queue.tiles import KEYS, rows
from tests.review.made_up import Made, make

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def test_rows_are_those_of_the_whole_table(sample: Project) -> None:
    """For every image each value is that of the table of all, in the order asked for, as JSON."""
    table = scored(sample).set_index("image_id")
    ids = [int(i) for i in np.random.default_rng(0).permutation(table.index)]
    assert len(ids) > 500  # more than one question to the database
    found = rows(sample, "all", ids)
    assert [row["id"] for row in found] == ids
    assert json.loads(json.dumps(found)) == found
    for row in found:
        expected = table.loc[row["id"]]
        assert list(row) == KEYS
        for key in ("sha256", "label", "given_label", "state", "split", "predicted", "source"):
            assert row[key] == expected[key]
        for key in ("label_score", "confidence", "loss"):
            assert row[key] == pytest.approx(expected[key])
        assert [label for label, _ in row["suggestions"]] == [s[0] for s in expected["suggestions"]]
        assert row["is_label_issue"] == expected["is_label_issue"]
        assert row["host"] == row["source"].split("/")[2]


def test_a_relabelled_image_has_its_new_labels_score(sample_copy: Project) -> None:
    """Score and loss are of the present label; who decided is said, and the flag goes."""
    (image_id,) = open_queue(sample_copy, "suspicious").ids[:1].tolist()
    before = rows(sample_copy, "suspicious", [image_id])[0]
    assert before["flags"][0] == "flagged"
    assert (before["decision_id"], before["decided_by"], before["action"]) == (None, "", None)
    sample_copy.decide([image_id], "relabel", before["predicted"], by="ann")
    after = rows(sample_copy, "suspicious", [image_id])[0]
    assert after["label_score"] == pytest.approx(before["confidence"])
    assert after["loss"] == pytest.approx(-np.log(before["confidence"]))
    assert (after["given_label"], after["decided_by"]) == (before["label"], "ann")
    assert after["decision_id"] is not None
    assert "flagged" not in after["flags"]


def test_without_a_run_there_are_no_scores(small: Project) -> None:
    """Before a training everything else is shown."""
    row = rows(small, "all", [1])[0]
    assert row["predicted"] is row["label_score"] is row["loss"] is row["confidence"] is None
    assert (row["label"], row["suggestions"], row["host"]) == ("cat", [], "")


def test_merged_classes_count_together(tmp_path: Path) -> None:
    """The probability of a class that was merged is added to that of the class it is in now."""
    made = [Made(shares=(0.2, 0.3, 0.5), issue=True), Made(shares=(), listed=(3,))]
    with make(tmp_path / "project", made, merged=True) as project:
        first, second = rows(project, "two classes", [1, 2])
    assert first["label_score"] == first["confidence"] == pytest.approx(0.7)
    assert first["predicted"] == "a"
    assert [label for label, _ in first["suggestions"]] == ["a", "b"]
    assert second["listed_under"] == []
    assert second["note"] == ""


def test_flags_and_notes(tmp_path: Path) -> None:
    """Short words for every kind of doubt, and why the image is in the queue."""
    made = [
        Made(group=1, dark=0.1, outlier=0.05, listed=(2,)),
        Made(group=1, given=2, side=90),
        *(Made() for _ in range(6)),
    ]
    with make(tmp_path / "project", made) as project:
        best, spare, plain = rows(project, "duplicates", [1, 2, 3])
        assert best["flags"] == ["two classes", "duplicate", "outlier", "dark"]
        assert best["note"] == "group 1 · best to keep · also listed under b"
        assert (spare["flags"], spare["note"]) == (["two classes", "duplicate"], "group 1 · spare")
        assert (plain["flags"], plain["note"]) == ([], "")
        assert rows(project, "problems", [1])[0]["note"] == "very dark"
        assert rows(project, "outliers", [1])[0]["note"] == "score 0.05"
        project.decide([2], "delete")
        assert rows(project, "duplicates", [1])[0]["flags"] == ["two classes", "outlier", "dark"]


def test_what_is_poor_follows_the_data(tmp_path: Path) -> None:
    """A measure that flags most of the images stops being a flag when they are the rest."""
    made = [Made(dark=0.1), Made(dark=0.1), Made(), Made()]
    with make(tmp_path / "project", made) as project:
        assert rows(project, "all", [1])[0]["flags"] == ["dark"]
        project.decide([3], "delete")
        assert rows(project, "all", [1])[0]["flags"] == []


def test_an_image_that_there_is_not(small: Project) -> None:
    """It is named; too large a number is no error of the database."""
    for image_id in (31, 10**30):
        with pytest.raises(UnknownImage, match=f"id {image_id}"):
            rows(small, "all", [1, image_id])


@pytest.mark.slow
def test_the_cost_is_that_of_the_page(tmp_path: Path) -> None:
    """A larger project is asked the same questions, and none of them reads a whole table."""

    def asked(number: int) -> list[str]:
        made = [Made(shares=(0.5, 0.3, 0.2), group=1 + i // 2) for i in range(number)]
        with make(tmp_path / str(number), made) as project:
            rows(project, "all", list(range(1, 61)))
            said: list[str] = []
            plans: list[str] = []
            with project.database.read() as connection:
                engine = connection.engine

                @event.listens_for(engine, "before_cursor_execute")
                def listen(_c, cursor, statement, parameters, _x, _m) -> None:  # type: ignore[no-untyped-def]
                    said.append(statement)
                    plans.extend(
                        row[3]
                        for row in cursor.connection.execute(
                            f"EXPLAIN QUERY PLAN {statement}", parameters
                        )
                    )

                rows(project, "all", list(range(1, 61)))
                event.remove(engine, "before_cursor_execute", listen)
            scanned = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
            assert not scanned & {"images", "current", "sources", "predictions", "decisions"}
            return said

    assert len(asked(60)) == len(asked(200)) > 5
