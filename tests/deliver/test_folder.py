"""The curated folder: what it holds, how others read it, and when it is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from curator.deliver.folder import MANIFEST_COLUMNS, counts, plan
from curator.encode import torchvision_compat
from curator.errors import CuratorError, InputError, NotEnoughData, TargetNotEmpty
from curator.hashing import sha256_of
from tests.running import run_job

if TYPE_CHECKING:
    from curator.project import Project


def export(project: Project, out: Path) -> pd.DataFrame:
    """Export to ``out`` and give the manifest."""
    project.export(out)
    return pd.read_csv(out / "manifest.csv", keep_default_na=False, dtype=str)


def files(out: Path) -> set[str]:
    """Give every file of an export below train/ and valid/."""
    return {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and path.name not in {"manifest.csv", "README.md"}
    }


@pytest.mark.slow
def test_torchvision_reads_it(small: Project, tmp_path: Path) -> None:
    """``ImageFolder`` finds the same classes and images on both sides."""
    answer = small.export(tmp_path / "out")
    torchvision_compat.prepare()
    from torchvision.datasets import ImageFolder

    read: dict[tuple[str, str], int] = {}
    for split in ("train", "valid"):
        data = ImageFolder(str(tmp_path / "out" / split))
        assert data.classes == ["cat", "dog", "owl"]
        for _, label in data.samples:
            key = (split, data.classes[label])
            read[key] = read.get(key, 0) + 1
        image, _ = data[0]
        assert image.size == (64, 64)
    assert read == {(row.split, row.label): row.images for row in answer.counts}
    assert sum(read.values()) == 30


@pytest.mark.slow
def test_features_that_are_gone_are_not_waited_for(small: Project, tmp_path: Path) -> None:
    """Where every image has its side of the split, an export computes no features."""
    first = export(small, tmp_path / "first")
    before = sorted(small.features.rglob("*"))
    shutil.rmtree(small.features)
    small.features.mkdir()
    assert export(small, tmp_path / "again").equals(first)
    assert before
    assert not list(small.features.rglob("*"))


@pytest.mark.slow
def test_the_manifest_describes_every_file(small: Project, tmp_path: Path) -> None:
    """One row a file, with its hash, its source, and what was decided; nothing else is there."""
    small.decide([1], "keep")
    small.decide([2], "unsure")
    small.decide([3], "relabel", "owl")
    small.decide([4], "delete")
    rows = export(small, tmp_path / "out")
    assert list(rows.columns) == MANIFEST_COLUMNS
    assert len(rows) == 29
    assert set(rows["file_name"]) == files(tmp_path / "out")
    for row in rows.itertuples():
        path = tmp_path / "out" / str(row.file_name)
        assert sha256_of(path) == row.sha256
        assert path.relative_to(tmp_path / "out").parts[:2] == (row.split, row.label)
    by_source = rows.set_index("source")
    assert by_source.loc["cat/00.png", "decision"] == "kept"
    assert by_source.loc["cat/01.png", "decision"] == "unsure"
    assert by_source.loc["cat/02.png", ["label", "given_label", "decision"]].tolist() == [
        "owl",
        "cat",
        "relabelled",
    ]
    assert "cat/03.png" not in by_source.index
    assert by_source.loc["dog/00.png", "decision"] == ""


@pytest.mark.slow
def test_a_selection_alone(small: Project, tmp_path: Path) -> None:
    """Only its images are written and counted; a version is exported whole, and none must be."""
    name = small.select([2, 5, 30])
    assert small.preview_export(selection=name).images == 3
    assert small.export(tmp_path / "out", selection=name).images == 3
    assert len(files(tmp_path / "out")) == 3
    small.tag_version("v1")
    for wrong in ({"selection": name, "version": "v1"}, {"selection": "0" * 16}):
        with pytest.raises(InputError):
            small.export(tmp_path / "not", **wrong)


def test_addresses_are_in_the_manifest(sample: Project, tmp_path: Path) -> None:
    """For fetched images the manifest has the listed address and the one that answered."""
    planned = plan(sample)
    assert planned["source"].str.startswith("http://127.0.0.1").all()
    assert (planned["final_address"] == planned["source"]).all()
    assert planned["file_name"].is_unique


@pytest.mark.slow
def test_the_plan_is_what_is_written(small: Project, tmp_path: Path) -> None:
    """The page's preview and the export agree, and the sums are those of the rows."""
    small.decide([1, 2], "delete")
    assert {"undecided"} == set(plan(small)["split"])
    small.check()
    planned = plan(small)
    rows = export(small, tmp_path / "out")
    assert planned["file_name"].tolist() == rows["file_name"].tolist()
    counted = {(row.split, row.label): row.images for row in counts(planned)}
    assert counted == planned.groupby(["split", "label"]).size().to_dict()


@pytest.mark.slow
def test_originals_stay_and_are_copies(small: Project, tmp_path: Path) -> None:
    """Changing an exported file changes nothing in the project."""
    before = {path: sha256_of(path) for path in small.originals.rglob("*.png")}
    rows = export(small, tmp_path / "out")
    (tmp_path / "out" / rows["file_name"].iloc[0]).write_bytes(b"scribble")
    assert {path: sha256_of(path) for path in small.originals.rglob("*.png")} == before


def test_a_class_on_one_side_only_has_both_folders(checked: Project, tmp_path: Path) -> None:
    """A class with one image left has an empty folder on the other side."""
    owls = list(range(23, 31))
    checked.decide(owls[1:], "delete")
    export(checked, tmp_path / "out")
    for split in ("train", "valid"):
        assert sorted(path.name for path in (tmp_path / "out" / split).iterdir()) == [
            "cat",
            "dog",
            "owl",
        ]


@pytest.mark.parametrize("kind", ["export", "export-model"])
def test_a_full_target_is_refused(kind: str, sample_copy: Project, tmp_path: Path) -> None:
    """Neither export touches a folder that holds something."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(TargetNotEmpty, match="already holds files"):
        run_job(sample_copy, kind, out=str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_with_nothing_left_there_is_nothing_to_export(small: Project, tmp_path: Path) -> None:
    """When all images are deleted the error says how to get them back; no folder appears."""
    small.decide(list(range(1, 31)), "delete")
    with pytest.raises(NotEnoughData, match="undo"):
        small.export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_lost_original_is_named(small: Project, tmp_path: Path) -> None:
    """If a stored file is gone, the error names it and not the target; nothing is half-written."""
    lost = sorted(small.originals.rglob("*.png"))[5]
    lost.unlink()
    with pytest.raises(CuratorError, match=lost.name) as caught:
        small.export(tmp_path / "out")
    assert "Free some space" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


def test_a_cancelled_export_leaves_nothing(small: Project, tmp_path: Path) -> None:
    """Stopped half-way, no folder is there, not even a hidden one."""
    from curator.errors import JobCancelled

    def stop(progress: Any) -> None:
        progress.cancel()

    with pytest.raises(JobCancelled):
        small.export(tmp_path / "out", listener=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]
