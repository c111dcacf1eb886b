"""A project's features: computed once, mended when damaged, and the user is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from curator.encode import encoder as encoding
from curator.encode import project_features as stored
from curator.encode.backbones import EFFICIENTNET_LITE0, STRONGER, choose, choosing, describe
from curator.encode.project_features import ensure_features, feature_cache, ready, tiny_cache
from curator.encode.weights import WeightSource, on_disk
from curator.errors import JobCancelled, WeightsMissing
from curator.project import Project
from curator.store import images
from tests.encode.weight_server import serving_weights


class Steps:
    """Stands in for a job's progress: no database, the steps as they were begun."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.begun: list[tuple[str, int | None]] = []
        self.done = 0
        self.stop_after = stop_after

    def begin(self, message: str, total: int | None = None) -> None:
        """Note the step."""
        self.begun.append((message, total))

    def reach(self, done: int) -> None:
        """Note how far it is; stop the job there when told to."""
        self.done = done
        if self.stop_after is not None and done >= self.stop_after:
            raise JobCancelled("Cancelled.")

    def cancelled(self) -> bool:
        """Say no: a download asks through ``reach``."""
        return False


@pytest.fixture
def table(small: Project) -> Any:
    """The live images of the small project."""
    with small.database.read() as connection:
        return images.live(connection)


@pytest.mark.slow
def test_damage_is_mended_and_told(small, table, encoder, monkeypatch):
    """Altered rows, an altered index and an altered graph: right features, and a note for each."""
    monkeypatch.setitem(stored._encoders, choose(device="cpu"), encoder)
    choice, notes = choose(device="cpu"), []
    digests = table["sha256"].tolist()
    assert ensure_features(small, Steps(), choice, table, flip=True, notes=notes) == []
    assert notes == []
    before = feature_cache(small, EFFICIENTNET_LITE0).rows(digests)
    mirrored = feature_cache(small, EFFICIENTNET_LITE0, flip=True).rows(digests)
    assert before.shape == mirrored.shape == (30, 1280)
    assert np.abs(before - mirrored).max() > 0.1

    rows = feature_cache(small, EFFICIENTNET_LITE0).folder / "rows.bin"
    data = bytearray(rows.read_bytes())
    data[5000 * 4] ^= 64
    data[9000 * 4] ^= 64
    rows.write_bytes(data)
    tiny = tiny_cache(small).folder / "index.bin"
    tiny.write_bytes(b"\0" * 40)
    tiny_cache(small)  # another job opens the altered files first

    steps = Steps()
    ensure_features(small, steps, choice, table, flip=True, notes=notes)
    assert steps.begun == [("computing features on cpu", 30)]
    assert notes[0] == "2 stored features had been altered and were computed again."
    assert "started anew" in notes[1]
    assert len(notes) == 2
    np.testing.assert_allclose(
        feature_cache(small, EFFICIENTNET_LITE0).rows(digests), before, atol=1e-4
    )
    again = Steps()
    ensure_features(small, again, choice, table, flip=True, notes=notes)
    assert again.begun == []
    assert len(notes) == 2


@pytest.mark.slow
def test_an_altered_graph_is_told(small, table, graph_cache, encoder, monkeypatch):
    """The network's graph that was altered on disk is made again; the job's notes say so."""
    (graph,) = (graph_cache / "encoders").glob("*.onnx")
    whole = graph.read_bytes()
    monkeypatch.setattr(encoding, "export", lambda _backbone: whole)  # saves its seconds
    graph.write_bytes(whole[:-1])
    stored._encoders.clear()
    notes: list[str] = []
    ensure_features(small, Steps(), choose(device="cpu"), table, notes=notes)
    assert len(notes) == 1
    assert "made again from the weights" in notes[0]


def tiny_source(server: Any) -> WeightSource:
    """A weight file of 3 MB on the server."""
    data = save({"weight": np.zeros(750_000, np.float32)})
    return server.source("timm-any.safetensors", data, name="any")


def test_a_download_is_a_step_of_the_job(tmp_path, monkeypatch):
    """Megabytes of megabytes, and a cancelled job stops in its middle."""
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    with serving_weights() as server:
        backbone = replace(EFFICIENTNET_LITE0, bundled=False, source=tiny_source(server))
        with pytest.raises(JobCancelled):
            stored.fetch_as_step(Steps(stop_after=1), backbone, None)
        steps = Steps()
        stored.fetch_as_step(steps, backbone, None)
    assert steps.begun == [("downloading the weights of efficientnet_lite0 (MB)", 3)]
    assert steps.done == 3
    stored.fetch_as_step(steps, backbone, None)
    assert len(steps.begun) == 1


@pytest.mark.slow
def test_a_named_backbone_must_be_there(tmp_path, monkeypatch):
    """What the user asked for is never replaced by something else."""
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    monkeypatch.setenv("CURATOR_WEIGHTS_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(WeightsMissing, match=r"resnet18-f37072fd\.pth"):
        ready(Steps(), "resnet18", "cpu")
    assert ready(Steps(), None, "cpu").backbone == EFFICIENTNET_LITE0


@pytest.mark.slow
def test_a_gpu_fetches_the_stronger_network_or_says_why_not(tmp_path, monkeypatch):
    """Without a network the bundled one goes on and the reason is shown; with one it is fetched."""
    # Which device is there is all that is pretended; nothing runs on it.
    monkeypatch.setattr(choosing, "_choose_device", lambda _device: ("cuda", "found a GPU"))
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    monkeypatch.setenv("CURATOR_WEIGHTS_MIRROR", "http://127.0.0.1:9")
    offline = ready(Steps())
    assert offline.backbone == EFFICIENTNET_LITE0
    assert "could not be downloaded (http://127.0.0.1:9/convnext" in offline.reason
    assert "no connection to the server" in offline.reason
    with serving_weights() as server:
        stronger = replace(describe(STRONGER), source=tiny_source(server))
        for module in (choosing, stored):
            monkeypatch.setattr(
                module, "describe", lambda name: stronger if name == STRONGER else describe(name)
            )
        steps = Steps()
        online = ready(steps)
    assert online.backbone == stronger
    assert online.reason.endswith("weights on disk")
    assert steps.begun == [("downloading the weights of convnext_tiny (MB)", 3)]
    assert on_disk(stronger.source)
    assert Path(tmp_path, "weights").is_dir()
