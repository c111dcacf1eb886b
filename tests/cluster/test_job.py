"""The job's own part: what it sends out, takes in and says, with tasks that run in this process."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import pytest

from curator.cluster import job
from curator.cluster.settings import ClusterSettings
from curator.cluster.task import fetch_parcel
from curator.collect.http.client import FetchSettings
from curator.errors import JobError
from curator.project import Project
from tests.collect.hostile import serving
from tests.collect.kills import addresses, intact, result_of, temporary_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from curator.cluster.parcels import Parcel

SETTINGS = FetchSettings(allow_private=True, backoff=0.01)


class Here:
    """Runs each parcel at once in this process: Ray takes seconds to start, and does no more.

    ``after``: what happens to the shard of a parcel then, by its number.
    """

    cores = 1
    after: ClassVar[Callable[[int, Path], None]] = staticmethod(lambda number, shard: None)
    sent: ClassVar[list[Parcel]] = []

    def __init__(self, _address: str, _function: object) -> None:
        self._waiting: list[Parcel] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""

    def submit(self, parcel: Parcel) -> None:
        """Note it."""
        self._waiting.append(parcel)

    def finished(self, _seconds: float) -> Iterator[tuple[Parcel, None]]:
        """Do the first of those that wait."""
        parcel = self._waiting.pop(0)
        self.sent.append(parcel)
        fetch_parcel(parcel)
        self.after(len(self.sent), Path(parcel.place, f"{parcel.name}.tar"))
        yield parcel, None


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> type[Here]:
    """Put it in Ray's place."""
    monkeypatch.setattr(job, "Engine", Here)
    monkeypatch.setattr(Here, "sent", [])
    return Here


def made(path: Path, listed: list[str]) -> Project:
    """Make a project with that list."""
    project = Project.create(path, ["a"])
    project.add("a", "\n".join(listed))
    return project


@pytest.mark.slow
def test_parcels_go_out_and_come_back(here: type[Here], tmp_path: Path) -> None:
    """Several hosts, one that is silent over several parcels: as on one machine."""
    with serving() as server, socket.create_server(("127.0.0.1", 0)) as mute:
        silent = f"http://127.0.0.1:{mute.getsockname()[1]}"
        mute.close()
        listed = addresses(server.url(""), 40) + addresses(server.url("", "localhost"), 20)
        listed += [f"{silent}/{n}.jpg" for n in range(50)]
        with made(tmp_path / "alone", listed) as alone, made(tmp_path / "p", listed) as project:
            expected = alone.fetch(SETTINGS)
            report = project.fetch(SETTINGS, cluster=ClusterSettings(parcel=20))
    assert report == expected
    assert result_of(project.path) == result_of(alone.path)
    assert (expected.failed["host_given_up"], temporary_files(project.path)) == (48, [])
    # Of the silent host's three parcels one; of the good one's two the second knows it.
    hosts = [next(iter(parcel.addresses.values())).startswith(silent) for parcel in here.sent]
    assert sum(hosts) == 1
    assert [p.answered for p, mute in zip(here.sent, hosts, strict=True) if not mute].count(True)


def test_what_is_listed_meanwhile_is_fetched_as_well(
    here: type[Here], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on one machine."""
    with serving() as server, made(tmp_path / "p", [server.url("/number/1.jpg")]) as project:

        def more(number: int, _: Path) -> None:
            if number == 1:
                project.add("a", server.url("/number/2.jpg"))

        monkeypatch.setattr(here, "after", staticmethod(more))
        report = project.fetch(SETTINGS, cluster=ClusterSettings())
    assert (report.images, len(here.sent)) == (2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["gone", "cut off"])
def test_a_shard_that_is_lost_is_told_of(
    how: str, here: type[Here], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its addresses stay on the list, the others come, and the next fetch completes it."""

    def lose(number: int, shard: Path) -> None:
        if number == 2:
            shard.write_bytes(shard.read_bytes()[:700]) if how == "cut off" else shard.unlink()

    monkeypatch.setattr(here, "after", staticmethod(lose))
    with serving() as server:
        listed = [server.url(f"/number/{n}.jpg") for n in range(60)]
        with made(tmp_path / "p", listed) as project:
            report = project.fetch(SETTINGS, cluster=ClusterSettings(parcel=20))
            assert (report.images, report.left, report.failed) == (40, 20, {})
            assert report.notes[0].startswith(f"20 addresses of 127.0.0.1:{server.port}: ")
            assert "20 addresses could not be fetched and stay on the list" in report.sentence
            assert project.status().addresses.pending == 20
            monkeypatch.setattr(here, "after", staticmethod(lambda number, shard: None))
            assert project.fetch(SETTINGS, cluster=ClusterSettings()).images == 20
    intact(project.path)


@pytest.mark.slow
def test_where_nothing_comes_it_ends(
    here: type[Here], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Machines that see another folder under that name would fetch everything for nothing."""
    monkeypatch.setattr(here, "after", staticmethod(lambda _, shard: shard.unlink()))
    with serving() as server:
        listed = [server.url(f"/number/{n}.jpg") for n in range(200)]
        with (
            made(tmp_path / "p", listed) as project,
            pytest.raises(JobError, match="which every machine must reach"),
        ):
            project.fetch(SETTINGS, cluster=ClusterSettings(parcel=20))
    assert len(here.sent) == job._MOST_LOST
