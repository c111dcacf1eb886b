"""From bytes of unknown origin to everything that the store keeps of an image, decoding once.

The bytes themselves are kept as they are; nothing here touches the disk or the network.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from curator.hashing import sha256
from curator.imaging.decoding import SUFFIXES, Rejected, decode_described
from curator.imaging.measures import measure
from curator.imaging.reasons import Reason

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable

THUMBNAIL_SIDE = 256  # pixels, the long side
MIN_SIDE = 16  # pixels, the short side; smaller ones are tracking pixels and bullets
_QUALITY = 82  # of the thumbnail, 0..95; WebP would be a third smaller and ten times slower to make


@dataclass(frozen=True)
class VerifiedImage:
    """A decodable image: its identity, its facts and its measures.

    ``width``, ``height``: pixels, orientation applied. ``scores``: see
    :func:`~curator.imaging.measures.quality_scores`. ``thumbnail``: JPEG, upright, long side at
    most 256 pixels. ``view``: what was asked for beside it.
    """

    sha256: str
    format: str
    suffix: str
    width: int
    height: int
    bytes: int
    phash: str
    scores: dict[str, float]
    thumbnail: builtins.bytes
    view: builtins.bytes = b""


@dataclass(frozen=True)
class View:
    """What somebody else needs of the same decoded image: an image is decoded once."""

    at_least: int
    """The short side in pixels that it needs; a large JPEG comes at a fraction of its scale."""
    taken: Callable[[Image.Image], builtins.bytes]
    """From upright RGB pixels, which it must not change."""


def verify(
    data: builtins.bytes, min_side: int = MIN_SIDE, view: View | None = None
) -> VerifiedImage:
    """Decode ``data`` fully and measure it.

    ``min_side``: shortest side in pixels that is accepted. Raises
    :class:`~curator.imaging.decoding.Rejected` with the reason: a page, no image, too small, too
    big, broken.
    """
    at_least = THUMBNAIL_SIDE if view is None else max(THUMBNAIL_SIDE, view.at_least)
    decoded = decode_described(data, at_least=at_least)
    if min(decoded.width, decoded.height) < min_side:
        raise Rejected(
            Reason.TOO_SMALL,
            f"The image has {decoded.width} x {decoded.height} pixels; "
            f"each side must have at least {min_side}.",
        )
    viewed = b"" if view is None else view.taken(decoded.image)
    small = decoded.image
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=_QUALITY)
    phash, scores = measure(small, decoded.width, decoded.height)
    return VerifiedImage(
        sha256=sha256(data),
        format=decoded.format,
        suffix=SUFFIXES[decoded.format],
        width=decoded.width,
        height=decoded.height,
        bytes=len(data),
        phash=phash,
        scores=scores,
        thumbnail=packed.getvalue(),
        view=viewed,
    )
