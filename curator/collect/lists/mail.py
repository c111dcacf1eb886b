"""A page saved as one file (MHTML), or a mail with addresses in it.

Both are MIME messages (RFC 2045): parts between boundaries, whose encoding breaks long lines. The
standard library's parser looks at every open boundary for every line, so the parts are cut here,
in one pass. Line numbers are those of the decoded part in which an address stands.
"""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass

from curator.collect.lists.detect import decode_text
from curator.collect.lists.found import Collector
from curator.collect.lists.plain import is_markdown, read_plain
from curator.collect.lists.web_page import read_page

_BOUNDARY = re.compile(
    r"^[^\n]{0,200}\bboundary=\"?([^\"\n;]{1,100})", re.IGNORECASE | re.MULTILINE
)
_FOLDED = re.compile(r"\n[ \t]+")
_MOST_BOUNDARIES = 100


@dataclass(frozen=True)
class _Part:
    fields: dict[str, str]
    text: str

    @property
    def kind(self) -> str:
        """The media type; without one it is plain text."""
        declared = self.fields.get("content-type", "text/plain").split(";")[0]
        return declared.strip().lower()


def read_mail(text: str, collector: Collector) -> bool:
    """Hand the pictures of its pages on, or the addresses of its plain text if it holds no page.

    Return whether it holds a page.
    """
    address = _part(text).fields.get("snapshot-content-location", "")
    parts = _parts(text)
    pages = [part for part in parts if part.kind == "text/html"]
    for page in pages:
        read_page(_decoded(page), collector, page.fields.get("content-location", "") or address)
    if not pages:
        for part in parts:
            if part.kind == "text/plain":
                content = _decoded(part)
                read_plain(content, collector, markdown=is_markdown(content))
    return bool(pages)


def _parts(text: str) -> list[_Part]:
    names: set[str] = set()
    for match in _BOUNDARY.finditer(text):
        names.add(match[1].strip())
        if len(names) >= _MOST_BOUNDARIES:
            break
    if not names:
        return [_part(text)]
    pieces: list[list[str]] = []
    for piece in text.split("\n--")[1:]:
        first = piece.partition("\n")[0].strip()
        if first in names:
            pieces.append([piece.partition("\n")[2]])
        elif first.removesuffix("--") in names:
            pieces.append([])  # what follows the last part belongs to none
        elif pieces and pieces[-1]:
            pieces[-1].append(piece)
    return [_part("\n--".join(piece)) for piece in pieces if piece]


def _part(text: str) -> _Part:
    head, _, body = text.partition("\n\n")
    fields: dict[str, str] = {}
    for line in _FOLDED.sub(" ", head[:100_000]).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return _Part(fields, body)


def _decoded(part: _Part) -> str:
    encoding = part.fields.get("content-transfer-encoding", "").lower()
    text = part.text
    if encoding in {"quoted-printable", "base64"}:
        data = text.encode("utf-8", "replace")
        try:
            data = quopri.decodestring(data) if encoding[0] == "q" else binascii.a2b_base64(data)
        except binascii.Error:
            return ""
        text = decode_text(data)
    return re.sub("\r\n?", "\n", text)
