"""The commands `queue` and `tags`: what is looked at, before any training too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from curator.project import Project
    from tests.cli.conftest import Curator


def test_a_queue_is_listed(curator: Curator, sample: Project) -> None:
    """Group by group, narrowed by class and number, as a table and as JSON."""
    answer = curator("queue", sample.path, "duplicates")
    assert answer.status == 0
    assert "group_id" in answer.out
    assert "the first of each is the best to keep" in answer.out
    rows = curator("queue", sample.path, "duplicates", "--json").json
    assert len(rows) == 20
    assert {"image_id", "group_id", "label", "outlier_score"} <= set(rows[0])
    some = curator("queue", sample.path, "all", "--class", "FIVE", "--top", 3)
    assert "The first 3 of" in some.out
    rows = curator("queue", sample.path, "all", "--class", "FIVE", "--top", 3, "--json").json
    assert [row["label"] for row in rows] == ["five"] * 3


@pytest.mark.slow
def test_a_queue_needs_no_run(curator: Curator, small: Project) -> None:
    """Before a training the queues of the check can be listed; names narrow them."""
    assert "No image" in curator("queue", small.path, "two-classes").out
    assert "curator check" in curator("tags", small.path).out
    curator("check", small.path)
    counts = curator("tags", small.path, "--class", "cat", "--json").json
    assert sum(row["images"] for row in counts) == 12
    assert [row["images"] for row in counts] == sorted((r["images"] for r in counts), reverse=True)
    name = counts[0]["name"]
    assert name in curator("tags", small.path).out
    rows = curator("queue", small.path, "outliers", "--tag", name.upper(), "--json").json
    assert 0 < len(rows) <= 30
    least = curator("queue", small.path, "all", "--tag", name, "--probability", 1, "--json").json
    assert least == []


def test_a_queue_is_narrowed_by_more(curator: Curator, sample: Project) -> None:
    """By prediction, split, host, text and quality measure, each as in the page."""
    table = sample.rank().set_index("image_id")
    options = ("--predicted", "five", "--split", "valid", "--host", "127.0.0.1:1")
    assert curator("queue", sample.path, "all", *options, "--json").json == []
    rows = curator("queue", sample.path, "all", *options[:4], "--json").json
    assert {(row["predicted"], row["split"]) for row in rows} == {("five", "valid")}
    source = table["source"].iloc[0]
    host, name = source.split("/")[2], source.rsplit("/", 1)[1]
    found = curator("queue", sample.path, "all", "--host", host, "--text", name, "--json").json
    assert table.index[0] in [row["image_id"] for row in found]
    assert "blurry" in curator("queue", sample.path, "all", "--issue", "ugly").err
    assert "did not see" in curator("queue", sample.path, "low-confidence", "--top", 2).out


def test_what_there_is_not(curator: Curator, small: Project) -> None:
    """An unknown queue or class is named, with those that there are; scores need a run."""
    assert "two classes" in curator("queue", small.path, "worst").err
    assert "cat" in curator("queue", small.path, "all", "--class", "fox").err
    assert "cat" in curator("tags", small.path, "--class", "fox").err
    assert curator("queue", small.path, "suspicious").status != 0


def test_a_sample_is_a_queue(curator: Curator, small: Project) -> None:
    """`curator sample` tells the name by which a queue is narrowed to what it chose."""
    said = curator("sample", small.path, "--random", 5, "--json").json
    name = said["selection"]
    assert name == small.select(said["image_ids"])
    rows = curator("queue", small.path, "all", "--selection", name, "--json").json
    assert {row["image_id"] for row in rows} == set(said["image_ids"])
