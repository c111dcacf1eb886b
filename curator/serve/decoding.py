"""Decoding for a model, in the processes that verify downloads: limited in memory and time.

What comes back is pixels or a reason, so no decoder ever runs in the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.collect.verification.pool import Verifiers
from curator.collect.verification.process import content_of, work
from curator.imaging.decoding import Rejected, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.collect.verification.process import Judge


class Decoders(Verifiers):
    """Verdicts hold ``pixels``, uint8 (3, S, S) in bytes, or a reason.

    ``backbone``: fields of :class:`~curator.encode.backbones.Backbone`, which says how a picture is
    prepared; ``max_pixels``: of the largest that is decoded.
    """

    module = __name__

    def __init__(
        self, backbone: Mapping[str, Any], max_pixels: int, count: int | None, seconds: float
    ) -> None:
        super().__init__(Path(), count=count, seconds=seconds)
        self._place = {"backbone": dict(backbone), "max_pixels": max_pixels}


def main() -> None:
    """The process's end: decode one picture after another until the parent closes the pipe."""
    work(_preparing)


def _preparing(place: dict[str, Any]) -> Judge:
    from curator.encode.backbones import Backbone
    from curator.encode.preprocess import prepare_image

    backbone = Backbone(**place["backbone"])

    def judge(content: Path | bytes, move: bool) -> tuple[dict[str, Any], bytes]:
        del move
        try:
            # As in training: a large JPEG is decoded at a fraction of its size.
            picture = decode(content_of(content), backbone.resize, place["max_pixels"])
        except Rejected as rejected:
            return {"reason": rejected.reason, "detail": rejected.detail}, b""
        return {}, prepare_image(picture, backbone).tobytes()

    return judge
