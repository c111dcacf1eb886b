"""A backbone as names and numbers.

Its ``key`` changes whenever its features could change (weights, preprocessing), so caches named
after it never mix. Nothing is imported to describe one; the network is made by
:mod:`curator.encode.backbones.networks`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from curator.encode.weights import WeightSource

# Raise it when curator.encode.preprocess changes the pixels that a network sees.
PREPROCESSING_VERSION = 1


@dataclass(frozen=True)
class Backbone:
    """A pretrained network and the preprocessing that it was trained with."""

    name: str
    """What a user writes to choose it."""
    key: str
    """Identifies the features: architecture, hash of the weights, preprocessing version."""
    architecture: str
    """The model's name in its library."""
    dimension: int
    """Features of one image."""
    size: int
    """Side of the square that the network sees, in pixels."""
    crop: float
    """``size`` over the short side of the resized image, in (0, 1]."""
    mean: tuple[float, float, float]
    """Per channel, of pixel values scaled to 0..1."""
    std: tuple[float, float, float]
    """Per channel, of pixel values scaled to 0..1."""
    interpolation: Literal["bilinear", "bicubic"]
    bundled: bool
    """Whether the weights come with the installation, so that no download is needed."""
    library: Literal["timm", "torchvision", "open_clip"] = "timm"
    """Whose code the architecture is."""
    squash: bool = False
    """Whether the image is resized to a square whatever its shape, before the crop."""
    licence: str = ""
    """Of the weights, as their publisher states it."""
    source: WeightSource | None = None
    """Where the weights are downloaded from; None for bundled ones."""

    @property
    def resize(self) -> int:
        """Short side, in pixels, of the resized image that the centre crop is taken from."""
        return round(self.size / self.crop)


def described(backbone: Backbone) -> dict[str, Any]:
    """All but where its weights are downloaded from, as an exported model says it."""
    said = asdict(backbone)
    del said["source"]
    return said
