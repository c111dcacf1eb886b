"""Pixels of every mode that Pillow decodes to, as 8-bit RGB.

Works in strips: the intermediate forms of a large image would take gigabytes. What may be decoded
at all is for :mod:`curator.imaging.decoding`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_STRIP = 1_000_000  # pixels converted at a time

_WHITE = (255, 255, 255)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB, in a new image: alpha over white, grey of 16 or 32 bits scaled."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    span = _span(image)
    result = Image.new("RGB", image.size, _WHITE)
    for top, strip in _strips(image):
        if span is not None:
            result.paste(_deep_to_rgb(strip, *span), (0, top))
        elif strip.has_transparency_data:
            with_alpha = strip.convert("RGBA")
            result.paste(with_alpha, (0, top), with_alpha)
        else:
            result.paste(strip.convert("RGB"), (0, top))
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Cut the image into strips of whole rows; give the top of each with its pixels."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _span(image: Image.Image) -> tuple[float, float] | None:
    """Values that become black and white in an image of more than 8 bits; None for any other."""
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    if image.mode not in {"I", "F"}:
        return None
    low, high = math.inf, -math.inf
    for _, strip in _strips(image):
        values = _values(strip)
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low < 0 or high > (65535 if image.mode == "I" else 255):
        return low, high
    if high > 255:
        return 0.0, 65535.0
    return 0.0, (1.0 if image.mode == "F" and high <= 1 else 255.0)


def _deep_to_rgb(strip: Image.Image, low: float, high: float) -> Image.Image:
    """Scale grey levels: Pillow's own conversion would clip them. What is no number is black."""
    scaled = (_values(strip) - low) * 255.0 / ((high - low) or 1.0)
    clipped = np.clip(np.nan_to_num(scaled, posinf=255.0), 0, 255)
    return Image.fromarray(clipped.astype(np.uint8)).convert("RGB")


def _values(strip: Image.Image) -> NDArray[Any]:
    """Grey levels: (H, W) float64, wide enough for differences of any of them."""
    return np.asarray(strip).astype(np.float64)
