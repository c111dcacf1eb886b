"""Decoding, measuring and verifying images, sound and hostile."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from curator.collect.decoding import Rejected, decode, decode_described
from curator.collect.measures import perceptual_hash, quality_scores
from curator.collect.reasons import Reason
from curator.collect.verify import verify
from tests.collect.hostile import BODIES, DRAWING, PAGE, animation, bomb, picture, rotated

if TYPE_CHECKING:
    from pathlib import Path


def packed(image: Image.Image, file_format: str = "PNG", **save: object) -> bytes:
    """Encode an image."""
    stream = io.BytesIO()
    image.save(stream, file_format, **save)
    return stream.getvalue()


@pytest.mark.parametrize(
    "file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"]
)
def test_formats(file_format: str) -> None:
    """Every format of the allow-list gives RGB of the right size."""
    if file_format == "AVIF" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    decoded = decode_described(picture(file_format=file_format))

    assert (file_format, "RGB", (60, 40)) == (
        decoded.format,
        decoded.image.mode,
        decoded.image.size,
    )


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "LAB"]
)
def test_modes(mode: str) -> None:
    """Every pixel format that a TIFF can hold becomes RGB."""
    assert decode(packed(Image.new(mode, (20, 20)), "TIFF")).mode == "RGB"


def test_cmyk_keeps_colours() -> None:
    """A CMYK JPEG looks as its RGB original did."""
    red = Image.new("RGB", (32, 32), (200, 30, 30))
    shown = np.asarray(decode(packed(red.convert("CMYK"), "JPEG", quality=95)), dtype=int)

    assert np.abs(shown - (200, 30, 30)).max() < 12


def test_alpha_becomes_white() -> None:
    """Transparent parts are white, half transparent ones lighter."""
    image = Image.new("RGBA", (3, 1))
    image.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 127)])
    shown = decode(packed(image))

    assert [shown.getpixel((x, 0)) for x in range(3)] == [
        (255, 0, 0),
        (255, 255, 255),
        (128, 128, 128),
    ]


def test_palette_with_transparency() -> None:
    """The transparent entry of a palette is white."""
    image = Image.new("P", (20, 20), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])

    assert decode(packed(image, transparency=0)).getpixel((0, 0)) == (255, 255, 255)


def test_16_bit_is_scaled() -> None:
    """Sixteen bits are scaled to eight, not clipped."""
    values = np.array([[0, 32896, 65535]], dtype=np.uint16)
    shown = decode(packed(Image.fromarray(values)))

    assert [shown.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]  # type: ignore[index]


def test_first_frame() -> None:
    """An animation gives its first frame."""
    assert decode(animation()).getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation(file_format: str) -> None:
    """A turned image is shown upright, and its sides are swapped."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (60, 40), "white")
    image.paste((255, 0, 0), (0, 0, 30, 20))  # top left; upright, it is top right
    decoded = decode_described(packed(image, file_format, exif=exif.tobytes()))

    assert (40, 60) == (decoded.width, decoded.height) == decoded.image.size
    red, green, _ = decoded.image.getpixel((35, 5))  # type: ignore[misc]
    assert red > 200
    assert green < 60


def test_draft() -> None:
    """A smaller JPEG is decoded when less is needed, never smaller than asked."""
    data = picture(1600, 1200)

    assert decode(data, at_least=300).size == (400, 300)
    assert decode(data, at_least=301).size == (800, 600)
    assert decode(data, at_least=5000).size == (1600, 1200)
    assert (decode_described(data, 100).width, decode_described(data, 100).height) == (1600, 1200)


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


def test_files(tmp_path: Path) -> None:
    """A path is read like bytes; a missing one is rejected."""
    path = tmp_path / "x.bin"
    path.write_bytes(picture())

    assert decode(picture()).tobytes() == decode(path).tobytes()
    with pytest.raises(Rejected) as caught:
        decode(tmp_path / "missing.jpg")
    assert caught.value.reason == Reason.UNREADABLE


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP"]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage(file_format: str, changes: list[tuple[int, int]]) -> None:
    """Whatever bytes are damaged, there is an image or a reason."""
    data = bytearray(picture(file_format=file_format))
    for position, value in changes:
        data[position % len(data)] = value
    with contextlib.suppress(Rejected):
        assert verify(bytes(data)).thumbnail


def test_verified() -> None:
    """A good image comes with its identity, facts and a small upright WebP."""
    data = picture(800, 600)
    image = verify(data)

    assert (image.format, image.suffix, image.width, image.height) == ("JPEG", ".jpg", 800, 600)
    assert len(data) == image.bytes
    assert len(image.sha256) == 64
    thumbnail = Image.open(io.BytesIO(image.thumbnail))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (256, 192))
    assert (verify(rotated()).width, verify(rotated()).height) == (40, 60)


def test_hash_of_near_duplicates() -> None:
    """Another size, format and quality change few bits; another picture many."""

    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    large = coarse.resize((800, 600), Image.Resampling.BICUBIC)
    original = verify(packed(large)).phash
    smaller = verify(packed(large.resize((320, 240)), "JPEG", quality=40)).phash
    turned = perceptual_hash(large.transpose(Image.Transpose.ROTATE_180))

    assert len(original) == 16
    assert bits(original, smaller) <= 4
    assert bits(original, turned) > 16
    assert perceptual_hash(Image.new("RGB", (64, 64), "grey")) == "8000000000000000"


def test_scores() -> None:
    """Each score is low for the fault it is named after, and higher for a good image."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (100, 100, 3), dtype=np.uint8))
    dark, light, flat = (Image.new("RGB", (100, 100), c) for c in ("#050505", "#fefefe", "#777"))
    blurred = noise.filter(ImageFilter.GaussianBlur(12))

    def score(image: Image.Image, name: str) -> float:
        return quality_scores(image, *image.size)[f"{name}_score"]

    faults = {"dark": dark, "light": light, "low_information": flat, "blurry": blurred}
    assert dict.fromkeys(faults, True) == {n: score(i, n) < 0.29 for n, i in faults.items()}
    assert all(score(noise, name) > 0.5 for name in faults)
    assert quality_scores(noise, 1000, 100)["odd_aspect_ratio_score"] == 0.1


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["black", "white", "red"]))
def test_scores_stay_in_range(width: int, height: int, colour: str) -> None:
    """All scores are between 0 and 1 for any size and colour."""
    scores = quality_scores(Image.new("RGB", (width, height), colour), width, height)

    assert {
        "dark_score",
        "light_score",
        "low_information_score",
        "blurry_score",
        "odd_aspect_ratio_score",
    } == set(scores)
    assert all(0 <= value <= 1 for value in scores.values())


def test_reasons_explain_themselves() -> None:
    """Every reason has one sentence; those that pass by themselves are marked."""
    assert all(reason.explanation.endswith(".") for reason in Reason)
    assert Reason.TIMED_OUT.retryable
    assert not Reason.DEAD.retryable
