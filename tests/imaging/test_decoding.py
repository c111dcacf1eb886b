"""Decoding of untrusted bytes: every kind of image upright in RGB, everything else a reason."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from curator.imaging import rgb as pixels
from curator.imaging.decoding import Decoded, Rejected, decode, decode_described
from curator.imaging.reasons import Reason
from curator.imaging.rgb import to_rgb
from tests.collect.hostile.files import (
    BODIES,
    WANTED,
    animation,
    many_scans,
    multi_picture,
    picture,
)
from tests.conftest import lack

if TYPE_CHECKING:
    from pathlib import Path

# What Pillow warns of is noted nowhere else; the program ignores it (see decoding), and the test
# runner alone would make errors of it.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


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
        lack("this Pillow has no AVIF: install a wheel of it")
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


def test_files(tmp_path: Path) -> None:
    """A path is read like bytes; a missing one is rejected."""
    path = tmp_path / "x.bin"
    path.write_bytes(picture())

    assert decode(picture()).tobytes() == decode(path).tobytes()
    with pytest.raises(Rejected) as caught:
        decode(tmp_path / "missing.jpg")
    assert caught.value.reason == Reason.UNREADABLE


@pytest.mark.parametrize("path", WANTED)
def test_odd_files(path: str) -> None:
    """Every good file of the hostile server decodes, whatever it carries beside its pixels."""
    decoded = decode_described(WANTED[path])

    assert decoded.image.mode == "RGB"
    assert (decoded.width, decoded.height) == decoded.image.size


def test_palette_with_alpha_of_each_entry() -> None:
    """A palette whose entries are transparent to different degrees is blended over white."""
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0] * 3)
    image.putdata([0, 1, 2])
    shown = decode(packed(image, transparency=bytes([255, 0, 127])))

    assert [shown.getpixel((x, 0)) for x in range(3)] == [
        (255, 0, 0),
        (255, 255, 255),
        (255, 128, 128),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 127, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 500.0, 1000.0], [0, 127, 255]),
        ([-1.0, 0.0, 1.0], [0, 127, 255]),
        ([math.nan, 0.0, 1.0], [0, 0, 255]),
        ([-math.inf, 1.0, math.inf], [0, 255, 255]),
        ([-3e38, 0.0, 3e38], [0, 127, 255]),
        ([math.nan, math.nan, math.nan], [0, 0, 0]),
        ([7e9, 7e9, 7e9], [0, 0, 0]),
    ],
)
def test_floating_point(values: list[float], expected: list[int]) -> None:
    """Floating point levels are scaled by what they span; what is no number is black."""
    shown = decode(packed(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF"))

    assert expected == [shown.getpixel((x, 0))[0] for x in range(3)]  # type: ignore[index]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100, 255], [0, 100, 255]),
        ([0, 32896, 65535], [0, 128, 255]),
        ([-100, 0, 100], [0, 127, 255]),
        ([-(2**31), 0, 2**31 - 1], [0, 127, 255]),
        ([70_000, 70_000, 70_000], [0, 0, 0]),
    ],
)
def test_32_bit(values: list[int], expected: list[int]) -> None:
    """Levels of 32 bits are scaled to eight, not clipped, by what they span."""
    shown = decode(packed(Image.fromarray(np.array([values], dtype=np.int32)), "TIFF"))

    assert expected == [shown.getpixel((x, 0))[0] for x in range(3)]  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16", "I", "F"])
def test_strips(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large image is converted strip by strip, to the same pixels as in one go."""
    image = Image.radial_gradient("L").resize((50, 41))
    alpha = Image.linear_gradient("L").resize((50, 41))
    if mode in {"LA", "RGBA"}:
        image = image.convert(mode)
        image.putalpha(alpha)
    elif mode == "PA":
        image = Image.merge("LA", (image, alpha)).convert("PA")
    elif mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    whole = to_rgb(image)
    monkeypatch.setattr(pixels, "_STRIP", 200)

    assert whole.tobytes() == to_rgb(image).tobytes()
    assert np.ptp(np.asarray(whole)) > 0


def test_many_scans() -> None:
    """A JPEG that passes over its pixels thousands of times is refused before it is decoded."""
    with pytest.raises(Rejected, match="scans"):
        decode(many_scans())


@pytest.mark.parametrize("place", ["comment", "behind"])
def test_mark_of_a_scan_elsewhere(place: str) -> None:
    """What looks like scans in metadata, or in a film behind the image, does no harm."""
    marks = b"\xff\xda" * 500
    data = picture(comment=marks) if place == "comment" else picture() + marks

    assert decode(data).tobytes() == decode(picture()).tobytes()


def variants() -> dict[str, bytes]:
    """Give one small file of every kind that has code of its own in a decoder."""
    small = {"width": 24, "height": 18}
    files = {
        "jpeg": picture(**small),
        "progressive": picture(**small, progressive=True),
        "cmyk": picture(**small, mode="CMYK"),
        "mpo": multi_picture(),
        "rotated": BODIES["/rotated.jpg"],
        "png": picture(**small, file_format="PNG"),
        "palette": picture(**small, file_format="PNG", mode="P", transparency=b"\0\x80"),
        "apng": animation("PNG"),
        "gif": animation(),
        "interlaced": picture(**small, file_format="GIF", interlace=1),
        "webp": picture(**small, file_format="WEBP"),
        "lossless": picture(**small, file_format="WEBP", lossless=True, mode="RGBA"),
        "moving": animation("WEBP"),
        "bmp": picture(**small, file_format="BMP"),
        "bmp-palette": picture(**small, file_format="BMP", mode="P"),
        "ppm": picture(**small, file_format="PPM"),
        "plain-ppm": b"P3 2 2 255\n0 0 0 255 255 255 9 9 9 100 100 100\n",
        "tiff": picture(**small, file_format="TIFF"),
    }
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        files[compression] = picture(**small, file_format="TIFF", compression=compression)
    files["fax"] = picture(**small, file_format="TIFF", mode="1", compression="group4")
    if "AVIF" in Image.SAVE:
        files["avif"] = picture(**small, file_format="AVIF")
    return files


VARIANTS = variants()


def sound(data: bytes) -> Decoded | None:
    """Decode; what comes out must keep the promises. None when it is refused."""
    try:
        decoded = decode_described(data)
    except Rejected as error:
        rejected = error
    else:
        assert decoded.image.mode == "RGB"
        assert (decoded.width, decoded.height) == decoded.image.size
        assert len(decoded.image.tobytes()) == 3 * decoded.width * decoded.height
        return decoded
    assert rejected.detail.endswith(".")
    assert rejected.reason in {
        Reason.BROKEN,
        Reason.EMPTY,
        Reason.NOT_AN_IMAGE,
        Reason.PAGE_NOT_IMAGE,
        Reason.TOO_BIG,
        Reason.UNSUPPORTED_FORMAT,
    }
    return None


@pytest.mark.slow
@settings(max_examples=500)
@given(st.binary(max_size=200), st.sampled_from([b"", *(data[:32] for data in VARIANTS.values())]))
@example(b"P6 99999999999999999999 1 255\n", b"")
@example(b"\0" * 100, b"BM")
def test_any_bytes(data: bytes, start: bytes) -> None:
    """Any bytes, also behind the beginning of an image, give an image or a reason."""
    sound(start + data)


@pytest.mark.parametrize("kind", VARIANTS)
def test_every_truncation(kind: str) -> None:
    """A file that ends early anywhere gives a reason, or a whole image when nothing was lost."""
    data = VARIANTS[kind]
    whole = decode_described(data)
    for end in range(0, len(data), max(1, len(data) // 100)):
        decoded = sound(data[:end])
        if decoded is not None:
            assert (whole.width, whole.height) == (decoded.width, decoded.height)


@pytest.mark.slow
@settings(max_examples=1000)
@given(st.sampled_from(sorted(VARIANTS)), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_any_single_byte(kind: str, place: float, change: int) -> None:
    """Whichever byte of a file is changed, there is an image or a reason."""
    data = bytearray(VARIANTS[kind])
    data[int(place * len(data))] ^= change
    sound(bytes(data))


@pytest.mark.slow
@settings(max_examples=500)
@given(
    st.sampled_from(sorted(VARIANTS)),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), min_size=1, max_size=8),
)
def test_any_damage(kind: str, changes: list[tuple[int, bytes]]) -> None:
    """The same with several bytes of the header at once."""
    data = bytearray(VARIANTS[kind])
    for place, value in changes:
        at = place % len(data)
        data[at : at + len(value)] = value
    sound(bytes(data))
