"""What is said where Ray is not there, and when it is not asked for at all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from curator.cluster.engine import Engine
from curator.cluster.settings import ClusterSettings
from curator.collect.http.client import FetchSettings
from curator.errors import InputError, PackageMissing
from curator.project import Project

if TYPE_CHECKING:
    from pathlib import Path


def test_without_ray_one_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It names the command of pip, and the project is as it was."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with Project.create(tmp_path / "p", ["a"]) as project:
        project.add("a", "http://127.0.0.1:9/1.png")
        with pytest.raises(PackageMissing, match=r"pip install 'image-curator\[cluster\]'"):
            project.fetch(FetchSettings(allow_private=True), cluster=ClusterSettings())
        assert project.status().addresses.pending == 1


def test_where_nothing_is_missing_ray_is_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It would take seconds to find that out."""
    monkeypatch.setattr(Engine, "__enter__", lambda _: pytest.fail("it was started"))
    with Project.create(tmp_path / "p", ["a"]) as project:
        report = project.fetch(cluster=ClusterSettings(place=str(tmp_path / "shards")))
    assert report.sentence.startswith("Nothing is missing")
    assert not (tmp_path / "shards").exists()


def test_a_place_that_is_none(tmp_path: Path) -> None:
    """A kind of address that fsspec does not know is wrong use."""
    with (
        Project.create(tmp_path / "p", ["a"]) as project,
        pytest.raises(InputError, match="no place for shards"),
    ):
        project.fetch(cluster=ClusterSettings(place="nowhere://bucket/prefix"))
