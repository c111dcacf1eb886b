"""`curator backbones`: the registry on one screen, and what of it is on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save

from curator.encode.backbones import DEFAULT, REGISTRY, registry, words_network
from tests.encode.weight_server import serving_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Curator


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))


def test_every_backbone_is_listed(curator: Curator, tmp_path: Path) -> None:
    """Each line has features, pixels, megabytes and licence; the bundled one alone is on disk."""
    rows = curator("backbones", "--json").json
    assert [row["backbone"] for row in rows] == [*REGISTRY, words_network().name]
    assert [row["backbone"] for row in rows if row["on_disk"]] == [DEFAULT]
    assert rows[1] == {
        "backbone": "resnet18",
        "features": 512,
        "pixels": 224,
        "download_mb": 46.8,
        "licence": "BSD-3-Clause",
        "on_disk": False,
    }
    said = curator("backbones").out
    for name in REGISTRY:
        assert name in said
    assert "timm:NAME" in said
    assert "clip_vit_b_32 serves `curator find` alone" in said
    assert str(tmp_path / "weights") in said


def test_fetched_weights_are_seen(curator: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a download the backbone is on disk; a file of the wrong size there is not."""
    data = save({"weight": np.zeros(3, np.float32)})
    with serving_weights() as server:
        source = server.source("resnet18-f37072fd.safetensors", data)
        known = registry.describe("resnet18")
        registry.weights.fetch(source)
    record = registry.weights.stored_path(source).with_suffix(".json")
    assert known.source is not None
    written = json.loads(record.read_text()) | {"source_sha256": known.source.sha256}
    record.write_text(json.dumps(written))
    listed = {row["backbone"]: row["on_disk"] for row in curator("backbones", "--json").json}
    assert listed["resnet18"]
    registry.weights.stored_path(source).write_bytes(b"")
    listed = {row["backbone"]: row["on_disk"] for row in curator("backbones", "--json").json}
    assert not listed["resnet18"]
