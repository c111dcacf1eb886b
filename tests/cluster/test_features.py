"""Features that a check has computed elsewhere, with tasks that run in this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest

from curator.cluster import features
from curator.cluster.engine import Engine, Lost
from curator.cluster.features import Batch, Rows, encode
from curator.cluster.settings import ClusterSettings
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache, tiny_cache
from curator.errors import InputError, JobCancelled
from curator.jobs.progress import REPORT_SECONDS
from curator.project import Project
from curator.store import images
from tests.conftest import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.jobs.progress import Progress


class Here:
    """Does each batch in this process; ``becomes``: what comes back of it, by its number."""

    cores = 1
    becomes: Callable[[int, Rows], Rows | Lost]
    asked: list[list[str]]

    def __init__(self, _address: str, _function: object) -> None:
        self._waiting: list[Batch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""

    def submit(self, batch: Batch) -> None:
        """Note it."""
        self._waiting.append(batch)

    def finished(self, _seconds: float) -> Iterator[tuple[Batch, Rows | Lost]]:
        """Do the first of those that wait."""
        batch = self._waiting.pop(0)
        self.asked.append(list(batch.contents))
        yield batch, type(self).becomes(len(self.asked), encode(batch))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> type[Here]:
    """Put it in Ray's place, with ten images a task."""
    monkeypatch.setattr(features, "Engine", Here)
    monkeypatch.setattr(features, "IMAGES", 10)
    monkeypatch.setattr(Here, "asked", [], raising=False)
    monkeypatch.setattr(Here, "becomes", staticmethod(lambda _number, rows: rows), raising=False)
    return Here


@pytest.fixture
def local(checked_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open the same project as this machine checked it."""
    with Project.open(copy_project(checked_folder, tmp_path / "local")) as project:
        yield project


def stored(project: Project) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both kinds of rows of every image, by SHA-256."""
    with project.database.read() as connection:
        digests = sorted(images.live(connection)["sha256"])
    return feature_cache(project, describe(DEFAULT)).rows(digests), tiny_cache(project).rows(
        digests
    )


@pytest.mark.slow
def test_they_are_those_of_this_machine(here: type[Here], small: Project, local: Project) -> None:
    """All images once, and the check finds the same; a second time nothing is asked."""
    report = small.check(cluster=ClusterSettings())
    assert sorted(map(len, here.asked)) == [10, 10, 10]
    assert len({digest for some in here.asked for digest in some}) == 30
    for one, other in zip(stored(small), stored(local), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    expected = local.check()
    assert (report.problems, report.sentence) == (expected.problems, expected.sentence)
    small.check(cluster=ClusterSettings())
    assert len(here.asked) == 3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["lost", "not finite", "of another shape", "of other images"])
def test_what_does_not_come_is_computed_here(
    how: str, here: type[Here], monkeypatch: pytest.MonkeyPatch, small: Project, local: Project
) -> None:
    """The check says so, and has every image in the end."""

    def becomes(number: int, rows: Rows) -> Rows | Lost:
        if number != 2:
            return rows
        return {
            "lost": Lost("the machine burnt"),
            "not finite": Rows(rows.digests, rows.features * np.float32("nan"), rows.tiny),
            "of another shape": Rows(rows.digests, rows.features[:, :7], rows.tiny),
            "of other images": Rows(["0" * 64] * 10, rows.features, rows.tiny),
        }[how]

    monkeypatch.setattr(here, "becomes", staticmethod(becomes))
    report = small.check(cluster=ClusterSettings())
    said = "the machine burnt" if how == "lost" else "cannot be features"
    assert report.notes[0].startswith("1 task of the cluster failed")
    assert said in report.notes[0]
    for one, other in zip(stored(small), stored(local), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.slow
def test_one_that_is_stopped_goes_on(
    here: type[Here], small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is kept: only the rest is sent out the next time."""

    def slowly(_number: int, rows: Rows) -> Rows:
        time.sleep(1.5 * REPORT_SECONDS)  # so that each batch is told of
        return rows

    monkeypatch.setattr(here, "becomes", staticmethod(slowly))

    def stop(progress: Progress) -> None:
        if progress.message.endswith("cluster") and progress.done:
            progress.cancel()

    with pytest.raises(JobCancelled):
        small.check(cluster=ClusterSettings(), listener=stop)
    before = len(here.asked)
    assert 0 < before < 3
    small.check(cluster=ClusterSettings())
    assert len({digest for some in here.asked for digest in some}) == 30
    assert sum(map(len, here.asked)) == 30


@pytest.mark.slow
def test_an_original_that_is_gone_is_the_checks_business(here: type[Here], small: Project) -> None:
    """It is not sent, and told of as ever; so is one that is no picture."""
    gone, broken = sorted(small.originals.rglob("*.png"))[:2]
    gone.unlink()
    broken.write_bytes(b"no picture")
    report = small.check(cluster=ClusterSettings())
    assert len(report.unreadable) == 2
    assert sum(map(len, here.asked)) == 29


def test_another_version_is_refused() -> None:
    """What two versions make of an image may differ."""
    with pytest.raises(InputError, match="same version on every machine"):
        encode(Batch({}, "0.0"))


def test_without_anything_to_do_ray_is_not_started(
    monkeypatch: pytest.MonkeyPatch, checked: Project
) -> None:
    """It would take seconds to find that out."""
    monkeypatch.setattr(Engine, "__enter__", lambda _: pytest.fail("it was started"))
    assert checked.check(cluster=ClusterSettings()).notes == ()
