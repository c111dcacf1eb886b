"""Pictures that a list contains itself: ``data:`` addresses (RFC 2397).

Only the header and a hash of the content are ever shown; whether the bytes are an image is for
the verification to say.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from curator.collect.http.urls import BadAddress
from curator.hashing import sha256

MAX_BYTES = 20 * 1024 * 1024  # of one picture, decoded

_HEADER = re.compile(r"data:([^;,]{0,100})(;[^,]{0,200})?,", re.IGNORECASE)
_MIME = re.compile(r"image/[a-z0-9][a-z0-9.+-]{0,60}")
_BLANKS = re.compile(rb"\s+")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """``mime``: as declared, not verified. ``line``: where it stood, from 1."""

    mime: str
    sha256: str
    data: bytes = field(repr=False)
    line: int

    @property
    def origin(self) -> str:
        """What stands for it in the project and in front of people."""
        return f"data:{self.mime};sha256,{self.sha256}"

    @property
    def is_dot(self) -> bool:
        """Whether it is a GIF or PNG of at most 2 by 2 pixels: a page's placeholder."""
        if self.data[:3] == b"GIF":
            sides = self.data[6:8][::-1], self.data[8:10][::-1]
        elif self.data[:4] == b"\x89PNG":
            sides = self.data[16:20], self.data[20:24]
        else:
            return False
        return max(int.from_bytes(side, "big") for side in sides) <= 2


def decoded(text: str, line: int) -> EmbeddedImage:
    """The picture in a ``data:`` address, base64 or percent-encoded. Raises BadAddress."""
    header = _HEADER.match(text)
    if header is None:
        raise BadAddress("It begins like an embedded picture but has no content.")
    mime = header[1].strip().lower()
    if not _MIME.fullmatch(mime):
        raise BadAddress(f"It embeds {mime[:50] or 'plain text'}, not an image.")
    if len(text) > 4 * MAX_BYTES:
        raise BadAddress(_too_large(len(text)))
    try:
        data = unquote_to_bytes(text[header.end() :])
        if ";base64" in (header[2] or "").lower():
            plain = _BLANKS.sub(b"", data).translate(_URL_SAFE).rstrip(b"=")
            data = binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except (binascii.Error, UnicodeError):
        raise BadAddress("Its embedded picture is damaged: it is no valid base64.") from None
    if not data:
        raise BadAddress("Its embedded picture is empty.")
    if len(data) > MAX_BYTES:
        raise BadAddress(_too_large(len(data)))
    return EmbeddedImage(mime, sha256(data), data, line)


def shortened(text: str) -> str:
    """``text``, of a ``data:`` address only the header."""
    if text[:5].lower() != "data:":
        return text
    return text[: min(text.find(",") + 1 or 60, 60)] + "…"


def _too_large(size: int) -> str:
    return f"Its embedded picture has {size:,} bytes; at most {MAX_BYTES:,} are accepted."
