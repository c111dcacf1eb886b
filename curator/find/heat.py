"""Evidence drawn over a picture: orange where it speaks for the class, blue where against it.

The two colours differ for the colour-blind, too. Both maps of an image share a scale, so the
stronger one looks it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from curator.find.why import picture_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.find.why import Explanation
    from curator.store.workspace import Workspace

SIDE = 640  # pixels of an overlay's longer side: evidence is coarse
_FOR, _AGAINST = (255, 122, 0), (0, 122, 255)
_FRAME = (255, 255, 255, 150)
_DENSE = 190  # of 255, where the evidence is strongest
_NONE = 1e-9


def overlays(explanation: Explanation) -> dict[str, Image.Image]:
    """The evidence by class, the prediction first: RGBA, transparent where there is none.

    An overlay has the aspect of the picture; a thin frame is round what the network saw of it.
    """
    found = {explanation.predicted: explanation.predicted_evidence}
    if explanation.label_evidence is not None:
        found.setdefault(explanation.label, explanation.label_evidence)
    strongest = max(float(np.abs(each).max()) for each in found.values())
    scale = 1 / max(strongest, _NONE)
    box, size = explanation.box, explanation.size
    return {name: _overlay(each * scale, box, size) for name, each in found.items()}


def drawn(workspace: Workspace, explanation: Explanation) -> dict[str, Image.Image]:
    """The image under its evidence by class, :data:`SIDE` pixels at most, RGB.

    Raises UnknownImage, OriginalMissing, OriginalAltered, ProjectAltered,
    DataError.
    """
    picture = picture_of(workspace, explanation.image_id, SIDE)
    picture.thumbnail((SIDE, SIDE))
    layers = overlays(explanation)
    return {name: blended(picture, layer) for name, layer in layers.items()}


def blended(picture: Image.Image, overlay: Image.Image) -> Image.Image:
    """The picture in grey under its overlay, RGB, so that the colours are the evidence's alone."""
    grey = picture.convert("L").convert("RGBA")
    return Image.alpha_composite(grey, overlay.resize(picture.size)).convert("RGB")


def as_png(picture: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _overlay(
    evidence: NDArray[np.float32], box: tuple[float, float, float, float], size: tuple[int, int]
) -> Image.Image:
    """``evidence`` (h, w), -1..1."""
    scale = SIDE / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    left, right = round(box[0] * width), round(box[2] * width)
    top, bottom = round(box[1] * height), round(box[3] * height)
    sides = (max(1, right - left), max(1, bottom - top))
    smooth = Image.fromarray(evidence.astype(np.float32)).resize(sides, Image.Resampling.BILINEAR)
    values = np.clip(np.asarray(smooth), -1, 1)
    layer = np.zeros((*values.shape, 4), np.uint8)
    layer[..., :3] = np.where(values[..., None] > 0, _FOR, _AGAINST)
    layer[..., 3] = np.abs(values) * _DENSE
    layer[[0, -1]] = layer[:, [0, -1]] = _FRAME
    whole = Image.new("RGBA", (width, height))
    whole.paste(Image.fromarray(layer), (left, top))
    return whole
