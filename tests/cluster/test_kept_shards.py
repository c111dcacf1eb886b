"""Originals that stay in their shards serve for all that files of their own do."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import select, update

from curator.check.remeasure import bring_up_to_date
from curator.cluster import job
from curator.cluster.settings import ClusterSettings
from curator.collect.http.client import FetchSettings
from curator.collect.pictures import enlarged, thumbnails
from curator.deliver.formats import FORMATS
from curator.encode.backbones import DEFAULT, describe
from curator.errors import OriginalAltered, OriginalMissing
from curator.find.why import picture_of
from curator.learn.finetune.pixels import ensure_pixels, pixel_cache
from curator.project import Project
from curator.sample.digits import CLASSES, build
from curator.sample.server import serving
from curator.store import images, schema
from curator.trust import original_parts
from tests.cluster.test_job import Here
from tests.collect.kills import temporary_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
SETTINGS = FetchSettings(allow_private=True, backoff=0.01, threads=1)  # in the same order


def filled(folder: Path) -> None:
    """Fetch some pictures of each class twice, once for each way of keeping them."""
    some = [item for name in CLASSES for item in [i for i in build() if i.listed == name][:30]]
    with serving(some) as served:
        for keep in ("files", "shards"):
            with Project.create(folder / keep / "digits", CLASSES) as project:
                for name in CLASSES:
                    project.add(name, "\n".join(served.addresses(name)))
                told = ClusterSettings.of({"keep": keep, "parcel": 50})
                report = project.fetch(SETTINGS, cluster=told)
                assert report.images > 60
                assert report.left == 0
                project.check()
                project.train()
                ranked = project.rank()["image_id"].tolist()
                project.decide(ranked[:3], "delete", by="me")
                project.decide(ranked[3:5], "keep", by="me")


@pytest.fixture(scope="module")
def kept(
    tmp_path_factory: pytest.TempPathFactory,
    build_once: Callable[[str, Callable[[Path], None]], Path],
) -> Path:
    """Give the folders files/ and shards/ with a project each; nobody changes them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Engine", Here)
        return build_once("kept", filled)


@pytest.fixture
def both(kept: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Give copies of both projects, of files and of shards."""
    shutil.copytree(kept, tmp_path / "kept")
    return tmp_path / "kept" / "files" / "digits", tmp_path / "kept" / "shards" / "digits"


def files_of(project: Project) -> dict[str, str]:
    """What the database calls each original, by SHA-256."""
    table = schema.images.c
    with project.database.read() as connection:
        rows = connection.execute(select(table.sha256, table.file).order_by(table.sha256)).all()
    return {row.sha256: row.file for row in rows}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


pytestmark = pytest.mark.slow


def test_they_lie_in_shards_alone(kept: Path) -> None:
    """One file for many images, named by its hash; nothing waits to be taken in any more."""
    with Project.open(kept / "shards" / "digits") as project:
        files = files_of(project)
        lying = {path.relative_to(project.originals).as_posix() for path in _below(project)}
    parts = {original_parts(file) for file in files.values()}
    assert {relative for relative, _, size in parts if size} == lying  # type: ignore[misc]
    assert len(lying) < 6 < len(parts)
    assert temporary_files(kept / "shards" / "digits") == []
    assert not (kept / "shards" / "digits" / "shards").exists()
    with Project.open(kept / "files" / "digits") as project:
        assert files_of(project).keys() == files.keys()


def _below(project: Project) -> list[Path]:
    return [path for path in project.originals.rglob("*") if path.is_file()]


def test_every_export_is_the_same_byte_for_byte(both: tuple[Path, Path], tmp_path: Path) -> None:
    """All forms, hard links asked for or not, and the recipe."""
    found = []
    for path in both:
        out = tmp_path / path.parent.name
        with Project.open(path) as project:
            for link in (False, True):
                project.export(out / f"linked {link}", formats=list(FORMATS), link=link)
            project.write_recipe(out / "recipe")
        # A recipe says when each decision was taken, and when its project was made.
        without_times = _TIME.sub(b"", (out / "recipe").read_bytes())
        (out / "recipe").write_bytes(without_times)
        found.append(contents(out))
    assert found[0].keys() == found[1].keys()
    different = [name for name in found[0] if found[0][name] != found[1][name]]
    assert different == []
    assert len(found[0]) > 150


def test_every_reader_gets_the_same(both: tuple[Path, Path], tmp_path: Path) -> None:
    """Enlarged pictures, thumbnails, measures, what networks see, a model, paths, a trace."""
    found = []
    for path in both:
        with Project.open(path) as project:
            files = files_of(project)
            key = min(project.rank()["image_id"])
            shutil.rmtree(project.features)
            (project.path / "thumbnails.db").unlink()
            project.features.mkdir()
        with Project.open(path) as project:
            project.check()
            backbone = describe(DEFAULT)
            squares = pixel_cache(tmp_path / path.parent.name, backbone)
            items = [(digest, project.original(file)) for digest, file in files.items()]
            assert ensure_pixels(items, squares, backbone) == []
            with project.database.write() as connection:
                connection.execute(update(schema.images).values(measures_version=0, phash="0" * 16))
            assert bring_up_to_date(project) == len(files)
            with project.database.read() as connection:
                measured = connection.execute(
                    select(schema.images.c.phash, schema.images.c.sharpness)
                ).all()
            stages = project.trace(key)
            assert [stage.error for stage in stages] == [None] * 7
            model = project.export_model(tmp_path / f"{path.parent.name} model")
            assert model.folder
            found.append(
                [
                    [enlarged(project, file) for file in files.values()],
                    thumbnails(project, files),
                    squares.rows(list(files)).tolist(),
                    [tuple(row) for row in measured],
                    [stage.result for stage in stages],
                    project.details(key).exif,
                    np.asarray(picture_of(project, key, 100)).tolist(),
                ]
            )
    for one, other in zip(*found, strict=True):
        assert one == other


def test_where_they_can_be_opened(both: tuple[Path, Path]) -> None:
    """``path`` of the ranked list opens by fsspec, whichever way they are kept."""
    import fsspec

    opened = []
    for path in both:
        with Project.open(path) as project:
            ranked = project.rank().sort_values("image_id")
        contents = []
        for where in ranked["path"][:5]:
            with fsspec.open(where) as stream:
                contents.append(stream.read())
        opened.append(contents)
    assert opened[0] == opened[1]


def test_a_damaged_shard_is_told_of(both: tuple[Path, Path], tmp_path: Path) -> None:
    """Image by image, where one is altered; an export is refused, and so without the shard."""
    _, path = both
    with Project.open(path) as project:
        with project.database.read() as connection:
            file = images.live(connection)["file"].iloc[0]  # a deleted one is no problem
        relative, start, _ = original_parts(file) or ("", 0, None)
        shard = project.originals / relative
        shard.chmod(0o644)
        with shard.open("rb+") as stream:
            stream.seek(start + 60)
            others = bytes(255 - value for value in stream.read(4))
            stream.seek(start + 60)
            stream.write(others)
        report = project.check()
        (problem,) = [one for one in report.problems if one.code == "altered_originals"]
        assert problem.count == 1
        with pytest.raises(OriginalAltered):
            project.export(tmp_path / "out")
        shard.unlink()
        with pytest.raises(OriginalMissing):
            project.export(tmp_path / "out")


def test_a_kill_between_keeping_and_recording_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shard stays in its place until all of it is recorded, and is kept once."""
    monkeypatch.setattr(job, "Engine", Here)
    some = [item for item in build() if item.listed == CLASSES[0]][:40]
    told = ClusterSettings(keep="shards", parcel=1000)
    with serving(some) as served, Project.create(tmp_path / "p", CLASSES) as project:
        project.add(CLASSES[0], "\n".join(served.addresses(CLASSES[0])))

        def die(fetching: job._Fetching) -> None:
            if fetching._taken:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(job._Fetching, "saved", die)
            with pytest.raises(KeyboardInterrupt):
                project.fetch(SETTINGS, cluster=told)
        assert len(_below(project)) == 1
        assert len(list((project.path / "shards").iterdir())) == 1
        project.fetch(SETTINGS, retry="none", cluster=told)
        assert len(_below(project)) == 1
        assert not (project.path / "shards").exists()
        assert project.status().addresses.pending == 0
        with Project.open(project.path) as again:
            again.check()
            assert again.export(tmp_path / "out").images == len(files_of(again))
