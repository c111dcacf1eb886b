"""On a cluster of four nodes a fetch gives what one machine gives, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from curator.cluster.settings import ClusterSettings
from curator.cluster.shard import opened
from curator.collect.http.client import FetchSettings
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache
from curator.errors import JobCancelled
from curator.learn.recording import HEAD_FILE, kept_tensors
from curator.project import Project
from curator.store import images
from tests.cluster.conftest import NODES
from tests.cluster.hosts import listening
from tests.cluster.nodes import PATIENCE
from tests.collect.hostile import serving
from tests.collect.kills import addresses, intact, result_of, temporary_files
from tests.conftest import copy_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from ray.cluster_utils import Cluster

    from curator.collect.fetch import FetchReport
    from curator.jobs.progress import Progress

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray has no clusters there"),
]
SETTINGS = FetchSettings(allow_private=True, backoff=0.01)


def made(path: Path, listed: list[str]) -> Path:
    """Make a project with that list."""
    with Project.create(path, ["a", "b"]) as project:
        project.add("a", "\n".join(listed[::2]))
        project.add("b", "\n".join(listed[1::2]))
    return path


def fetched(path: Path, cluster: ClusterSettings | None, **more: object) -> FetchReport:
    """Fetch the project's list."""
    with Project.open(path) as project:
        return project.fetch(SETTINGS, cluster=cluster, **more)


def on(nodes: Cluster, parcel: int = 20) -> ClusterSettings:
    """Say where the cluster is."""
    return ClusterSettings(address=nodes.address, parcel=parcel)


def until(there: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def same(path: Path, expected: Path) -> None:
    """Assert that two projects hold the same, whole and without leftovers."""
    assert result_of(path) == result_of(expected)
    intact(path)
    assert temporary_files(path) == []
    assert not (path / "shards").exists()


def test_the_outcome_is_that_of_one_machine(nodes: Cluster, tmp_path: Path) -> None:
    """Images, failures and their reasons, a silent host given up; asked again it asks nothing."""
    with serving(latency=0.01) as server, socket.create_server(("127.0.0.1", 0)) as mute:
        listed = addresses(server.url(""), 80)
        listed += addresses(server.url("", "localhost"), 40)
        listed += [f"http://127.0.0.1:{mute.getsockname()[1]}/{n}.jpg" for n in range(60)]
        mute.close()  # from now on it refuses
        alone, spread = made(tmp_path / "alone", listed), made(tmp_path / "spread", listed)
        expected = fetched(alone, None)
        report = fetched(spread, on(nodes))
        assert report == expected
        assert expected.failed["host_given_up"] == 58
        same(spread, alone)
        before = dict(server.hits)
        with Project.open(spread) as project:
            again = project.fetch(SETTINGS, retry="none", cluster=on(nodes))
        assert again.asked == 0
        assert dict(server.hits) == before


def test_no_host_is_asked_more_often_at_a_time(nodes: Cluster, tmp_path: Path) -> None:
    """Forty hosts over four nodes: never above the limit of a host, and many hosts at a time."""
    with listening(40, latency=0.2) as hosts:
        path = made(tmp_path / "p", hosts.addresses(8))
        with Project.open(path) as project:
            polite = SETTINGS.but(per_host=2)
            report = project.fetch(polite, cluster=on(nodes, parcel=1000))
    assert (report.images, report.failed) == (320, {})
    assert max(hosts.hits.values()) == 1
    assert max(hosts.most.values()) <= 2
    assert hosts.at_once > 2 * len(hosts.ports) / NODES


@pytest.mark.soak
def test_a_fetch_that_is_stopped_goes_on_later(nodes: Cluster, tmp_path: Path) -> None:
    """What came is kept, the tasks tidy up, and the next run completes it."""
    scratch = set(Path(tempfile.gettempdir()).glob("curator-parcel-*"))
    with listening(8, latency=0.1) as hosts:
        path = made(tmp_path / "p", hosts.addresses(50))

        def stop(progress: Progress) -> None:
            if progress.done:
                progress.cancel()

        with pytest.raises(JobCancelled):
            fetched(path, on(nodes, parcel=50), listener=stop)
        came = len(result_of(path).images)
        assert 0 < came < 400
        report = fetched(path, on(nodes, parcel=50))
        assert (report.images, report.asked) == (400 - came, 400 - came)
    until(lambda: set(Path(tempfile.gettempdir()).glob("curator-parcel-*")) <= scratch)


@pytest.mark.soak
def test_a_lost_driver(nodes: Cluster, tmp_path: Path) -> None:
    """The command is killed and run again: shards that were finished are not fetched again."""
    with listening(8, latency=0.05) as hosts:
        listed = hosts.addresses(40)
        alone, path = made(tmp_path / "alone", listed), made(tmp_path / "p", listed)
        command = [sys.executable, "-m", "curator", "fetch", str(path), "--allow-private"]
        command += ["--engine", "ray", "--address", nodes.address, "--place", str(tmp_path / "s")]
        first = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
        until(lambda: list((tmp_path / "s").glob("*/*.tar")))
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
        finished = []
        for shard in (tmp_path / "s").glob("*/*.tar"):
            with opened(shard) as reader:
                finished += [url for _, url in reader.asked()]
        before = dict(hosts.hits)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
        fetched(alone, None)
        assert result_of(path) == result_of(alone)
        asked = [url.removeprefix("http://127.0.0.1:") for url in finished]
        hits = {name: hosts.hits[name] - 1 for name in asked}  # once more for the one machine
        assert hits == {name: before[name] for name in asked}
    assert asked
    intact(path)
    assert list((tmp_path / "s").glob("*/*")) == []


def running() -> list[psutil.Process]:
    """The processes that fetch a parcel just now."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any("fetch_parcel" in word for word in process.info["cmdline"] or [])
    ]


@pytest.mark.soak
def test_a_parcel_that_dies_twice(nodes: Cluster, tmp_path: Path) -> None:
    """Its addresses are told of and stay to be fetched, everything else is there."""
    with serving() as server, listening(1, latency=600) as stuck:
        listed = [*addresses(server.url(""), 60), *stuck.addresses(3)]
        path = made(tmp_path / "p", listed)
        killed: set[int] = set()

        def kill() -> None:
            for tries in (1, 2):
                until(lambda tries=tries: stuck.hits.total() >= 2 * tries)
                until(lambda: len(running()) == 1)
                (process,) = running()
                process.kill()
                killed.add(process.pid)

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        with Project.open(path) as project:
            patient = SETTINGS.but(read_timeout=300.0, deadline=300.0)
            report = project.fetch(patient, cluster=on(nodes))
        thread.join()
        assert (len(killed), report.left, report.asked) == (2, 3, 60)
        assert f"3 addresses of 127.0.0.1:{stuck.ports[0]}" in report.notes[0]
        assert "run it again" in report.sentence
        with Project.open(path) as project:
            assert project.status().addresses.pending == 3


@pytest.mark.soak
def test_a_lost_node(nodes: Cluster, tmp_path: Path) -> None:
    """A machine goes in the middle: another one does its parcel, and nothing is doubled."""
    with listening(8, latency=0.2) as hosts:
        listed = hosts.addresses(60)
        path = made(tmp_path / "p", listed)
        answers: list[FetchReport] = []

        def fetch() -> None:
            answers.append(fetched(path, on(nodes, parcel=60)))

        thread = threading.Thread(target=fetch)
        thread.start()
        until(lambda: len(running()) == NODES and hosts.hits.total() > 50)
        nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
        thread.join(PATIENCE)
        (report,) = answers
    assert (report.images, report.same, report.left) == (480, 0, 0)
    assert len(result_of(path).images) == 480
    intact(path)


class Steps:
    """Notes what a job says that it is doing."""

    def __init__(self, seen: set[str]) -> None:
        self._seen = seen

    def __call__(self, progress: Progress) -> None:
        """Be told."""
        self._seen.add(progress.message)


@pytest.mark.soak
def test_features_for_a_check(nodes: Cluster, small_folder: Path, tmp_path: Path) -> None:
    """They are those of this machine, and the check has nothing left to compute."""
    rows = []
    for name, cluster in (("alone", None), ("spread", on(nodes))):
        with Project.open(copy_project(small_folder, tmp_path / name)) as project:
            steps: set[str] = set()
            project.check(cluster=cluster, listener=Steps(steps))
            with project.database.read() as connection:
                digests = sorted(images.live(connection)["sha256"])
            rows.append(feature_cache(project, describe(DEFAULT)).rows(digests))
        computed = {step for step in steps if step.startswith("computing features on")}
        where = "cpu" if cluster is None else "the cluster"
        assert computed == {f"computing features on {where}"}
    np.testing.assert_allclose(*rows, atol=1e-3)


@pytest.mark.soak
def test_on_this_machine_it_is_the_same_command(tmp_path: Path) -> None:
    """Without an address Ray starts here for the while, and listens on the loopback alone."""
    ports: set[str] = set()

    def look(_: Progress) -> None:
        for process in psutil.Process().children(recursive=True):
            with_ports = process.net_connections() if process.is_running() else []
            ports.update(c.laddr.ip for c in with_ports if c.status == psutil.CONN_LISTEN)

    with listening(4, latency=0.0) as hosts:
        path = made(tmp_path / "p", hosts.addresses(50))
        report = fetched(path, ClusterSettings(), listener=look)
    assert (report.images, report.asked) == (200, 200)
    assert ports <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert ports


def test_training_on_a_cluster(nodes: Cluster, small_folder: Path, tmp_path: Path) -> None:
    """The heads are those of this machine, also where a machine goes in the middle."""
    heads = []
    for name, cluster in (("alone", None), ("spread", on(nodes)), ("lost", on(nodes))):
        lose = [nodes.list_all_nodes()[-1]] if name == "lost" else []

        def told(progress: Progress, lose: list[object] = lose) -> None:
            if lose and progress.message == "training the head":
                nodes.remove_node(lose.pop(), allow_graceful=False)

        with Project.open(copy_project(small_folder, tmp_path / name)) as project:
            report = project.train(cluster=cluster, listener=told)
            place = project.runs_folder / str(report.run)
            heads.append(kept_tensors(place, HEAD_FILE, {"weight": 2, "bias": 1}))
        assert lose == []
    alone, *others = heads
    assert alone is not None
    for head in others:
        assert head is not None
        np.testing.assert_allclose(head["weight"], alone["weight"], rtol=0.02, atol=0.02)
