"""Weight files: from a real server on the loopback, under kills, lies and two processes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from curator.encode import downloading, weights
from curator.encode.weights import fetch, on_disk, stored_path, stored_weights, weights_folder
from curator.errors import FileError, JobCancelled, WeightsAltered, WeightsMissing
from tests.encode.weight_server import serving_weights, state_dict_bytes

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHER = """
import sys
from curator.encode.weights import WeightSource, fetch
name, file, address, sha256, size = sys.argv[1:]
print(fetch(WeightSource(name, file, address, sha256, int(size)), lambda done, total:
    print(done, total, flush=True)))
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloading, "_PAUSE_SECONDS", 0.0)


@pytest.fixture(scope="session")
def pickled(tmp_path_factory):
    """A state dict of 800 kB as torch saves it."""
    return state_dict_bytes(tmp_path_factory.mktemp("weights"), 200_000)


@pytest.fixture
def server():
    """Serve weight files."""
    with serving_weights() as running:
        yield running


def start_fetch(source) -> subprocess.Popen[str]:
    """Fetch in a process of its own, which prints its progress and then the file."""
    arguments = [source.name, source.file, source.address, source.sha256, str(source.size)]
    return subprocess.Popen(
        [sys.executable, "-c", FETCHER, *arguments],
        cwd=REPOSITORY,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_file_is_fetched_once(server, pickled):
    """The tensors arrive as safetensors with their record; the second call asks nobody."""
    source = server.source("tiny-1.pth", pickled)
    seen: list[tuple[int, int]] = []
    assert not on_disk(source)
    path = fetch(source, lambda done, total: seen.append((done, total)))
    assert path.suffix == ".safetensors"
    np.testing.assert_array_equal(load_file(path)["weight"], np.arange(200_000, dtype=np.float32))
    assert seen[0] == (0, len(pickled))
    assert seen[-1] == (len(pickled), len(pickled))
    assert fetch(source) == stored_weights(source) == path
    assert on_disk(source)
    assert len(server.sent) == 1
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["source_sha256"] == hashlib.sha256(pickled).hexdigest()
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    left = sorted(item.suffix for item in weights_folder().iterdir() if item.suffix != ".lock")
    assert left == [".json", ".safetensors"]


def test_a_safetensors_file_is_kept_as_it_is(server):
    """The hub's files are stored byte for byte."""
    data = save({"weight": np.arange(5, dtype=np.float32)})
    source = server.source("timm-tiny.safetensors", data)
    assert fetch(source).read_bytes() == data


@pytest.mark.parametrize("behaviour", ["breaks off once", "busy once"])
def test_a_broken_connection_is_taken_up_again(server, pickled, behaviour):
    """After half the file, or a busy server, the download goes on where it was."""
    source = server.source("tiny-1.pth", pickled)
    server.behaviour = behaviour
    fetch(source)
    starts = [start for _, start in server.sent]
    assert starts[0] == 0
    assert starts[1:] == (starts[-1:] if behaviour == "breaks off once" else [])
    assert behaviour == "busy once" or len(pickled) / 4 < starts[-1] <= len(pickled) / 2


@pytest.mark.parametrize("behaviour", ["honest", "ignores ranges"])
def test_a_part_is_gone_on_with(server, pickled, behaviour):
    """The part that a killed process left is used, or replaced where the server sends all."""
    source = server.source("tiny-1.pth", pickled)
    server.behaviour = behaviour
    weights_folder().mkdir(parents=True)
    (weights_folder() / "tiny-1.pth.part").write_bytes(pickled[:1000])
    fetch(source)
    assert [start for _, start in server.sent] == [1000 if behaviour == "honest" else 0]


@pytest.mark.parametrize("left", ["another version", "whole", "too long"])
def test_any_part_ends_well(server, pickled, left):
    """A part of another file, a whole one and one that is too long all give the right file."""
    source = server.source("tiny-1.pth", pickled)
    weights_folder().mkdir(parents=True)
    part = {"another version": b"x" * 1000, "whole": pickled, "too long": pickled + b"x"}[left]
    (weights_folder() / "tiny-1.pth.part").write_bytes(part)
    assert load_file(fetch(source))["bias"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("404", "status 404"),
        ("503", "status 503"),
        ("html", "web page instead of the file"),
        ("breaks off", "broke off"),
        ("endless", "longer than"),
    ],
)
def test_a_bad_answer_is_named(server, pickled, behaviour, words):
    """Each is a WeightsMissing with the file, its address and the folder; nothing counts as it."""
    source = server.source("tiny-1.pth", pickled)
    server.behaviour = behaviour
    with pytest.raises(WeightsMissing, match=words) as caught:
        fetch(source)
    for said in (source.address, source.file, str(weights_folder())):
        assert said in str(caught.value)
    assert not on_disk(source)
    with pytest.raises(WeightsMissing):
        stored_weights(source)


def test_a_silent_server_is_given_up(server, pickled, monkeypatch):
    """A connection without a byte ends after the time it is given, three times."""
    source = server.source("tiny-1.pth", pickled)
    server.behaviour = "stalls"
    impatient = functools.partial(downloading.download, stalled_seconds=0.1)
    monkeypatch.setattr(downloading, "download", impatient)
    with pytest.raises(WeightsMissing, match="did not answer in time"):
        fetch(source)
    assert len(server.sent) == downloading.TRIES


def test_nobody_there(pickled, tmp_path):
    """Without a connection the error comes at once and says where the file may be put."""
    source = weights.WeightSource("tiny", "t-1.pth", "http://127.0.0.1:9/t-1.pth", "1", 9)
    with pytest.raises(WeightsMissing, match=r"no connection.*put it into .*weights as t-1\.pth"):
        fetch(source)


def test_an_altered_file_is_thrown_away(server, pickled):
    """Bytes that do not have the expected hash are refused and not kept."""
    first_digits = hashlib.sha256(pickled).hexdigest()[:8]
    forged = first_digits + 56 * "0"  # 32 bits can be met by trying; all of them cannot
    source = server.source("tiny-1.pth", pickled, sha256=forged)
    with pytest.raises(WeightsAltered, match=f"not {forged}"):
        fetch(source)
    assert not on_disk(source)
    assert not list(weights_folder().glob("*.part"))


def test_a_file_that_is_no_state_dict(server):
    """The right hash of a file that torch cannot read is a named error, and no code runs."""
    source = server.source("tiny-1.pth", b"nonsense" * 100)
    with pytest.raises(WeightsAltered, match="no weights that torch can read"):
        fetch(source)
    torn = server.source("timm-tiny.safetensors", save({"w": np.ones(9, np.float32)})[:-1])
    with pytest.raises(WeightsAltered, match="no whole safetensors file"):
        fetch(torn)


@pytest.mark.parametrize("known", [True, False])
def test_a_file_put_there_by_hand(server, pickled, known):
    """Off-line, the file under its name in the folder is all that is needed; it stays there."""
    by_hand = weights_folder() / "tiny-1.pth"
    by_hand.parent.mkdir(parents=True)
    by_hand.write_bytes(pickled)
    sha256 = hashlib.sha256(pickled).hexdigest() if known else ""
    source = weights.WeightSource("tiny", by_hand.name, "http://127.0.0.1:9/", sha256, 0)
    assert weights.put_by_hand(source)
    assert load_file(fetch(source))["bias"].tolist() == [1, 1, 1]
    assert weights.recorded_sha256(source) == hashlib.sha256(pickled).hexdigest()
    assert by_hand.read_bytes() == pickled


def test_half_a_file_put_there_by_hand(server, pickled):
    """A file whose copy was cut off is refused by its name, whatever the network."""
    source = server.source("tiny-1.pth", pickled)
    weights_folder().mkdir(parents=True)
    (weights_folder() / "tiny-1.pth").write_bytes(pickled[:-1])
    with pytest.raises(WeightsAltered, match=r"tiny-1\.pth has SHA-256 .* incomplete"):
        fetch(source)
    assert server.sent == []


def test_altered_on_disk(server, pickled):
    """One flipped bit on disk: loading refuses it, fetching replaces it and says so."""
    source = server.source("tiny-1.pth", pickled)
    path = fetch(source)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsAltered, match="was altered"):
        stored_weights(source)
    notes: list[str] = []
    fetch(source, note=notes.append)
    assert [note for note in notes if "fetched again" in note] == notes != []
    assert load_file(stored_weights(source))["bias"].tolist() == [1, 1, 1]
    stored_path(source).with_suffix(".json").write_text("[]")
    assert not on_disk(source)
    fetch(source)
    assert on_disk(source)


@pytest.mark.parametrize("left", ["altered", "deleted"])
def test_the_first_download_is_pinned(server, left):
    """Without a hash known beforehand, no other file is taken later, until the record goes."""
    first, other = (save({"w": np.full(9, value, np.float32)}) for value in (1, 2))
    source = server.source("timm-tiny.safetensors", first, sha256="")
    path = fetch(source)
    sha256 = hashlib.sha256(first).hexdigest()
    server.files["/timm-tiny.safetensors"] = other
    if left == "altered":
        path.write_bytes(other)
    else:
        path.unlink()
    pinned = replace(source, sha256=str(weights.recorded_sha256(source)))
    assert pinned.sha256 == sha256
    for _ in range(2):  # being refused once does not forget the hash
        with pytest.raises(WeightsAltered, match=rf"not {sha256}.*delete .*timm-tiny\.json"):
            fetch(pinned)
        assert weights.recorded_sha256(source) == sha256
        assert not on_disk(source)
    path.with_suffix(".json").unlink()
    assert fetch(source).read_bytes() == other


def test_cancelling_keeps_the_part(server, pickled):
    """What progress raises ends the download; the next one goes on."""
    source = server.source("tiny-1.pth", pickled)

    def cancel(done: int, _total: int) -> None:
        if done:
            raise JobCancelled("Cancelled.")

    with pytest.raises(JobCancelled):
        fetch(source, cancel)
    fetch(source)
    assert server.sent[1][1] > 0


def test_a_folder_that_cannot_be_used(tmp_path, monkeypatch, server, pickled):
    """A cache folder that is a file is a FileError that names the variable to set."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileError, match="CURATOR_CACHE"):
        fetch(server.source("tiny-1.pth", pickled))


@pytest.mark.slow
def test_a_kill_costs_only_what_was_on_the_way(server, tmp_path):
    """Killed in the middle of the download, the next process goes on behind what was there."""
    data = state_dict_bytes(tmp_path, 1_000_000)
    source = server.source("tiny-1.pth", data)
    server.behaviour = "slow"
    child = start_fetch(source)
    assert child.stdout is not None
    while int(child.stdout.readline().split()[0]) < 600_000:
        pass
    child.kill()
    child.communicate()
    assert not on_disk(source)
    server.behaviour = "honest"
    fetch(source)
    assert [start for _, start in server.sent][-1] >= 500_000
    assert load_file(stored_weights(source))["bias"].tolist() == [1, 1, 1]


@pytest.mark.slow
def test_two_processes_fetch_once(server, tmp_path):
    """The second waits, shows how far the first is, and takes its file."""
    source = server.source("tiny-1.pth", state_dict_bytes(tmp_path, 500_000))
    server.behaviour = "slow"
    children = [start_fetch(source) for _ in range(2)]
    said = [child.communicate(timeout=60)[0].splitlines() for child in children]
    assert [lines[-1] for lines in said] == [str(stored_path(source))] * 2
    assert len(server.sent) == 1


def test_a_waiting_process_can_be_cancelled(server, pickled, monkeypatch):
    """While another holds the lock, progress is asked, so that a job can be stopped."""
    from filelock import FileLock

    monkeypatch.setattr(weights, "LOCK_SECONDS", 0.01)
    source = server.source("tiny-1.pth", pickled)
    weights_folder().mkdir(parents=True)
    began = time.monotonic()

    def stop(_done: int, _total: int) -> None:
        raise JobCancelled("Cancelled.")

    with FileLock(stored_path(source).with_suffix(".lock")), pytest.raises(JobCancelled):
        fetch(source, stop)
    assert time.monotonic() - began < 30
