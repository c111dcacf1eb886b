"""Random views of a batch: every image its own, all geometry as one interpolation, on the device.

The pictures come presized, larger than the network's input (fastai's presizing): crop, stretch,
turn and mirroring are composed into one affine map for each image, so pixels are interpolated
once; brightness and contrast follow in the same pass. The map of :func:`identity` is the centre
crop that predictions use, pixel by pixel. Numbers are drawn on the CPU from a seeded numpy
generator, so that every device gets the same views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from curator.learn.finetune.settings import EngineSettings

# How often a view is turned, and its lighting changed; the rest keeps the picture's own.
_SHARE = 0.75


@dataclass(frozen=True)
class Views:
    """How each of N pictures is looked at; all float32."""

    maps: NDArray[np.float32]
    """(N, 2, 3): from the view's coordinates to the picture's, both -1..1 from edge to edge."""
    contrast: NDArray[np.float32]
    """(N,): factor of the distance from middle grey; 1 changes nothing."""
    brightness: NDArray[np.float32]
    """(N,): added to values of 0..1; 0 changes nothing."""


def draw(random: np.random.Generator, count: int, settings: EngineSettings, part: float) -> Views:
    """Random views of ``count`` pictures.

    ``part``: side of the centre crop over that of the picture, above 0, at most 1. A view's area
    lies between ``min_scale`` of the centre crop's and the whole picture, so that things look as
    large as in predictions on average.
    """
    area = random.uniform(settings.min_scale * part**2, 1, count)
    stretch = np.exp(random.uniform(-1, 1, count) * np.log(settings.stretch))
    width = np.minimum(np.sqrt(area * stretch), 1)
    height = np.minimum(np.sqrt(area / stretch), 1)
    centre = random.uniform(-1, 1, (2, count)) * (1 - np.stack([width, height]))
    turned = random.random(count) < _SHARE
    angle = np.deg2rad(random.uniform(-settings.rotate, settings.rotate, count)) * turned
    mirrored = random.random(count) < (0 if settings.flip is False else 0.5)
    cosine, sine = np.cos(angle), np.sin(angle)
    across = np.where(mirrored, -width, width)
    maps = np.stack(
        [
            np.stack([cosine * across, -sine * height, centre[0]], axis=1),
            np.stack([sine * across, cosine * height, centre[1]], axis=1),
        ],
        axis=1,
    )
    # Contrast is even on a scale of factors: half is as far from one as double.
    lit = random.random((2, count)) < _SHARE
    contrast = np.exp(random.uniform(-1, 1, count) * -np.log1p(-settings.lighting) * lit[0])
    brightness = random.uniform(-settings.lighting, settings.lighting, count) / 2 * lit[1]
    return Views(
        maps.astype(np.float32), contrast.astype(np.float32), brightness.astype(np.float32)
    )


def identity(count: int, part: float, *, mirrored: bool = False) -> Views:
    """The centre crop of ``count`` pictures, left to right swapped when ``mirrored``."""
    one = np.array([[-part if mirrored else part, 0, 0], [0, part, 0]], np.float32)
    return Views(
        np.tile(one, (count, 1, 1)), np.ones(count, np.float32), np.zeros(count, np.float32)
    )


def apply(pixels: torch.Tensor, views: Views, size: int) -> torch.Tensor:
    """Look at ``pixels`` uint8 (N, 3, S, S) as ``views`` say: float32 (N, 3, size, size), 0..1.

    Beyond the picture's edge its mirror image goes on.
    """
    from torch.nn import functional

    device = pixels.device
    maps, contrast, brightness = (
        _moved(values, device) for values in (views.maps, views.contrast, views.brightness)
    )
    count = len(pixels)
    grid = functional.affine_grid(maps, [count, 3, size, size], align_corners=False)
    seen = functional.grid_sample(
        pixels.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    factor = (contrast / 255).reshape(-1, 1, 1, 1)
    shift = (0.5 - 0.5 * contrast + brightness).reshape(-1, 1, 1, 1)
    return seen.mul_(factor).add_(shift).clamp_(0, 1)


def mix(
    random: np.random.Generator, count: int, alpha: float
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Partners (N,) and each image's own share (N,), 0.5..1: mixup, Zhang et al. (2018).

    As in fastai the larger share is the image's own, so that no two mixtures of a batch are alike.
    """
    share = random.beta(alpha, alpha, count)
    return random.permutation(count), np.maximum(share, 1 - share).astype(np.float32)


def _moved(values: NDArray[np.float32], device: torch.device) -> torch.Tensor:
    import torch

    tensor = torch.from_numpy(values)
    return tensor if device.type == "cpu" else tensor.to(device, non_blocking=True)
