"""Every form of an export, read by the program that it is made for."""

from __future__ import annotations

import csv
import json
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from curator.deliver.formats import FORMATS, shards
from curator.errors import InputError
from curator.hashing import sha256_of
from curator.project import Project
from curator.store import schema

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHTS = {"license": "CC BY 4.0", "creator": "=HYPERLINK(1)", "source_page": "https://a.example/p"}


@pytest.fixture(scope="module")
def every_form(
    small_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Give an export in every form: one image relabelled, one deleted, one with its rights."""
    from tests.conftest import copy_project

    def fill(folder: Path) -> None:
        with Project.open(copy_project(small_folder, folder / "project")) as project:
            project.rename_class("owl", "@owl")
            project.decide([1], "relabel", "@owl")
            project.decide([2], "delete")
            with project.database.write() as connection:
                table = schema.sources
                connection.execute(table.update().where(table.c.image_id == 3).values(RIGHTS))
            project.export(folder / "out", list(FORMATS))  # type: ignore[arg-type]

    return build_once("every-form", fill) / "out"


def manifest(folder: Path) -> pd.DataFrame:
    """Give the manifest of an export."""
    return pd.read_csv(folder / "manifest.csv", keep_default_na=False, dtype=str)


@pytest.mark.slow
def test_datasets_reads_it(
    every_form: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hugging Face's reader finds pictures, labels and rights of both splits, off-line."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    read = datasets.load_dataset(str(every_form), cache_dir=str(tmp_path / "cache"))
    assert sorted(read) == ["train", "validation"]
    rows = manifest(every_form)
    for split, ours in (("train", "train"), ("validation", "valid")):
        wanted = rows[rows["split"] == ours]
        assert sorted(read[split]["sha256"]) == sorted(wanted["sha256"])
        label_of = dict(zip(wanted["sha256"], wanted["label"], strict=True))
        labels = dict(zip(read[split]["sha256"], read[split]["label"], strict=True))
        assert {key: value.replace("@owl", "'@owl") for key, value in labels.items()} == label_of
        assert read[split][0]["image"].size == (64, 64)
    whole = datasets.concatenate_datasets([read["train"], read["validation"]])
    assert sorted(set(whole["creator"])) == ["", "=HYPERLINK(1)"]
    by_name = datasets.load_dataset(
        "imagefolder", data_dir=str(every_form), cache_dir=str(tmp_path / "again")
    )
    assert {key: len(value) for key, value in by_name.items()} == {
        key: len(value) for key, value in read.items()
    }


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the reader leaves its files open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_it(every_form: Path) -> None:
    """Its reader gives picture, number of the class and facts of every image, each once."""
    import webdataset

    classes = (every_form / "shards" / "classes.txt").read_text().splitlines()
    assert classes == ["@owl", "cat", "dog"]
    rows = manifest(every_form).set_index("sha256")
    seen = []
    for split in ("train", "valid"):
        path = str(every_form / "shards" / f"{split}-000000.tar")
        stream = webdataset.WebDataset(path, shardshuffle=False).decode("pil")
        for picture, number, facts in stream.to_tuple("png", "cls", "json"):
            assert picture.size == (64, 64)
            assert classes[number] == facts["label"]
            assert facts["split"] == split == rows.loc[facts["sha256"], "split"]
            seen.append(facts["sha256"])
    assert sorted(seen) == sorted(rows.index)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")  # the reader's parser's own
def test_mlcroissant_validates_and_reads_it(every_form: Path) -> None:
    """The description is of version 1.1, without an error, and its records hold the pictures."""
    import mlcroissant

    described = mlcroissant.Dataset(str(every_form / "croissant.json"))
    assert described.metadata.ctx.conforms_to.value.endswith("/1.1")
    assert not described.metadata.issues.errors
    # What nobody knows is not made up; all else that is recommended is there.
    missing = {text.split('"')[1].rpartition("/")[2] for text in described.metadata.issues.warnings}
    assert missing == {"citeAs", "datePublished", "license", "version"}
    rows = manifest(every_form).set_index("file_name")
    records = list(described.records("images"))
    assert len(records) == len(rows) == 29
    for record in records:
        said = rows.loc[record["images/file_name"].decode()]
        for column in ("sha256", "label", "license", "creator"):
            assert str(record[f"images/{column}"]) in {str(said[column].encode()), "None", "nan"}
    creators = {str(record["images/creator"]) for record in records}
    assert str(b"'=HYPERLINK(1)") in creators
    files = list(described.records("files"))
    assert len(files) == 29
    for file in files:
        name = file["files/file_name"].decode()
        assert name in rows.index
        with Image.open(every_form / name) as original:
            assert (np.asarray(file["files/picture"]) == np.asarray(original)).all()


def test_an_import_takes_the_table_back(every_form: Path, tmp_path: Path) -> None:
    """cleaned.csv brings the same images, labels and splits into a new project."""
    table = pd.read_csv(every_form / "cleaned.csv")
    assert list(table.columns) == ["name", "label", "is_valid"]
    assert table["is_valid"].dtype == bool
    assert all((every_form / name).is_file() for name in table["name"])
    with Project.create(tmp_path / "back", ["@owl", "cat", "dog"]) as project:
        project.import_files(every_form, labels=every_form / "cleaned.csv")
        with project.database.read() as connection:
            from curator.store.images import with_sources

            back = with_sources(connection)
    rows = manifest(every_form)
    rows["label"] = rows["label"].str.removeprefix("'")
    columns = ["sha256", "label", "split"]
    assert sorted(back[columns].to_numpy().tolist()) == sorted(rows[columns].to_numpy().tolist())


def test_the_issues_have_cleanlabs_columns(every_form: Path, sample: Project) -> None:
    """Each issue has its flag and its score; what no run said is empty."""
    table = pd.read_csv(every_form / "issues.csv")
    scores = {name.removesuffix("_score") for name in table if name.endswith("_score")}
    flags = {name[3:-6] for name in table if name.startswith("is_")}
    assert flags - scores == {"near_duplicate"}
    assert {"label", "outlier", "dark", "blurry", "odd_size"} <= scores <= flags
    assert table["label_score"].isna().all()
    from curator.deliver.dataset import gathered
    from curator.deliver.formats.cleaned import issues

    said = issues(gathered(sample, None))
    assert said["label_score"].between(0, 1).all()
    assert 0 < said["is_label_issue"].sum() < len(said) / 2
    assert set(said["predicted_label"]) == set(sample.class_names())


def test_no_cell_is_a_formula(every_form: Path) -> None:
    """What a stranger's list or class is called, no spreadsheet runs."""
    for path in every_form.glob("*.csv"):
        with path.open(newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert [cell for cell in cells if cell[:1] in {"=", "@", "+"}] == []
    assert "'=HYPERLINK(1)" in (every_form / "manifest.csv").read_text()


@pytest.mark.slow
def test_shards_are_cut_and_repeat(
    small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full shard is followed by another; the same data set gives the same bytes."""
    monkeypatch.setattr(shards, "MOST_IMAGES", 10)
    for name in ("one", "two"):
        small.export(tmp_path / name, ["webdataset"])
    every = sorted((tmp_path / "one" / "shards").glob("*.tar"))
    assert len([path for path in every if path.name.startswith("train")]) == 3
    sizes = []
    for path in every:
        assert sha256_of(path) == sha256_of(tmp_path / "two" / "shards" / path.name)
        with tarfile.open(path) as tar:
            sizes.append(len(tar.getnames()))
    assert sum(sizes) == 3 * 30
    assert max(sizes) == 3 * 10
    assert not (tmp_path / "one" / "train").exists()


def test_an_unknown_form_is_refused(small: Project, tmp_path: Path) -> None:
    """The error names the forms; nothing is written."""
    with pytest.raises(InputError, match=r"'zip' is no form of an export\. Use one"):
        small.export(tmp_path / "out", ["zip"])  # type: ignore[list-item]
    assert not (tmp_path / "out").exists()


def test_the_metadata_is_lines_of_json(every_form: Path) -> None:
    """A name of a file has no mark before it, whatever the class is called."""
    for split in ("train", "valid"):
        for line in (every_form / split / "metadata.jsonl").read_text().splitlines():
            assert (every_form / split / json.loads(line)["file_name"]).is_file()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="where files cannot be linked they are copied")
def test_links_are_read_only_and_told_of(small: Project, tmp_path: Path) -> None:
    """With ``link`` a file is the original itself, which no editor can write into by mistake."""
    copied = small.export(tmp_path / "copied")
    linked = small.export(tmp_path / "linked", link=True)
    assert (copied.linked, "hard links" in copied.sentence) == (0, False)
    names = manifest(tmp_path / "linked")["file_name"]
    same = [(tmp_path / "linked" / name).stat().st_nlink == 2 for name in names]
    # A disk that shares blocks makes no second name: a copy there takes no room.
    assert linked.linked == sum(same) in {0, 30}
    assert ("hard links" in linked.sentence) == (linked.linked > 0)
    if linked.linked:
        assert all((tmp_path / "linked" / name).stat().st_mode & 0o222 == 0 for name in names)
    assert manifest(tmp_path / "copied").equals(manifest(tmp_path / "linked"))
    small.check()
