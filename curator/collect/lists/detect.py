"""What kind of list it is, by its content first and its name second, and its text."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from curator.collect.lists.found import Kind
from curator.collect.lists.plain import is_markdown
from curator.collect.lists.tables import separator_of
from curator.errors import BadList

_ENDINGS: dict[str, Kind] = {
    ".csv": "CSV table",
    ".tsv": "TSV table",
    ".tab": "TSV table",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".md": "Markdown text",
    ".markdown": "Markdown text",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Only these: Python knows others that take quadratic time or are no encodings of text.
_ENCODINGS = re.compile(
    r"(?:utf-?(?:8|16|32)|cp|windows-|iso-?8859-|koi8-|mac|shift_?jis|euc-|gb|big5|latin-|hz"
    r"|iso-?2022-|ascii|us-ascii|tis-)[a-z0-9_-]{0,20}",
    re.IGNORECASE,
)
_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE
)
_FILES = (
    (b"\xff\xd8\xff", "an image"),
    (b"\x89PNG", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a film"),
    (b"PK\x03\x04", "an archive or an office document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"%PDF", "a PDF"),
    (b"SQLite format", "a database"),
)
_NAMES = (
    "a|area|article|b|base|body|button|center|dd|div|dl|dt|em|figure|font|footer|form|frameset|h[1-6]"
    "|head|header|html|i|iframe|image|img|input|li|link|main|map|meta|nav|noscript|ol|p|picture|pre"
    "|rss|feed|script|section|source|span|strong|style|svg|table|tbody|td|template|title|tr|ul"
    "|urlset|video"
)
_BEGINS_AS_PAGE = re.compile(rf"\s*<(?:!doctype|!--|\?xml|(?:{_NAMES})[\s/>])", re.IGNORECASE)
_HAS_TAGS = re.compile(
    r"<(?:img|source|a|meta|div)\s[^<>]{0,200}=|</(?:a|div|body|html|ul|table)>", re.IGNORECASE
)
_BEGINS_AS_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\"\[{\]])")
_OBJECT_LINES = re.compile(r"\s*\{[^\n]*\}[ \t]*\n\s*\{")
_MAIL_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]")
_MIME = re.compile(
    r"^(?:MIME-Version|Content-Type|Content-Transfer-Encoding):", re.IGNORECASE | re.MULTILINE
)


def decode_text(data: bytes) -> str:
    """Bytes of a list as text: by its mark, else UTF-8, UTF-16, what a page declares, Latin-1."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").removeprefix("\ufeff")
    # Addresses are mostly ASCII, so UTF-16 without a mark shows as a zero in every other byte.
    head = data[:200]
    if len(head) >= 4 and head[1::2].count(0) > 0.4 * len(head):
        return data.decode("utf-16-le", errors="replace")
    if len(head) >= 4 and head[0::2].count(0) > 0.4 * len(head):
        return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        declared = _CHARSET.search(data[:4096])
        return data.decode(_known(declared[1].decode()) if declared else "latin-1", "replace")


def refuse_other_files(data: bytes) -> None:
    """Raise BadList for a file that is certainly no list, such as a picture or an archive."""
    for beginning, what in _FILES:
        if data.startswith(beginning):
            raise BadList(
                f"The file is {what}, not a list of addresses.",
                "Use `curator import` for images on this machine, or give a text file.",
            )


def kind_of(text: str, name: str = "") -> Kind:
    """The kind of list that ``text`` is; ``name``: of its file, if it has one."""
    named = _ENDINGS.get(PurePath(name).suffix.lower())
    separator = separator_of(text)
    kind: Kind
    if _is_mail(text):
        kind = "mail"
    elif _BEGINS_AS_PAGE.match(text):
        kind = "web page"
    elif _BEGINS_AS_JSON.match(text):
        is_lines = named == "JSON lines" or _OBJECT_LINES.match(text)
        kind = "JSON lines" if is_lines else "JSON document"
    elif separator:
        kind = "TSV table" if separator == "\t" else "CSV table"
    elif named:
        kind = named
    elif is_markdown(text):
        kind = "Markdown text"
    else:
        kind = "web page" if _HAS_TAGS.search(text) else "list"
    return kind


def _is_mail(text: str) -> bool:
    """Whether it is a mail or a page saved as one file (MHTML): fields, then a body."""
    if not _MAIL_FIELD.match(text):
        return False
    head = text[:10_000].partition("\n\n")[0]
    return _MIME.search(head) is not None


def _known(encoding: str) -> str:
    if not _ENCODINGS.fullmatch(encoding):
        return "latin-1"
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "latin-1"
