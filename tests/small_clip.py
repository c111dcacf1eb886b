"""A network for words that is small and knows nothing: open_clip's own code, random weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import save

from curator.encode import torchvision_compat
from curator.encode import words as reading
from curator.encode.backbones import clip
from tests.encode.weight_server import WeightServer, serving_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.encode.backbones import Backbone

SIDE = 32
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 32,
        "heads": 2,
        "layers": 2,
    },
}


@dataclass(frozen=True)
class SmallClip:
    """The network, its description, and the server of its weights."""

    network: Any
    backbone: Backbone
    server: WeightServer


@pytest.fixture(scope="session")
def clip_graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that keeps the network's graph, which is exported in seconds, for all."""
    return tmp_path_factory.mktemp("clip")


@pytest.fixture
def small_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip_graphs: Path
) -> Iterator[SmallClip]:
    """Put the small network in the place of the real one; it is not on disk yet."""
    torchvision_compat.prepare()
    import open_clip
    import torch

    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
    graphs = tmp_path / "cache" / "encoders"
    shutil.copytree(clip_graphs, graphs)
    config = tmp_path / "tiny-words.json"
    config.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    network = open_clip.CLIP(**open_clip.get_model_config("tiny-words")).eval()
    data = save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    real = clip.words_network()
    with serving_weights() as server:
        source = server.source("tiny.safetensors", data, name=real.name, replaceable=False)
        small = replace(
            real,
            key=f"tiny-words-{source.sha256[:12]}",
            architecture="tiny-words",
            dimension=CONFIG["embed_dim"],
            size=SIDE,
            source=source,
        )
        monkeypatch.setattr(clip, "words_network", lambda: small)
        reading._reader.cache_clear()
        yield SmallClip(network, small, server)
    shutil.copytree(graphs, clip_graphs, dirs_exist_ok=True)
    reading._reader.cache_clear()
