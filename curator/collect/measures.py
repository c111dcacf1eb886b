"""Cheap measures of a decoded image: a perceptual hash and quality scores.

All are computed from a small version, so they cost a few milliseconds whatever the image's size.
Scores follow cleanvision's names and definitions: 0..1, low = suspicious. Which value counts as an
issue is decided by :mod:`curator.check`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter, ImageStat

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Long side in pixels at which blur is measured, so that large and small images compare.
_BLUR_SIDE = 256
_BLUR_FACTOR = 0.01
_ENTROPY_FACTOR = 0.1

_HASH_SIDE = 8
_HASH_SOURCE_SIDE = 32


def _dct_matrix(size: int, rows: int) -> NDArray[np.float64]:
    """Give the first ``rows`` basis vectors of the DCT-II: (rows, size)."""
    frequency = np.arange(rows)[:, None]
    position = np.arange(size)[None, :]
    basis: NDArray[np.float64] = np.cos(np.pi * frequency * (2 * position + 1) / (2 * size))
    return basis


_DCT = _dct_matrix(_HASH_SOURCE_SIDE, _HASH_SIDE)


def perceptual_hash(image: Image.Image) -> str:
    """64-bit DCT hash as 16 hex digits; near-duplicates differ in few bits.

    pHash (Zauner 2010): 32x32 grey, the 8x8 lowest frequencies of the DCT, each compared with
    their median; row by row, the first bit is the highest.
    """
    small = image.convert("L").resize(
        (_HASH_SOURCE_SIDE, _HASH_SOURCE_SIDE), Image.Resampling.LANCZOS
    )
    grey = np.asarray(small, dtype=np.float64)  # (32, 32)
    # Rounded: in a flat image rounding noise would otherwise decide the bits.
    low = np.round(_DCT @ grey @ _DCT.T, 3)  # (8, 8)
    bits = (low > np.median(low)).ravel()
    return np.packbits(bits).tobytes().hex()


def quality_scores(image: Image.Image, width: int, height: int) -> dict[str, float]:
    """Give the five scores of an RGB ``image``, each 0..1, low = suspicious.

    ``width`` and ``height`` are those of the full image; ``image`` may be a smaller version.

    - ``dark_score``: 99th percentile of brightness; low = even the brightest parts are dark.
    - ``light_score``: 1 - 5th percentile of brightness; low = even the darkest parts are bright.
    - ``low_information_score``: entropy of the grey levels in bits, times 0.1.
    - ``blurry_score``: 1 - exp(-0.01 var(edges)) at 256 pixels; low = few and faint edges.
    - ``odd_aspect_ratio_score``: short side / long side.
    """
    bright = _brightness(image)
    grey = image.convert("L")
    dark_level, light_level = np.percentile(bright, [5, 99])
    scores = {
        "dark_score": float(light_level),
        "light_score": 1.0 - float(dark_level),
        "low_information_score": float(grey.entropy()) * _ENTROPY_FACTOR,
        "blurry_score": _sharpness(grey),
        "odd_aspect_ratio_score": min(width, height) / max(width, height),
    }
    return {name: min(1.0, max(0.0, value)) for name, value in scores.items()}


def _brightness(image: Image.Image) -> NDArray[Any]:
    """Perceived brightness of each pixel, 0..1: (H, W). The weights are the HSP model's."""
    squares = np.asarray(image, dtype=np.float32) ** 2  # (H, W, 3)
    weights = np.array([0.241, 0.691, 0.068], dtype=np.float32)
    bright: NDArray[Any] = np.sqrt(squares @ weights) / 255.0
    return bright


def _sharpness(grey: Image.Image) -> float:
    scale = max(grey.size) / _BLUR_SIDE
    if scale > 1:
        grey = grey.resize((max(1, int(grey.width / scale)), max(1, int(grey.height / scale))))
    edges = grey.filter(ImageFilter.FIND_EDGES)
    if min(edges.size) > 2:
        # Pillow leaves the frame unfiltered; its plain grey would count as the sharpest of edges.
        edges = edges.crop((1, 1, edges.width - 1, edges.height - 1))
    return 1 - math.exp(-_BLUR_FACTOR * ImageStat.Stat(edges).var[0])
