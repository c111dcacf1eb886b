"""Fixtures with real weights and real photographs, for the conftest of a folder to import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from curator.encode.backbones import choose
from curator.encode.encoder import Encoder
from curator.encode.preprocess import prepare_image
from curator.hashing import sha256_of


@pytest.fixture(autouse=True)
def _own_cache(graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURATOR_CACHE", str(graph_cache))


@pytest.fixture(scope="session")
def encoder(graph_cache: Path) -> Encoder:
    """The bundled backbone on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATOR_CACHE", str(graph_cache))
        return Encoder(choose(device="cpu"))


@pytest.fixture(scope="session")
def bears(bears: Path) -> list[tuple[str, Path]]:
    """(SHA-256, file) of the 480 bears, in folder order."""
    files = [
        file
        for name in ("black", "grizzly", "teddys")
        for file in sorted((bears / name).glob("*.jpg"))
    ]
    return [(sha256_of(file), file) for file in files]


@pytest.fixture(scope="session")
def digits(encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, 1280) and labels (N,) of scikit-learn's 3, 5 and 8, drawn at 160 px."""
    data = load_digits()
    chosen = np.isin(data.target, (3, 5, 8))
    images = [
        Image.fromarray((pixels * 255 / 16).astype(np.uint8))
        .resize((160, 160), Image.Resampling.BICUBIC)
        .convert("RGB")
        for pixels in data.images[chosen]
    ]
    batch = np.stack([prepare_image(image, encoder.backbone) for image in images])
    return encoder.encode(batch), np.searchsorted((3, 5, 8), data.target[chosen])
