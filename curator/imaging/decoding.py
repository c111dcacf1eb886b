"""Decoding of untrusted image bytes with Pillow: the only place that opens images.

Whatever the file holds, a caller gets upright 8-bit RGB or a :class:`Rejected` with its reason.
Sizes are checked before any pixel is decoded, and a file that is cut off is an error, never a
half-grey image. The largest images that are decoded take a few seconds and 0.65 GB (AVIF 0.8,
WebP 1.2). The quality of the content is for :mod:`curator.imaging.measures`.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from curator.imaging.reasons import Reason
from curator.imaging.rgb import to_rgb

#: Pixels of the largest image that is decoded; 3 bytes each once decoded. Below Pillow's own limit.
MAX_PIXELS = 80_000_000

#: Scans of a JPEG file that is decoded. Encoders write about ten; each passes over all the pixels,
#: and a scan of a few bytes is enough for that.
MAX_SCANS = 100

#: Pillow's name of each format that is read, with the ending of stored files. JPEG files with
#: several pictures (phones, 3-D cameras) call themselves MPO once open.
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tiff",
    "PPM": ".ppm",
    "AVIF": ".avif",
}

Image.init()
# Pillow fails with KeyError on a format it was built without (AVIF) or opens under another (MPO).
_FORMATS = tuple(name for name in SUFFIXES if name in Image.OPEN)

# Filters are set once, here: changing them around each call is not safe between threads. The size
# is also checked below, so nothing depends on a filter that somebody else resets.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED_ON_ITS_SIDE = (5, 6, 7, 8)

# How formats that are not read here begin, for a message that helps: (offset, bytes, name).
_KNOWN_OTHERS = (
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x00\x00\x01\x00", "a Windows icon"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (4, b"ftyphei", "a HEIC image"),
    (4, b"ftyphev", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
)
_AVIF = b"ftypavi"

# How those begin that are read here: with wrong contents, the file was an image once.
_OURS = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*", re.DOTALL
)
_PAGE = re.compile(
    rb"<(!doctype html|html|head|body|script|style|title|meta|iframe|table|div|h1|br|p|a)[\s/>]"
)
_HEADERS = 1 << 17  # bytes in which the first scan of nearly every JPEG file begins
_LOOKED_AT = 4096  # bytes from the beginning, for a message that helps


class Rejected(Exception):
    """One item that gives no image. It becomes a row in a report, never a crash.

    ``reason`` is the code, ``detail`` one sentence about this item.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True)
class Decoded:
    """An image with what its file says of itself.

    ``image``: upright 8-bit RGB, possibly smaller than the file's (see ``at_least``).
    ``width`` and ``height``: pixels of the file's full image, orientation applied.
    """

    image: Image.Image
    format: str
    width: int
    height: int


def decode(
    source: bytes | Path, at_least: int | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode to upright 8-bit RGB: alpha over white, first frame of an animation.

    ``at_least``: the short side in pixels that the caller needs; a JPEG may then come at 1/2, 1/4
    or 1/8 scale, never with a shorter short side (unless the file's own is shorter).
    ``max_pixels``: of the largest image that is decoded. Raises :class:`Rejected`.
    """
    return decode_described(source, at_least, max_pixels).image


def decode_described(
    source: bytes | Path, at_least: int | None = None, max_pixels: int = MAX_PIXELS
) -> Decoded:
    """Like :func:`decode`, with the file's format and full size."""
    if isinstance(source, Path):
        if source.exists() and not source.is_file():  # opening a pipe would wait for ever
            raise Rejected(Reason.UNREADABLE, f"{source} is not a regular file.")
        try:
            with source.open("rb") as stream:
                return _decode(stream, at_least, max_pixels)
        except OSError as error:
            raise Rejected(
                Reason.UNREADABLE, f"{source} could not be read: {error.strerror or error}."
            ) from error
    return _decode(io.BytesIO(source), at_least, max_pixels)


def _decode(stream: IO[bytes], at_least: int | None, max_pixels: int) -> Decoded:
    start = stream.read(_LOOKED_AT)
    stream.seek(0)
    if not start:
        raise Rejected(Reason.EMPTY, "The file holds no bytes.")
    try:
        return _load(stream, at_least, max_pixels)
    except Rejected:
        raise
    except Exception as error:  # parsers of hostile data raise nearly everything
        raise _verdict(error, start) from error


def _load(stream: IO[bytes], at_least: int | None, max_pixels: int) -> Decoded:
    with Image.open(stream, formats=_FORMATS) as opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise _too_many_pixels(width, height, max_pixels)
        file_format = opened.format or ""
        if file_format in {"JPEG", "MPO"}:
            _refuse_many_scans(stream, opened)
            if at_least is not None:
                opened.draft(None, (max(1, at_least), max(1, at_least)))
        opened.load()
        # Asked for after loading: PNG may carry it behind the pixels, and Pillow turns TIFF itself
        # while loading and then drops the tag.
        orientation = _orientation(opened)
        if file_format == "TIFF":
            width, height = opened.size
        image = to_rgb(opened)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    if orientation in _TURNED_ON_ITS_SIDE:
        width, height = height, width
    return Decoded(image, file_format, width, height)


def _verdict(error: Exception, start: bytes) -> Rejected:
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(start)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Rejected(
            Reason.TOO_BIG, f"The image has more than the {MAX_PIXELS:,} pixels allowed."
        )
    if isinstance(error, MemoryError):
        return Rejected(Reason.TOO_BIG, "The image does not fit into memory.")
    if "MAX_TEXT" in str(error):  # Pillow's limits of what a PNG packs beside its pixels
        return Rejected(Reason.TOO_BIG, "The texts inside the image are larger than allowed.")
    return Rejected(Reason.BROKEN, f"The image cannot be decoded: {_short(error)}.")


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 -- damaged EXIF data raises anything; the pixels are good
        return 1
    return value if isinstance(value, int) else 1


def _refuse_many_scans(stream: IO[bytes], opened: Image.Image) -> None:
    """Raise :class:`Rejected` for a JPEG whose scans would take minutes to decode."""
    place = stream.tell()
    stream.seek(0)
    start = stream.read(_HEADERS)
    # Nearly all photographs: the first scan holds every component, and the decoder reads no other.
    if "progressive" not in opened.info and _first_scan(start) == len(opened.getbands()):
        stream.seek(place)
        return
    data = start + stream.read()
    stream.seek(place)
    # The mark of a scan may also stand in metadata or behind the end: then count exactly.
    if data.count(b"\xff\xda") > MAX_SCANS and _scans(data) > MAX_SCANS:
        raise Rejected(
            Reason.TOO_BIG, f"The JPEG file has more than the {MAX_SCANS} scans that are decoded."
        )


def _first_scan(start: bytes) -> int:
    """Components in the first scan of a JPEG file; 0 when its beginning does not show it."""
    place = 2
    while start[place : place + 1] == b"\xff" and place + 5 <= len(start):
        if start[place + 1] == _START_OF_SCAN:
            return start[place + 4]
        place += 2 + int.from_bytes(start[place + 2 : place + 4])
    return 0


def _scans(data: bytes) -> int:
    """Count the scans of a JPEG file's first image, going from marker to marker (ITU-T T.81)."""
    scans, place = 0, 2
    while (mark := _MARKER.search(data, place)) is not None:
        code, place = data[mark.end() - 1], mark.end()
        if code == _END_OF_IMAGE:
            break
        scans += code == _START_OF_SCAN
        place += int.from_bytes(data[place : place + 2])
    return scans


# Bytes FF in compressed data are followed by 00 or by a restart marker; FF may also fill up.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7\x01]")
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def _too_many_pixels(width: int, height: int, most: int) -> Rejected:
    return Rejected(
        Reason.TOO_BIG,
        f"The image has {width:,} x {height:,} pixels; at most {most:,} are decoded.",
    )


def _unidentified(start: bytes) -> Rejected:
    """Choose the most helpful refusal for content that no reader of ours knows."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if _PAGE.match(text) or b"<html" in text:
        return Rejected(Reason.PAGE_NOT_IMAGE, "The content is an HTML page, not an image.")
    if b"<svg" in text:
        return Rejected(Reason.UNSUPPORTED_FORMAT, "The content is an SVG drawing.")
    for offset, magic, name in _KNOWN_OTHERS:
        if start[offset : offset + len(magic)] == magic:
            return Rejected(Reason.UNSUPPORTED_FORMAT, f"The content is {name}.")
    avif = start[4:].startswith(_AVIF)
    if avif and "AVIF" not in _FORMATS:
        return Rejected(
            Reason.UNSUPPORTED_FORMAT,
            "The content is an AVIF image, which this build of Pillow cannot read.",
        )
    if avif or _OURS.match(start):
        return Rejected(Reason.BROKEN, "The file begins like an image but is damaged.")
    return Rejected(
        Reason.NOT_AN_IMAGE, f"The content begins with {start[:12]!r}, which is no image format."
    )


def _short(error: BaseException) -> str:
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text[:200]
