"""HTML as a sequence of tags and texts, in one pass that never goes back.

The standard library's parser takes quadratic time on unclosed quotes and comments (120 kB kept it
busy for two minutes) and decodes ``&copy=`` inside addresses, so this follows the HTML standard's
tokenizer instead, as far as reading needs it: tags, attributes, comments, raw text. No tree is
built, so nesting costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from html.entities import html5

_START = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_NEXT = re.compile(r"[\s/]*")
_NAME = re.compile(r"=?[^\s/>=]*")
_VALUE = re.compile(r"\s*=\s*")
_UNQUOTED = re.compile(r"[^\s>]*")
# Raw text: everything up to the closing tag is content.
_CLOSING = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp")
}
# In an attribute a reference without semicolon counts only where nothing could follow it.
_REFERENCE = re.compile(
    r"&(?:#(\d{1,7});?|#[xX]([0-9a-fA-F]{1,6});?|([a-zA-Z][a-zA-Z0-9]{1,31};)"
    r"|(amp|lt|gt|quot)(?![=a-zA-Z0-9]))"
)


@dataclass(slots=True)
class Tag:
    """``name``: lower case. ``start``: position in the text. Attribute names are lower case."""

    name: str
    start: int
    closes: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Content:
    """Text: of the page (``text``), of a comment, or of a raw element such as ``script``."""

    name: str
    start: int
    text: str


def tokens(text: str) -> Iterator[Tag | Content]:
    """The tags and contents of ``text``; anything is accepted. Linear in its length."""
    position = 0
    while position < len(text):
        found = text.find("<", position)
        if found > position or found < 0:
            end = found if found >= 0 else len(text)
            yield Content("text", position, text[position:end])
            position = end
            continue
        start = _START.match(text, found)
        if start is None:
            position = yield from _other(text, found)
            continue
        tag = Tag(start[2].lower(), found, bool(start[1]))
        position = _attributes(text, start.end(), tag.attributes)
        if position < 0:  # the text ends within the tag
            yield tag
            return
        yield tag
        if not tag.closes and tag.name in _CLOSING:
            closing = _CLOSING[tag.name].search(text, position)
            end = closing.start() if closing else len(text)
            yield Content(tag.name, position, text[position:end])
            position = end


def unescape(value: str) -> str:
    """``value`` with HTML's character references decoded as in an attribute."""
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _other(text: str, start: int) -> Generator[Content, None, int]:
    """A comment, a declaration or a lone ``<``; the generator returns where it ends."""
    if text.startswith("<!--", start):
        end = text.find("-->", start + 4)
        yield Content("comment", start, text[start + 4 : end if end >= 0 else len(text)])
        return end + 3 if end >= 0 else len(text)
    if text.startswith(("<!", "<?", "</"), start):
        end = text.find(">", start)
        return end + 1 if end >= 0 else len(text)
    return start + 1


def _attributes(text: str, position: int, attributes: dict[str, str]) -> int:
    """Read attributes up to the closing bracket; return the position after it, -1 at the end."""
    while True:
        position = _matched(_NEXT, text, position)
        if position >= len(text):
            return -1
        if text[position] == ">":
            return position + 1
        start, position = position, _matched(_NAME, text, position)
        name = text[start:position].lower()
        equals = _VALUE.match(text, position)
        value = ""
        if equals:
            position = equals.end()
            quote = text[position : position + 1]
            if quote in {'"', "'"}:
                end = text.find(quote, position + 1)
                if end < 0:
                    return -1
                value = text[position + 1 : end]
                position = end + 1
            else:
                start, position = position, _matched(_UNQUOTED, text, position)
                value = text[start:position]
        attributes.setdefault(name, unescape(value))


def _matched(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    assert match is not None, "each of these patterns matches nothing, too"
    return match.end()


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return html5.get(match[3], match[0])
    if match[4]:
        return html5[match[4]]
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
