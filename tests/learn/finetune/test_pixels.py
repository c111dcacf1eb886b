"""Squares on disk: what training sees is what predictions see, and a margin around it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from curator.encode.backbones import DEFAULT, describe
from curator.encode.preprocess import prepare_image
from curator.errors import DataError, JobCancelled
from curator.hashing import sha256_of
from curator.imaging.decoding import decode
from curator.learn.finetune import augment
from curator.learn.finetune.pixels import StoredPixels, ensure_pixels, pixel_cache, square_side

BACKBONE = describe(DEFAULT)
# (size, crop): the bundled one; torchvision's resize of 232; no margin; odd margins.
FRAMES = [(224, 0.875), (224, 224 / 232), (64, 1.0), (224, 0.9), (288, 0.95), (64, 64 / 71)]


def write_pictures(folder: Path) -> list[tuple[str, Path]]:
    """Pictures of many shapes: even and odd sides, small, long."""
    random = np.random.default_rng(0)
    files = []
    for width, height in [(256, 256), (301, 257), (257, 400), (90, 61), (1200, 40), (255, 511)]:
        path = folder / f"{width}x{height}.png"
        noise = random.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(path)
        files.append(path)
    return [(sha256_of(path), path) for path in files]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "crop"), FRAMES)
def test_the_centre_is_what_a_prediction_sees(size: int, crop: float, tmp_path: Path) -> None:
    """For every shape of picture and every margin, the middle of the square is the crop exactly."""
    backbone = dataclasses.replace(BACKBONE, size=size, crop=crop)
    items = write_pictures(tmp_path)
    cache = pixel_cache(tmp_path / "cache", backbone)
    assert ensure_pixels(items, cache, backbone) == []
    stored = StoredPixels(cache, [digest for digest, _ in items], backbone)
    margin = (stored.side - size) // 2
    assert (stored.side - size) % 4 == 0
    assert stored.side <= backbone.resize
    squares = stored.read(np.arange(len(items)))
    for (_, path), square in zip(items, squares, strict=True):
        expected = prepare_image(decode(path, at_least=backbone.resize), backbone)
        middle = square[:, margin : margin + size, margin : margin + size]
        np.testing.assert_array_equal(middle, expected, err_msg=path.name)
        views = augment.identity(1, size / stored.side)
        seen = augment.apply(torch.from_numpy(square[None]), views, size) * 255
        np.testing.assert_allclose(seen[0].numpy(), expected, atol=0.05)


def test_bears_at_256_px(bears: list[tuple[str, Path]], tmp_path: Path) -> None:
    """Real photographs take 197 kB each, are decoded once, and are found in any order."""
    some = bears[::60]
    cache = pixel_cache(tmp_path, BACKBONE)
    done: list[int] = []
    assert ensure_pixels(some, cache, BACKBONE, done.append) == []
    assert done[-1] == len(some)
    assert square_side(BACKBONE) == 256
    assert (cache.folder / "rows.bin").stat().st_size == len(some) * 3 * 256 * 256
    done.clear()
    ensure_pixels(some, pixel_cache(tmp_path, BACKBONE), BACKBONE, done.append)
    assert done == [len(some)]
    stored = StoredPixels(cache, [digest for digest, _ in some], BACKBONE)
    rows = np.array([5, 0, 5])
    np.testing.assert_array_equal(stored.read(rows)[1], stored.read(np.array([0]))[0])
    other = StoredPixels(cache, [digest for digest, _ in some[::-1]], BACKBONE)
    assert stored.identity != other.identity


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    """The others go on; asking for a picture that is not there is an error of its own."""
    items = write_pictures(tmp_path)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    items.insert(1, (sha256_of(broken), broken))
    items.append(("0" * 64, tmp_path / "missing.png"))
    backbone = dataclasses.replace(BACKBONE, size=32)
    cache = pixel_cache(tmp_path / "cache", backbone)
    failed = ensure_pixels(items, cache, backbone)
    assert [digest for digest, _ in failed] == [items[1][0], "0" * 64]
    assert "broken.png" in failed[0][1]
    assert len(cache) == 6
    stored = StoredPixels(cache, [digest for digest, _ in items], backbone)
    with pytest.raises(DataError, match="no features yet"):
        stored.read(np.array([1]))


def test_cancel_keeps_what_was_decoded(tmp_path: Path) -> None:
    """Cancel is asked before each write; nothing is decoded twice afterwards."""
    items = write_pictures(tmp_path)
    backbone = dataclasses.replace(BACKBONE, size=32)
    cache = pixel_cache(tmp_path / "cache", backbone)
    with pytest.raises(JobCancelled, match="0 of 6"):
        ensure_pixels(items, cache, backbone, cancelled=lambda: True)
    assert ensure_pixels(items, cache, backbone) == []
    assert ensure_pixels(items, cache, backbone, cancelled=lambda: True) == []
