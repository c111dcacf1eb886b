"""What a camera wrote into a picture, as far as it helps a reviewer; never where it was taken.

The file is somebody else's: sizes are bounded, texts are cleaned, and whatever cannot be read is
left out. No pixels are decoded.
"""

from __future__ import annotations

import io
import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from PIL import Image

from curator.imaging.decoding import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 80  # characters of a text
LARGEST = 1 << 20  # bytes of EXIF data that are looked at

_MAKE, _MODEL, _SOFTWARE, _CHANGED, _ORIENTATION = 0x010F, 0x0110, 0x0131, 0x0132, 0x0112
_DETAILS, _GPS = 0x8769, 0x8825  # directories of their own
_TAKEN = 0x9003
_LATITUDE = 2


class Exif(TypedDict, total=False):
    """What a file says of itself; empty where it holds no EXIF data, or none that can be read."""

    camera: str
    """"" where missing."""
    taken: str
    """"YYYY-MM-DD HH:MM:SS" by the camera's clock, or ""."""
    orientation: int
    """1..8, 1 is upright."""
    gps: bool
    """Whether the file says where it was taken."""
    software: str
    """"" where missing."""


def exif(source: bytes | Path) -> Exif:
    """What the camera wrote; never raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read(source)
    except Exception:  # noqa: BLE001 -- damaged EXIF data raises anything, and it is a side dish
        return {}


def _read(source: bytes | Path) -> Exif:
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    formats = [name for name in SUFFIXES if name in Image.OPEN]
    with Image.open(file, formats=formats) as opened:
        if len(opened.info.get("exif", b"")) > LARGEST:
            return {}
        # A PNG's own method would decode the pixels to look behind them.
        found = Image.Image.getexif(opened)
        if not found:
            return {}
        details, places = found.get_ifd(_DETAILS), found.get_ifd(_GPS)
    make, model = _text(found.get(_MAKE)), _text(found.get(_MODEL))
    camera = model if model.casefold().startswith(make.casefold()) else f"{make} {model}".strip()
    turned = found.get(_ORIENTATION)
    return {
        "camera": camera[:LONGEST],
        "taken": _time(details.get(_TAKEN)) or _time(found.get(_CHANGED)),
        "orientation": turned if isinstance(turned, int) and 1 <= turned <= 8 else 1,
        "gps": bool(places.get(_LATITUDE)),
        "software": _text(found.get(_SOFTWARE)),
    }


def _text(value: Any) -> str:
    """One short line of printable characters; "" for what is no text."""
    if isinstance(value, bytes):
        value = value[: 4 * LONGEST].decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    line = "".join(sign if sign.isprintable() else " " for sign in value[: 4 * LONGEST])
    return " ".join(line.split())[:LONGEST].strip()


def _time(value: Any) -> str:
    try:
        return str(datetime.strptime(_text(value), "%Y:%m:%d %H:%M:%S"))  # noqa: DTZ007 -- no zone
    except ValueError:
        return ""
