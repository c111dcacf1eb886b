"""Test images: put aside, judged only when asked, and each look is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sqlalchemy import select

from curator.deliver.formats import FORMATS
from curator.errors import InputError, NotEnoughData
from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.review.advice.stopping import advice
from curator.review.overview import overview
from curator.review.queue.filters import Filters
from curator.store import runs, schema
from curator.store.images import with_sources
from curator.store.predictions import predictions_of
from tests.conftest import copy_project
from tests.pictures import write_folders, write_picture
from widgets.use import judged_on_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAST = InstantSettings(folds=3)


def write_split(folder: Path, splits: tuple[str, ...]) -> None:
    """Write two classes of made-up pictures, 9 of each for training and 3 on the other sides."""
    for number, split in enumerate(splits):
        size = 9 if split == "train" else 3
        write_folders(folder / split, {"cat": size, "dog": size}, start=100 * number)


@pytest.fixture(scope="module")
def tested(build_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Give a trained project of 30 images, 6 of them an imported test set; never change it."""

    def fill(folder: Path) -> None:
        with Project.create(folder / "project", name="tested") as project:
            write_split(folder / "in", ("train", "valid", "test"))
            project.import_files(folder / "in")
            project.train(FAST)

    return build_once("tested", fill) / "project"


@pytest.fixture
def project(tested: Path, tmp_path: Path) -> Project:
    """Open a copy."""
    return Project.open(copy_project(tested, tmp_path / "tested"))


def of_split(project: Project, split: str) -> list[int]:
    """Give the ids of a split's images."""
    table = schema.images.c
    with project.database.read() as connection:
        return list(connection.execute(select(table.id).where(table.split == split)).scalars())


@pytest.mark.slow
def test_an_imported_test_set_stays_one(project: Project, tmp_path: Path) -> None:
    """No run learns from it, judges it or is chosen by it; nothing calls the run stale for it."""
    with project:
        test = of_split(project, "test")
        assert (len(test), len(of_split(project, "valid"))) == (6, 6)
        assert [(row.train, row.valid, row.test) for row in overview(project)] == [(9, 3, 3)] * 2
        with project.database.read() as connection:
            run = runs.get(connection)
            said = predictions_of(connection, run)
        assert not set(test) & set(said.image_ids.tolist())
        assert len(said.image_ids) == run.metrics["out_of_fold"]["images"] == 24
        assert project.status().stale == 0
        ranked = project.rank().set_index("image_id")["label_score"]
        assert ranked[ranked.notna()].index.isin(test).sum() == 0
        assert "24 images not yet decided" in advice(project).sentence
        # It can be cleaned like all others.
        assert sorted(project.queue("all", Filters(split="test")).ids.tolist()) == test
        figures = run.metrics
    # A project that never had them learns the same, to the last digit.
    write_split(tmp_path / "in", ("train", "valid"))
    with Project.create(tmp_path / "without") as without:
        without.import_files(tmp_path / "in")
        alike = without.train(FAST).metrics
    for kind in ("out_of_fold", "valid", "temperature", "confusion", "baselines"):
        assert alike[kind] == figures[kind]  # type: ignore[literal-required]


@pytest.mark.slow
def test_it_is_judged_when_asked_and_each_look_is_counted(project: Project, tmp_path: Path) -> None:
    """By the model that is exported; the run, the table of runs and the card tell how often."""
    with project:
        first = project.evaluate()
        assert (first.run, first.quality["images"], first.times) == (1, 6, 1)
        assert sum(row["support"] for row in first.per_class) == 6
        # A class that the model does not know is told, not counted.
        project.add_class("owl")
        test = of_split(project, "test")
        project.decide(test[:1], "delete")
        project.decide(test[1:2], "relabel", "owl")
        second = project.evaluate(1)
        assert (second.quality["images"], second.unknown) == (4, 1)
        assert (second.times, second.times_in_all) == (2, 2)
        project.train(FAST)
        third = project.evaluate()
        assert (third.run, third.times, third.times_in_all) == (2, 1, 3)
        assert "Judged on the test set 1 time, 3 times over all runs." in third.sentence
        assert project.runs()["test_looks"].tolist() == [2, 1]
        judged = {"looks": 1, "rate": third.quality, "learnt": 0}
        assert judged_on_test(project, third.run) == judged
        project.export_model(tmp_path / "model", int8=False)
        config = json.loads((tmp_path / "model/config.json").read_text())
        assert config["metrics"]["test"] == third.quality
        card = (tmp_path / "model/README.md").read_text()
        assert "| test images, nothing was chosen by them |" in card
        assert "judged on the test set 1 time, and its project's runs 3 times in all" in card


def test_without_test_images_it_says_so(sample_copy: Project) -> None:
    """And how to get some."""
    with pytest.raises(NotEnoughData, match="curator test-split"):
        sample_copy.evaluate()


@pytest.mark.slow
def test_a_mirrored_run_is_judged_as_it_predicts(project: Project) -> None:
    """Its answers are the mean of both views, here as in the bundle."""
    with project:
        project.train(InstantSettings(folds=3, mirror=True))
        assert project.evaluate().quality["images"] == 6


@pytest.mark.slow
def test_a_share_can_be_drawn(tmp_path: Path) -> None:
    """By the seed, alike in every project with the same images; the split of a recipe is kept."""
    pictures = write_folders(tmp_path / "in", {"cat": 20, "dog": 10, "owl": 2})
    write_picture(pictures / "cat/copy.png", 0, side=90)
    drawn = []
    for number in (1, 2):
        with Project.create(tmp_path / f"p{number}", test_share=0.2) as project:
            project.import_files(pictures)
            project.check()
            with project.database.read() as connection:
                rows = with_sources(connection)
            assert rows.groupby("group_id")["split"].nunique().max() == 1
            drawn.append(dict(zip(rows["sha256"], rows["split"], strict=True)))
    assert drawn[0] == drawn[1]
    counts = pd.crosstab(rows["label"], rows["split"])
    assert counts["test"].tolist() == [4, 2, 0]
    assert counts["valid"].tolist() == [3, 2, 1]
    with Project.open(tmp_path / "p1") as project:
        project.write_recipe(tmp_path / "p1.jsonl")
    with Project.from_recipe(tmp_path / "p3", tmp_path / "p1.jsonl") as rebuilt:
        assert rebuilt.test_share == 0.2
        rebuilt.take_recipes(tmp_path / "p1.jsonl", pictures=pictures)
        rebuilt.check()
        with rebuilt.database.read() as connection:
            rows = with_sources(connection)
        assert dict(zip(rows["sha256"], rows["split"], strict=True)) == drawn[0]
    with pytest.raises(InputError, match="put aside"):
        Project.create(tmp_path / "p4", test_share=0.9)


@pytest.mark.slow
def test_every_form_has_the_test_images_apart(project: Project, tmp_path: Path) -> None:
    """As `test`, and never among what a reader learns from."""
    with project:
        project.export(tmp_path / "out", list(FORMATS))  # type: ignore[arg-type]
        out = tmp_path / "out"
        assert len(list((out / "test").glob("*/*.png"))) == 6
        assert pd.read_csv(out / "manifest.csv")["split"].value_counts()["test"] == 6
        assert len((out / "test/metadata.jsonl").read_text().splitlines()) == 6
        assert (out / "shards/test-000000.tar").exists()
        assert len(pd.read_csv(out / "cleaned.csv")) == 24
        assert len(pd.read_csv(out / "test.csv")) == 6
        card = (out / "README.md").read_text()
        assert "- split: test\n    path: test/**" in card
        assert "| class | train | valid | test |" in card
        # Taken back, each image is where it was.
        with Project.create(tmp_path / "back") as back:
            for table in ("cleaned.csv", "test.csv"):
                back.import_files(out, labels=out / table)
            assert len(of_split(back, "test")) == 6
            assert len(of_split(back, "valid")) == 6


@pytest.mark.slow
def test_leaks_into_the_test_set_are_named(tmp_path: Path) -> None:
    """A near-duplicate of a training image in an imported test set is a finding."""
    write_folders(tmp_path / "in/train", {"cat": 5, "dog": 5})
    write_folders(tmp_path / "in/test", {"cat": 2, "dog": 2}, start=50)
    write_picture(tmp_path / "in/test/cat/copy.png", 0, side=90)
    with Project.create(tmp_path / "p") as project:
        project.import_files(tmp_path / "in")
        found = {item.code: item for item in project.check().problems}
        leak = found["near_duplicates_across_splits"]
        assert leak.count == 2
        assert "and test" in leak.problem


@pytest.mark.slow
def test_datasets_reads_three_splits(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hugging Face's reader has the test images as `test`, off-line."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    with project:
        project.export(tmp_path / "out", ["hf"])
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {key: len(rows) for key, rows in read.items()} == {
        "train": 18,
        "validation": 6,
        "test": 6,
    }
