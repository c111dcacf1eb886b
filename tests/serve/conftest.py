"""A model of three digits that is served, and pictures to ask it about."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.serve.model import Model
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving import Serving


@pytest.fixture(scope="module")
def model(served_model: Path) -> Model:
    """Load it once for the services that run in this process."""
    return Model(served_model, threads=1)


@pytest.fixture(scope="module")
def service(served_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Serve by the command, for tests that only ask; private addresses are fetched."""
    work = tmp_path_factory.mktemp("service")
    shutil.copytree(served_model, work / "model")
    with serving(work / "model", work, "--allow-private") as started:
        yield started


@pytest.fixture(scope="session")
def digit() -> bytes:
    """Draw a picture that no class is like, as PNG."""
    return drawn(160)


def drawn(side: int) -> bytes:
    """Draw a chequered square, which takes time to decode but few bytes; ``side`` in pixels."""
    pixels = np.random.default_rng(7).integers(0, 255, (10, 10, 3), dtype=np.uint8)
    written = io.BytesIO()
    chequered = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
    chequered.save(written, "PNG", compress_level=1)
    return written.getvalue()
