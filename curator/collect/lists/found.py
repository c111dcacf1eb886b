"""What a list holds, and the one place where it is put together.

Every kind of list, whatever it looks like, hands what it finds to a :class:`Collector`: that alone
decides what an address is, drops repetitions and says what is wrong with the rest. A bad line
never stops a list. Nothing is fetched or written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import unquote_to_bytes

from curator.collect.http.urls import BadAddress, normalise
from curator.collect.lists.caps import check_rows
from curator.collect.lists.embedded import EmbeddedImage, decoded, shortened
from curator.collect.lists.rights import UNKNOWN, Rights
from curator.phrasing import many, utf8

Kind: TypeAlias = Literal[
    "list",
    "CSV table",
    "TSV table",
    "JSON lines",
    "JSON document",
    "Parquet table",
    "Markdown text",
    "web page",
    "mail",
]

SMALLER = "smaller versions of the same picture"  # a reason to leave one out

# Pairs that people's exports put around an address.
_QUOTES = (('"', '"'), ("'", "'"), ("<", ">"), ("`", "`"), ("\u201c", "\u201d"))
_MOST_PAIRS = 8  # around one address
_SHOWN = 200  # characters of a refused line that are kept for the report
_IMAGE_ENDING = re.compile(
    r"\.(?:jpe?g|jpe|jfif|pjpeg|pjp|a?png|gif|webp|bmp|dib|tiff?|avif|heic|heif|jxl|jp2)"
    r"(?::[a-z]{1,10})?",  # a host of many pictures writes .jpg:large
    re.IGNORECASE,
)
# Search engines link a result by a page of their own that names the picture in its query.
_WRAPPED = re.compile(r"[?&](?:imgurl|mediaurl|img_url)=([^&#\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """``url``: ready to request, ASCII. ``line``: where it stood, from 1 (Parquet: the row).

    ``rights``: what the list says of whose picture it is.
    """

    url: str
    line: int
    rights: Rights = UNKNOWN


@dataclass(frozen=True, slots=True)
class Refused:
    """What gives no address: the number of its line, its beginning and what is wrong with it."""

    line: int
    text: str
    problem: str


@dataclass(frozen=True)
class AddressList:
    """What a list holds.

    ``images``: pictures that the list itself contains, as ``data:`` addresses. ``duplicates``:
    (line, address) of each repetition within the list. ``left_out``: (what, how many) of things
    that were passed over on purpose, such as icons on a page. ``blank``, ``comments``: lines.
    """

    kind: Kind
    addresses: tuple[Address, ...] = ()
    images: tuple[EmbeddedImage, ...] = ()
    refused: tuple[Refused, ...] = ()
    duplicates: tuple[tuple[int, str], ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    blank: int = 0
    comments: int = 0

    @property
    def sentence(self) -> str:
        """The kind and the number of addresses, such as "a web page with 120 image addresses"."""
        noun = "image address" if self.kind == "web page" else "address"
        said = many(len(self.addresses), noun, noun + "es")
        if self.images:
            said += f" and {many(len(self.images), 'embedded image')}"
        article = "" if self.kind in {"JSON lines", "Markdown text"} else "a "
        return f"{article}{self.kind} with {said}"


@dataclass
class Collector:
    """Takes what was found, in the order of the list."""

    addresses: list[Address] = field(default_factory=list)
    images: list[EmbeddedImage] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    blank: int = 0
    comments: int = 0
    _left_out: dict[str, int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def take(self, text: str, line: int, rights: Rights = UNKNOWN) -> None:
        """Take an address without anything around it, or refuse it with the reason."""
        try:
            if text[:5].lower() == "data:":
                image = decoded(text, line)
                if self._is_new(image.sha256, line, image.origin):
                    self.images.append(image)
                return
            url = normalise(unwrapped(text) if "/imgres?" in text[:500] else text)
        except BadAddress as error:
            self.refuse(line, text, str(error))
            return
        if self._is_new(url, line, url):
            self.addresses.append(Address(url, line, rights))

    def refuse(self, line: int, text: str, problem: str) -> None:
        """Report what gives no address."""
        self.refused.append(Refused(line, utf8(shortened(text[:_SHOWN])), problem))
        self._count()

    def leave_out(self, what: str, number: int = 1) -> None:
        """Count what is passed over on purpose; ``what`` is a plural noun phrase."""
        if number:
            self._left_out[what] = self._left_out.get(what, 0) + number

    def result(self, kind: Kind) -> AddressList:
        """All of it."""
        return AddressList(
            kind,
            tuple(self.addresses),
            tuple(self.images),
            tuple(self.refused),
            tuple(self.duplicates),
            tuple(self._left_out.items()),
            self.blank,
            self.comments,
        )

    def _count(self) -> None:
        known = len(self.addresses) + len(self.images) + len(self.refused) + len(self.duplicates)
        check_rows(known, "addresses")

    def _is_new(self, key: str, line: int, shown: str) -> bool:
        self._count()
        if key in self._seen:
            self.duplicates.append((line, shown))
            return False
        self._seen.add(key)
        return True


def bare_of(text: str) -> str:
    """Without what surrounds an address in pasted lists: spaces, commas, quotes, brackets."""
    bare = text.strip().strip("\ufeff")
    for _ in range(_MOST_PAIRS):
        before = bare
        bare = bare.strip(" \t,;")
        for opening, closing in _QUOTES:
            if len(bare) >= 2 and bare.startswith(opening) and bare.endswith(closing):
                bare = bare[1:-1]
        if bare == before:
            break
    return bare.strip()


def ending(address: str) -> str:
    """The ending of an address's path in lower case, such as ``.jpg``; empty without one."""
    path = re.split(r"[?#]", address, maxsplit=1)[0]
    last = path.rpartition("/")[2] if path.count("/") > 2 or "//" not in path else ""
    stem, dot, suffix = last.rpartition(".")
    # `File:Bear.jpg` is a wiki's page about a picture.
    return (dot + suffix).lower() if stem and ":" not in stem else ""


def names_image(address: str) -> bool:
    """Whether the address's path ends as files with images do."""
    return _IMAGE_ENDING.fullmatch(ending(address)) is not None


def unwrapped(link: str) -> str:
    """The picture's address that a search engine's link carries in its query; else ``link``."""
    found = _WRAPPED.search(link)
    if found is None:
        return link
    try:
        inner = unquote_to_bytes(found[1]).decode("utf-8")
    except UnicodeError:
        return link
    return inner if re.match(r"https?://", inner, re.IGNORECASE) else link
