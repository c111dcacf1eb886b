"""Cheap measures of a decoded image: a perceptual hash, quality scores and sharpness.

They are computed from the small version (long side of at most 256 pixels) that verification makes
of every image anyway, so they cost under a millisecond whatever the image's size. The scores have
the names, the direction (0..1, low = suspicious) and the formulas of cleanvision 0.3, so that its
thresholds hold; ``benchmarks/quality.py`` shows how closely the small version gives what the full
image gives there. Which value counts as an issue, and the size compared with the other images of
the collection, is for :mod:`curator.check.quality`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Version of the formulas below, stored with each image: where it differs, what is stored is old.
MEASURES_VERSION = 1

_HASH_SIDE = 8
_HASH_SOURCE_SIDE = 32

# Weights of red, green and blue in the squared brightness of the HSP colour model.
_BRIGHTNESS = np.array([0.241, 0.691, 0.068], dtype=np.float32)
_DARK_SHARE, _LIGHT_SHARE = 0.99, 0.05  # percentiles of brightness that decide
# Of larger images every fifth pixel is looked at: enough for percentiles, and, unlike every second
# or fourth, not in step with the patterns of dithered pictures.
_ENOUGH_PIXELS, _STEP = 1 << 14, 5
_GREY_ROUNDING = 1  # levels by which lossy WebP sets the channels of a grey picture apart

_ENTROPY_FACTOR = 0.1
# Long side in pixels at which blur is judged; smaller images are judged as they are.
_BLUR_SIDE = 64
_BLUR_FACTOR = 0.01
_FEW_LEVELS = 0.18  # a smaller score for few grey levels counts as none
# Long side in pixels at which sharpness is measured; smaller images are enlarged, which adds no
# detail, so that the small copy of a picture does not pass for the sharper one.
_SHARPNESS_SIDE = 256


def _dct_matrix(size: int, rows: int) -> NDArray[np.float64]:
    """Give the first ``rows`` basis vectors of the DCT-II: (rows, size)."""
    frequency = np.arange(rows)[:, None]
    position = np.arange(size)[None, :]
    basis: NDArray[np.float64] = np.cos(np.pi * frequency * (2 * position + 1) / (2 * size))
    return basis


_DCT = _dct_matrix(_HASH_SOURCE_SIDE, _HASH_SIDE)


def measure(image: Image.Image, width: int, height: int) -> tuple[str, dict[str, float]]:
    """Give :func:`perceptual_hash` and :func:`quality_scores` of an RGB ``image`` in one go."""
    grey = image.convert("L")
    return perceptual_hash(grey), _scores(image, grey, width, height)


def perceptual_hash(image: Image.Image) -> str:
    """64-bit DCT hash as 16 hex digits; near-duplicates differ in few bits.

    pHash (Zauner 2010): 32x32 grey (means of areas), the 8x8 lowest frequencies of the DCT, each
    compared with their median; row by row, the first bit is the highest.
    """
    small = image.convert("L").resize((_HASH_SOURCE_SIDE, _HASH_SOURCE_SIDE), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float64)  # (32, 32)
    # Rounded: in a flat image rounding noise would otherwise decide the bits.
    low = (_DCT @ grey @ _DCT.T).round(3).ravel()  # (64,)
    # What lies above the median of 64 values lies above the lower of the two in the middle.
    return np.packbits(low > np.partition(low, 31)[31]).tobytes().hex()


def quality_scores(image: Image.Image, width: int, height: int) -> dict[str, float]:
    """Give the scores of an RGB ``image`` by their column: 0..1, low = suspicious; and sharpness.

    ``width`` and ``height`` are those of the full image; ``image`` may be a smaller version.

    - ``dark_score``: 99th percentile of brightness; low = even the brightest parts are dark.
    - ``light_score``: 1 - 5th percentile of brightness; low = even the darkest parts are bright.
    - ``low_information_score``: entropy in bits, times 0.1: of the levels of all three channels
      together, of a grey image those of its one.
    - ``blurry_score``: at a long side of 64 pixels, 1 - exp(-0.01 s), where s is the standard
      deviation of the edges; low = few and faint edges. Plain grounds and drawings have few edges
      without being blurred: where the counts of the 256 grey levels have a large deviation s, the
      same function of it is added. The frame of the picture counts as edges, so a bright picture
      may pass however blurred it is.
    - ``odd_aspect_ratio_score``: short side / long side.
    - ``grayscale_score``: 0 when the channels are equal everywhere, else 1.
    - ``sharpness``: variance of the Laplacian of the grey levels at a long side of 256 pixels;
      0 or more, not bounded (photographs: some hundreds). For comparing near-duplicates.
    """
    return _scores(image, image.convert("L"), width, height)


def _scores(image: Image.Image, grey: Image.Image, width: int, height: int) -> dict[str, float]:
    pixels = np.asarray(image).reshape(-1, 3)  # (H x W, 3)
    sample = pixels[::_STEP] if len(pixels) > _ENOUGH_PIXELS else pixels
    # The sample first: of nearly all images it suffices.
    is_grey = _is_grey(sample) and _is_grey(pixels)
    darkest, brightest = _brightness_range(sample)
    scores = {
        "dark_score": brightest,
        "light_score": 1.0 - darkest,
        "low_information_score": _ENTROPY_FACTOR * (grey if is_grey else image).entropy(),
        "blurry_score": _blurry(grey, width, height),
        "odd_aspect_ratio_score": min(width, height) / max(width, height),
        "grayscale_score": 0.0 if is_grey else 1.0,
    }
    bounded = {name: min(1.0, max(0.0, value)) for name, value in scores.items()}
    return {**bounded, "sharpness": _sharpness(grey)}


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Whether red, green and blue are the same in all ``pixels`` (N, 3), but for rounding."""
    return all(
        int(np.abs(np.subtract(pixels[:, a], pixels[:, b], dtype=np.int16)).max()) <= _GREY_ROUNDING
        for a, b in ((0, 1), (1, 2), (2, 0))
    )


def _brightness_range(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """The 5th and 99th percentile of the perceived brightness of ``pixels`` (N, 3), each 0..1."""
    values = pixels.astype(np.float32)
    values *= values
    squared = values @ _BRIGHTNESS  # (N,); the root keeps the order, so two roots suffice
    low, high = (round(share * (len(squared) - 1)) for share in (_LIGHT_SHARE, _DARK_SHARE))
    ordered = np.partition(squared, (low, high))
    return math.sqrt(ordered[low]) / 255, math.sqrt(ordered[high]) / 255


def _blurry(grey: Image.Image, width: int, height: int) -> float:
    shrink = max(width, height) / _BLUR_SIDE
    if shrink > 1:
        size = (max(1, int(width // shrink)), max(1, int(height // shrink)))
        grey = grey.resize(size, Image.Resampling.BICUBIC)
    # The filter leaves the outermost pixels as they are; cleanvision counts them in as well.
    edges = np.asarray(grey.filter(ImageFilter.FIND_EDGES))
    by_edges = 1 - math.exp(-_BLUR_FACTOR * float(edges.std()))
    levels = np.bincount(np.asarray(grey).ravel(), minlength=256)  # (256,)
    by_levels = 1 - math.exp(-_BLUR_FACTOR * float(levels.std()))
    return by_edges + (by_levels if by_levels > _FEW_LEVELS else 0.0)


def _sharpness(grey: Image.Image) -> float:
    scale = _SHARPNESS_SIDE / max(grey.size)
    if scale != 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    if min(grey.size) < 3:
        return 0.0
    levels = np.asarray(grey).astype(np.int16)  # (H, W); the Laplacian is within -1020 to 1020
    laplacian = levels[1:-1, 2:] + levels[1:-1, :-2]
    laplacian += levels[2:, 1:-1]
    laplacian += levels[:-2, 1:-1]
    laplacian -= levels[1:-1, 1:-1] << 2
    return float(laplacian.var())
