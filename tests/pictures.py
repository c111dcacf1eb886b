"""Pictures that tests make: small, each different from every other, the same in every run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def picture(number: int, side: int = 64) -> Image.Image:
    """Draw soft coloured blotches; another ``number`` gives a picture that looks different."""
    grid = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "PNG", **options: int) -> bytes:
    """Give ``image`` as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def write_picture(path: Path, number: int, side: int = 64) -> Path:
    """Write picture ``number`` as a PNG file, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(picture(number, side)))
    return path


def write_folders(root: Path, sizes: dict[str, int], start: int = 0) -> Path:
    """Write ``root``/CLASS/NN.png, as many for each class as ``sizes`` says."""
    number = start
    for name, size in sizes.items():
        for position in range(size):
            write_picture(root / name / f"{position:02}.png", number)
            number += 1
    return root
