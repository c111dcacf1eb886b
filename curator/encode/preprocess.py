"""From an image to the pixels that a backbone sees.

Resize and crop only: the result stays uint8, and the encoder's graph normalises it. A change of
the pixels here needs a new ``backbones.PREPROCESSING_VERSION``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from curator.encode.backbones.registry import describe
from curator.imaging.inspection import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone

TINY_SIDE = 32
"""Side in pixels of the thumbnails that the nearest-mean-image baseline works on."""
TINY_DIMENSION = 3 * TINY_SIDE * TINY_SIDE

# Beyond this the crop holds a sliver of the image anyway, and resizing a 20,000 x 10 strip to a
# short side of 256 would take gigabytes.
_LONGEST_ASPECT = 4

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def prepare_image(image: Image.Image, backbone: Backbone) -> NDArray[np.uint8]:
    """Resize the short side to ``backbone.resize``, then crop the centre.

    With ``backbone.squash`` both sides are resized to it instead. ``image``: mode RGB, any size.
    Returns uint8 (3, size, size), values 0..255.
    """
    image = _without_long_ends(image)
    width, height = image.size
    short = min(width, height)
    # Truncation of the long side is what torchvision's Resize does, and weights were trained on.
    target = (
        (backbone.resize, backbone.resize)
        if backbone.squash
        else (int(backbone.resize * width / short), int(backbone.resize * height / short))
    )
    if target != image.size:
        image = image.resize(target, _FILTERS[backbone.interpolation])
    left = round((target[0] - backbone.size) / 2)
    top = round((target[1] - backbone.size) / 2)
    image = image.crop((left, top, left + backbone.size, top + backbone.size))
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1))


def view_of(name: str) -> View:
    """What the backbone ``name`` and the baselines see of an image.

    uint8 bytes: 3 x size x size of :func:`prepare_image`, then 3,072 of :func:`prepare_tiny`.
    """
    backbone = describe(name)

    def taken(image: Image.Image) -> bytes:
        return prepare_image(image, backbone).tobytes() + prepare_tiny(image).tobytes()

    return View(backbone.resize, taken)


def seen_box(size: tuple[int, int], backbone: Backbone) -> tuple[float, float, float, float]:
    """The part of an image that :func:`prepare_image` keeps: left, top, right, bottom, each 0..1.

    ``size``: width and height, of the image at any scale. Where the crop reaches beyond the image
    the numbers do, too.
    """
    width, height = size
    longest = _LONGEST_ASPECT * min(width, height)
    kept = (min(width, longest), min(height, longest))
    if backbone.squash:
        share = backbone.size / backbone.resize
        sides = (kept[0] * share, kept[1] * share)
    else:
        side = min(kept) * backbone.size / backbone.resize
        sides = (side, side)
    across, down = sides[0] / width / 2, sides[1] / height / 2
    return (0.5 - across, 0.5 - down, 0.5 + across, 0.5 + down)


def prepare_tiny(image: Image.Image) -> NDArray[np.uint8]:
    """The whole image squeezed to 32 x 32. ``image``: mode RGB. Returns uint8 (3072,), 0..255.

    Row by row, red, green, blue of a pixel beside each other.
    """
    # A box filter with a gap: averages, and does not decode every pixel of a large image twice.
    small = image.resize((TINY_SIDE, TINY_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small, dtype=np.uint8).reshape(TINY_DIMENSION)


def _without_long_ends(image: Image.Image) -> Image.Image:
    width, height = image.size
    longest = _LONGEST_ASPECT * min(width, height)
    if max(width, height) <= longest:
        return image
    left = max(0, (width - longest) // 2)
    top = max(0, (height - longest) // 2)
    return image.crop((left, top, left + min(width, longest), top + min(height, longest)))
