"""Pictures with the fine detail of photographs, and what people do to copies of them."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from tests.pictures import encoded

WIDTH, HEIGHT = 240, 180
OCTAVES = (3, 6, 12, 24, 48, 96)  # cells across of the noises that a picture is the sum of


def photo(number: int) -> Image.Image:
    """Draw clouds with detail at every scale, as photographs have; each ``number`` another."""
    random = np.random.default_rng(number)
    total = np.zeros((HEIGHT, WIDTH, 3))
    for cells in OCTAVES:
        noise = random.integers(0, 256, (cells * 3 // 4, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        total += (np.asarray(layer, dtype=float) - 128) * 2 / cells**0.7
    return Image.fromarray((128 + total).clip(0, 255).astype(np.uint8))


def recompressed(image: Image.Image) -> Image.Image:
    """Give the picture as JPEG leaves it at quality 30."""
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=30)))


def halved(image: Image.Image) -> Image.Image:
    """Give the picture at half its size."""
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def cropped(image: Image.Image) -> Image.Image:
    """Cut a tenth of width and height off, at two sides."""
    return image.crop((0, image.height // 10, image.width * 9 // 10, image.height))


def brighter(image: Image.Image) -> Image.Image:
    """Give the picture a quarter brighter."""
    return ImageEnhance.Brightness(image).enhance(1.25)


def darker(image: Image.Image) -> Image.Image:
    """Give the picture a quarter darker."""
    return ImageEnhance.Brightness(image).enhance(0.75)


def watermarked(image: Image.Image) -> Image.Image:
    """Write white words across the picture."""
    marked = image.copy()
    font = ImageFont.load_default(size=image.width / 8)
    place = (image.width * 0.1, image.height * 0.45)
    ImageDraw.Draw(marked).text(place, "example.org", "white", font)
    return marked


def mirrored(image: Image.Image) -> Image.Image:
    """Give the picture turned round."""
    return ImageOps.mirror(image)


CHANGES: list[Callable[[Image.Image], Image.Image]] = [
    recompressed,
    halved,
    cropped,
    brighter,
    darker,
    watermarked,
    mirrored,
]
