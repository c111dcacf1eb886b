"""From bytes of unknown origin to everything that the store keeps of an image, decoding once.

The bytes themselves are kept as they are; nothing here touches the disk or the network.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from curator.collect.decoding import SUFFIXES, Rejected, decode_described
from curator.collect.measures import perceptual_hash, quality_scores
from curator.collect.reasons import Reason

if TYPE_CHECKING:
    import builtins

THUMBNAIL_SIDE = 256  # pixels, the long side
MIN_SIDE = 16  # pixels, the short side; smaller ones are tracking pixels and bullets
_QUALITY = 80  # of the WebP thumbnail, 0..100
_EFFORT = 0  # of the WebP encoder, 0..6: higher ones cost more than all the rest together


@dataclass(frozen=True)
class VerifiedImage:
    """A decodable image: its identity, its facts and its measures.

    ``width``, ``height``: pixels, orientation applied. ``scores``: 0..1, low = suspicious.
    ``thumbnail``: WebP, upright, long side at most 256 pixels.
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


def verify(data: builtins.bytes, min_side: int = MIN_SIDE) -> VerifiedImage:
    """Decode ``data`` fully and measure it.

    ``min_side``: shortest side in pixels that is accepted. Raises
    :class:`~curator.collect.decoding.Rejected` with the reason: a page, no image, too small, too
    big, broken.
    """
    decoded = decode_described(data, at_least=THUMBNAIL_SIDE)
    if min(decoded.width, decoded.height) < min_side:
        raise Rejected(
            Reason.TOO_SMALL,
            f"The image has {decoded.width} x {decoded.height} pixels; "
            f"each side must have at least {min_side}.",
        )
    small = decoded.image
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
    packed = io.BytesIO()
    small.save(packed, "WEBP", quality=_QUALITY, method=_EFFORT)
    return VerifiedImage(
        sha256=hashlib.sha256(data).hexdigest(),
        format=decoded.format,
        suffix=SUFFIXES[decoded.format],
        width=decoded.width,
        height=decoded.height,
        bytes=len(data),
        phash=perceptual_hash(small),
        scores=quality_scores(small, decoded.width, decoded.height),
        thumbnail=packed.getvalue(),
    )
