"""Downloading lists: fairness, giving up, cancelling, and what is kept."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

import pytest

from curator.collect.http import downloader as module
from curator.collect.http.client import Answer, FetchFailed, FetchSettings
from curator.collect.http.downloader import Outcome, Wanted, download
from curator.errors import FileError
from curator.imaging.reasons import Reason
from tests.collect.hostile import BODIES, Hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def never() -> bool:
    """Cancel nothing."""
    return False


def by_path(
    server: Hostile, paths: list[str], originals: Path, settings: FetchSettings
) -> dict[str, Outcome]:
    """Download paths of the server; give the outcomes by path."""
    wanted = [Wanted(number, server.url(path)) for number, path in enumerate(paths)]
    return {paths[o.key]: o for o in download(wanted, originals, settings, never)}


def test_outcomes(server: Hostile, quick: FetchSettings, tmp_path: Path) -> None:
    """Each address has an outcome: a verified file under its hash, or a reason."""
    expected = {
        "/good.jpg": None,
        "/good.png": None,
        "/animated.gif": None,
        "/cmyk.jpg": None,
        "/palette.png": None,
        "/rotated.jpg": None,
        "/page.jpg": Reason.PAGE_NOT_IMAGE,
        "/text.jpg": Reason.NOT_AN_IMAGE,
        "/zero.jpg": Reason.EMPTY,
        "/pixel.gif": Reason.TOO_SMALL,
        "/bomb.png": Reason.TOO_BIG,
        "/truncated.jpg": Reason.BROKEN,
        "/drawing.svg": Reason.UNSUPPORTED_FORMAT,
        "/404": Reason.DEAD,
        "/too-long": Reason.INCOMPLETE,
        "/loop": Reason.REDIRECTS,
    }
    outcomes = by_path(server, list(expected), tmp_path, quick)

    assert expected == {path: outcome.reason for path, outcome in outcomes.items()}
    for path, outcome in outcomes.items():
        if outcome.reason is not None:
            assert outcome.detail
            assert outcome.image is None is outcome.file
            continue
        assert outcome.image is not None
        assert outcome.file is not None
        kept = (tmp_path / outcome.file).read_bytes()
        assert BODIES[path] == kept
        assert hashlib.sha256(kept).hexdigest() == outcome.image.sha256
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 6


def test_same_content_is_kept_once(server: Hostile, quick: FetchSettings, tmp_path: Path) -> None:
    """Two addresses of one content lead to one file."""
    outcomes = by_path(server, ["/good.jpg", "/good.jpg?copy"], tmp_path, quick)

    assert len({outcome.file for outcome in outcomes.values()}) == 1
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1


def test_rubbish_is_an_outcome(quick: FetchSettings, tmp_path: Path) -> None:
    """What is no address at all is refused without an attempt."""
    outcome = next(download([Wanted(7, "rubbish")], tmp_path, quick, never))

    assert (outcome.key, outcome.reason, outcome.attempts) == (7, Reason.REFUSED_ADDRESS, 0)


def test_empty_list(quick: FetchSettings, tmp_path: Path) -> None:
    """Nothing wanted gives nothing."""
    assert list(download([], tmp_path, quick, never)) == []


def answer_for(url: str, body: IO[bytes]) -> Answer:
    """Answer as a good host does."""
    size = body.write(BODIES["/good.jpg"])
    return Answer(size, url, 200, "image/jpeg", 1, 0.0)


def silence(url: str) -> FetchFailed:
    """Make the failure of a host that does not answer."""
    return FetchFailed(Reason.TIMED_OUT, "Silent.", url, None, None, 1, 0.0)


@pytest.mark.slow
def test_silent_host_is_given_up(
    quick: FetchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that never answers is left alone after a few addresses; others go on."""
    asked: list[str] = []

    def fetch(
        url: str, _settings: FetchSettings, _stop: Callable[[], bool], body: IO[bytes]
    ) -> Answer:
        asked.append(url)
        if "silent" in url:
            raise silence(url)
        return answer_for(url, body)

    monkeypatch.setattr(module, "fetch", fetch)
    settings = quick.model_copy(update={"threads": 2, "per_host": 2})
    wanted = [
        Wanted(n, f"http://{'silent' if n % 2 else 'good'}.example/{n}") for n in range(1_000)
    ]
    outcomes = list(download(wanted, tmp_path, settings, never))

    reasons = [outcome.reason for outcome in outcomes]
    assert sorted(outcome.key for outcome in outcomes) == list(range(1_000))
    assert reasons.count(None) == 500
    assert 2 <= reasons.count(Reason.TIMED_OUT) <= 4
    assert reasons.count(Reason.TIMED_OUT) + reasons.count(Reason.HOST_GIVEN_UP) == 500
    assert reasons.count(Reason.TIMED_OUT) == sum("silent" in url for url in asked)


def test_a_host_that_answered_before_is_given_up_later(
    quick: FetchSettings, tmp_path: Path
) -> None:
    """One that is known from an earlier parcel gets the patience of a host that has answered."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    wanted = [Wanted(n, f"http://{host}/{n}") for n in range(60)]
    settings = quick.but(threads=1, per_host=1, attempts=1)
    for answered, asked in (((), 2), ((host,), 20)):
        outcomes = download(wanted, tmp_path, settings, never, answered=answered)
        reasons = [outcome.reason for outcome in outcomes]
        assert reasons.count(Reason.UNREACHABLE) == asked
        assert reasons.count(Reason.HOST_GIVEN_UP) == 60 - asked


def test_slow_host_does_not_hold_up_others(
    quick: FetchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one host is stuck, all addresses of another come through, and the limit holds."""
    release = threading.Event()
    running = 0
    most = 0
    lock = threading.Lock()

    def fetch(
        url: str, _settings: FetchSettings, _stop: Callable[[], bool], body: IO[bytes]
    ) -> Answer:
        nonlocal running, most
        if "slow" in url:
            with lock:
                running += 1
                most = max(most, running)
            release.wait(10)
            with lock:
                running -= 1
        return answer_for(url, body)

    monkeypatch.setattr(module, "fetch", fetch)
    settings = quick.model_copy(update={"threads": 4, "per_host": 3})
    wanted = [Wanted(n, f"http://slow.example/{n}") for n in range(50)]
    wanted += [Wanted(n, f"http://good.example/{n}") for n in range(50, 100)]
    keys = []
    for outcome in download(wanted, tmp_path, settings, never):
        keys.append(outcome.key)
        if len(keys) == 50:
            release.set()

    assert set(range(50, 100)) == set(keys[:50])
    assert len(keys) == 100
    assert most == 2  # it never answered, so no more are tried


def test_input_is_read_lazily(
    quick: FetchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an endless list only a bounded part is read ahead."""
    read = 0

    def endless() -> Iterator[Wanted]:
        nonlocal read
        while True:
            read += 1
            yield Wanted(read, f"http://host{read % 7}.example/{read}")

    monkeypatch.setattr(module, "fetch", lambda url, *rest: answer_for(url, rest[-1]))
    outcomes = download(endless(), tmp_path, quick, never)
    for _ in range(100):
        next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]

    assert read < 6000


def test_cancel(server: Hostile, quick: FetchSettings, tmp_path: Path) -> None:
    """A cancelled download ends soon, and what was not done yields nothing."""
    settings = quick.model_copy(update={"deadline": 60.0, "read_timeout": 30.0})
    stop = threading.Event()
    wanted = [Wanted(0, server.url("/good.jpg"))]
    wanted += [Wanted(n, server.url(f"/silent?{n}")) for n in range(1, 40)]
    began = time.monotonic()
    keys = []
    for outcome in download(wanted, tmp_path, settings, stop.is_set):
        keys.append(outcome.key)
        stop.set()

    assert keys == [0]
    assert time.monotonic() - began < 5
    asked = sum(server.hits.values())
    time.sleep(0.2)
    assert asked == sum(server.hits.values()) <= 10


def test_a_disk_that_refuses(server: Hostile, quick: FetchSettings, tmp_path: Path) -> None:
    """A place that cannot be written stops the download with its own error."""
    (tmp_path / "originals").write_bytes(b"")

    with pytest.raises(FileError, match="originals could not be written"):
        by_path(server, ["/good.jpg", "/good.png"], tmp_path / "originals", quick)


@pytest.mark.slow
def test_a_file_that_the_disk_refuses(server: Hostile, tmp_path: Path) -> None:
    """When a body cannot be written the download stops; nothing blames the address."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from curator.collect.http.downloader import Wanted, download\n"
        "from curator.collect.http.client import FetchSettings\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "settings = FetchSettings(allow_private=True)\n"
        "list(download([Wanted(1, sys.argv[1])], Path(sys.argv[2]), settings, lambda: False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server.url("/good.jpg"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "FileError" in done.stderr.splitlines()[-1]
    assert "Free some space" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_many(server: Hostile, quick: FetchSettings, tmp_path: Path) -> None:
    """A longer list comes through whole, over few threads."""
    outcomes = by_path(server, [f"/number/{n}.jpg" for n in range(150)], tmp_path, quick)

    assert len(outcomes) == 150
    assert {None} == {outcome.reason for outcome in outcomes.values()}
    assert len({outcome.file for outcome in outcomes.values()}) == 150
