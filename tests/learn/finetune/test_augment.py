"""Random views: one interpolation, each image its own, and nothing changed where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.learn.finetune import augment
from curator.learn.finetune.settings import EngineSettings

STILL = {"min_scale": 1.0, "stretch": 1.0, "flip": False, "rotate": 0.0, "lighting": 0.0}


def pictures(count: int = 4, side: int = 64, seed: int = 0) -> torch.Tensor:
    """Random pixels, uint8 (count, 3, side, side)."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(0, 256, (count, 3, side, side), dtype=np.uint8))


@pytest.mark.parametrize("size", [56, 48, 64])
def test_the_identity_is_the_centre_crop(size: int) -> None:
    """What predictions see is cut out, not interpolated: equal to 1e-5 of 0..1."""
    whole = pictures()
    margin = (64 - size) // 2
    crop = whole[:, :, margin : margin + size, margin : margin + size].float() / 255
    seen = augment.apply(whole, augment.identity(4, size / 64), size)
    torch.testing.assert_close(seen, crop, atol=1e-5, rtol=0)
    mirrored = augment.apply(whole, augment.identity(4, size / 64, mirrored=True), size)
    torch.testing.assert_close(mirrored, crop.flip(3), atol=1e-5, rtol=0)


def test_settings_that_change_nothing_show_the_whole_picture() -> None:
    """Without crop, turn, mirroring and lighting, a view of the same size is the picture."""
    whole = pictures()
    views = augment.draw(np.random.default_rng(1), 4, EngineSettings(**STILL), 1.0)
    seen = augment.apply(whole, views, 64)
    torch.testing.assert_close(seen, whole.float() / 255, atol=1e-5, rtol=0)


def test_each_image_gets_its_own_view() -> None:
    """Four copies of one picture become four different views."""
    same = pictures(1).repeat(4, 1, 1, 1)
    seen = augment.apply(
        same, augment.draw(np.random.default_rng(1), 4, EngineSettings(), 0.875), 56
    )
    for first in range(4):
        for second in range(first):
            assert float((seen[first] - seen[second]).abs().mean()) > 0.01


def test_equal_seeds_give_equal_views() -> None:
    """A batch can be drawn again, and another seed gives another one."""
    first, second, other = (
        augment.apply(
            pictures(), augment.draw(np.random.default_rng(seed), 4, EngineSettings(), 0.875), 56
        )
        for seed in (7, 7, 8)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    min_scale=st.floats(0.05, 1),
    stretch=st.floats(1, 4),
    rotate=st.floats(0, 180),
    lighting=st.floats(0, 0.99),
)
def test_views_stay_in_range(
    seed: int, min_scale: float, stretch: float, rotate: float, lighting: float
) -> None:
    """Pixels stay in 0..1, and without a turn no view looks beyond the picture's edge."""
    chosen = EngineSettings(min_scale=min_scale, stretch=stretch, rotate=rotate, lighting=lighting)
    views = augment.draw(np.random.default_rng(seed), 8, chosen, 0.75)
    seen = augment.apply(pictures(8, 16), views, 12)
    assert seen.dtype == torch.float32
    assert float(seen.min()) >= 0
    assert float(seen.max()) <= 1
    straight = augment.draw(
        np.random.default_rng(seed), 8, EngineSettings(min_scale=min_scale, rotate=0), 0.75
    )
    corners = np.array([[-1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, 1, 1]], np.float32)
    assert np.abs(straight.maps @ corners).max() <= 1 + 1e-5


def test_the_least_scale_is_kept() -> None:
    """The area of a view lies between min_scale of the centre crop's and the whole picture."""
    views = augment.draw(np.random.default_rng(3), 5000, EngineSettings(min_scale=0.6), 1.0)
    area = np.abs(np.linalg.det(views.maps[:, :, :2]))
    # A long view of a large area does not fit into the square and loses its ends.
    assert area.min() > 0.6 * 0.75
    assert area.max() <= 1 + 1e-5
    assert np.median(area) > 0.7
    cropped = augment.draw(np.random.default_rng(3), 5000, EngineSettings(stretch=1), 0.8)
    sides = np.sqrt(np.abs(np.linalg.det(cropped.maps[:, :, :2])))
    assert sides.min() >= 0.8 * 0.75**0.5 - 1e-5
    assert np.median(sides) == pytest.approx(0.86, abs=0.01)


def test_half_of_the_views_are_mirrored() -> None:
    """Mirroring happens as often as not, and never when it is off."""
    random = np.random.default_rng(3)
    on = augment.draw(random, 4000, EngineSettings(rotate=0), 1.0).maps[:, 0, 0] < 0
    off = augment.draw(random, 4000, EngineSettings(rotate=0, flip=False), 1.0).maps[:, 0, 0] < 0
    assert 0.45 < on.mean() < 0.55
    assert not off.any()


def test_mixup_keeps_the_larger_part() -> None:
    """Every image stays at least half of its mixture, and partners are a permutation."""
    partner, share = augment.mix(np.random.default_rng(0), 100, 0.4)
    assert sorted(partner.tolist()) == list(range(100))
    assert share.min() >= 0.5
    assert share.max() <= 1
