"""Verifying: what becomes of an image, why the rest is refused, and what the reasons say."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from curator.imaging.decoding import Rejected
from curator.imaging.inspection import verify
from curator.imaging.reasons import Reason
from tests.collect.hostile.files import BODIES, DRAWING, PAGE, bomb, picture, rotated


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"nothing", Reason.NOT_AN_IMAGE),
        (PAGE, Reason.PAGE_NOT_IMAGE),
        (b"\n <HTML lang=en>", Reason.PAGE_NOT_IMAGE),
        (DRAWING, Reason.UNSUPPORTED_FORMAT),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), Reason.UNSUPPORTED_FORMAT),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", Reason.NOT_AN_IMAGE),
        (bomb(), Reason.TOO_BIG),
        (bomb(9_000, 9_000), Reason.TOO_BIG),
        (bomb(300, 300), Reason.BROKEN),
        (picture(400, 300)[:2000], Reason.BROKEN),
        (picture(400, 300, "PNG")[:3000], Reason.BROKEN),
        (picture(400, 300, "WEBP")[:1000], Reason.BROKEN),
        (b"\xff\xd8\xff\xe0 no more", Reason.BROKEN),
        (BODIES["/pixel.gif"], Reason.TOO_SMALL),
        (picture(500, 15), Reason.TOO_SMALL),
    ],
)
def test_rejected(data: bytes, reason: Reason) -> None:
    """What is no usable image is rejected with its reason and a sentence."""
    with pytest.raises(Rejected) as caught:
        verify(data)

    assert reason == caught.value.reason
    assert caught.value.detail.endswith(".")


def test_verified() -> None:
    """A good image comes with its identity, facts and a small upright thumbnail."""
    data = picture(800, 600)
    image = verify(data)

    assert (image.format, image.suffix, image.width, image.height) == ("JPEG", ".jpg", 800, 600)
    assert len(data) == image.bytes
    assert len(image.sha256) == 64
    thumbnail = Image.open(io.BytesIO(image.thumbnail))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (256, 192))
    assert (verify(rotated()).width, verify(rotated()).height) == (40, 60)


def test_reasons_explain_themselves() -> None:
    """Every reason has one sentence; those that pass by themselves are marked."""
    assert all(reason.explanation.endswith(".") for reason in Reason)
    assert Reason.TIMED_OUT.retryable
    assert not Reason.DEAD.retryable
