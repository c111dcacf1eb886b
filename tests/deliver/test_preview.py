"""What an export would write is what it then writes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import pytest

from curator.deliver.formats import FormatName
from curator.errors import InputError, UnknownVersion
from curator.review.queue.filters import Filters

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

EVERY: tuple[FormatName, ...] = get_args(FormatName)


@pytest.mark.slow
def test_files_size_and_card_are_those_of_the_export(sample_copy: Project, tmp_path: Path) -> None:
    """All forms at once: every file is announced, the size within a tenth, the card to the byte."""
    sample_copy.check()
    plan = sample_copy.preview_export(EVERY, folder=tmp_path / "out")
    sample_copy.export(tmp_path / "out", EVERY)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert plan.files == len(files)
    assert plan.bytes == pytest.approx(sum(path.stat().st_size for path in files), rel=0.1)
    assert plan.card == (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    names = {path.relative_to(tmp_path / "out").as_posix() for path in files}
    announced = {part.path for item in plan.formats for part in item.parts}
    assert announced | {"manifest.csv", "README.md"} <= names
    assert (plan.images, plan.undecided) == (sample_copy.status().images, 0)
    assert plan.free is not None
    assert plan.free > plan.bytes


@pytest.mark.slow
def test_concepts_go_along_but_not_with_a_version(sample_copy: Project, tmp_path: Path) -> None:
    """A column a concept: what a person said, and what is likely; a tagged version has none."""
    sample_copy.check()
    sample_copy.tag_version("v1")
    fives = sample_copy.queue("all", Filters(label="five")).ids.tolist()
    threes = sample_copy.queue("all", Filters(label="three")).ids.tolist()
    sample_copy.add_concept("=fives", fives[:5])
    hits = 0
    for _ in range(4):  # pages of the queue, answered as a person would
        page = sample_copy.queue("concept", Filters(like="=fives")).ids[:16].tolist()
        shown = [image for image in page if image in fives]
        sample_copy.mark_concept("=fives", shown, shows=True)
        sample_copy.mark_concept("=fives", [i for i in page if i not in shown], shows=False)
        hits += len(shown)
    sample_copy.add_concept("file_name", threes[:1], fives[:1])
    plan = sample_copy.preview_export(["csv"])
    sample_copy.export(tmp_path / "out", ["csv"])
    assert sum(path.is_file() for path in (tmp_path / "out").rglob("*")) == plan.files
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert plan.card == card
    assert "`concepts.csv`" in card
    text = (tmp_path / "out" / "concepts.csv").read_text(encoding="utf-8")
    head, *rows = [line.split(",") for line in text.splitlines()]
    assert head == ["file_name", "'=fives", "file_name"]
    assert len(rows) == plan.images
    said = Counter(row[1] for row in rows)
    assert (said["yes"], said["no"]) == (5 + hits, 4 * 16 - hits)
    likely = sample_copy.queue("all", Filters(concept="=fives"))
    assert said["yes"] + said["likely"] == len(likely) > 5 + hits
    assert Counter(row[2] for row in rows) == {"yes": 1, "no": 1, "": plan.images - 2}
    sample_copy.export(tmp_path / "tagged", ["csv"], version="v1")
    assert not (tmp_path / "tagged" / "concepts.csv").exists()


def test_forms_share_the_pictures(sample: Project) -> None:
    """A second form with folders adds its tables alone; shards hold the pictures once more."""
    one = sample.preview_export(["imagefolder"])
    two = sample.preview_export(["imagefolder", "hf"])
    shards = sample.preview_export(["webdataset"])
    assert two.files == one.files + 2
    assert one.bytes < two.bytes < 1.5 * one.bytes
    assert shards.files == 5
    assert [item.name for item in two.formats if item.chosen] == ["imagefolder", "hf"]


def test_what_cannot_be_previewed(sample: Project) -> None:
    """Unknown forms and versions are named; nothing is a default."""
    with pytest.raises(UnknownVersion, match="v9"):
        sample.preview_export(version="v9")
    with pytest.raises(InputError, match="No form"):
        sample.preview_export([])
