"""Which address of an element is its picture: the largest of what its attributes offer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curator.collect.lists.found import names_image
from curator.collect.lists.markup import Tag

_VOID = {"area", "br", "col", "embed", "hr", "img", "input", "param", "source", "track", "wbr"}
_PICTURES = {"img", "image", "amp-img", "source", "input"}
_PLAIN_SOURCES = {(name, "src") for name in _PICTURES}
_PLAIN_SOURCES |= {("image", "href"), ("image", "xlink:href")}  # of SVG
# Elements whose `src` and `data-src` are no pictures.
_OTHERS = {"script", "iframe", "video", "audio", "track", "embed", "frame", "form", "use"}
_SETS = ("srcset", "data-srcset", "data-lazy-srcset", "data-original-set", "imagesrcset")
_FULL = re.compile(r"data-.*(?:original|full|large|zoom|hi-?res|high-?res|orig-file).*")
_LAZY = re.compile(
    r"data-(?:.*-)?(?:src|iurl|lazy|img|image|bg|background|background-image|poster|deferred"
    r"|original|fallback)|(?:lazy|real|orig|original|delayed|low)-?src|lowsrc|_src"
)
_URL = re.compile(r"url\(\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^()\"'\s]*+))\s*+\)", re.IGNORECASE)
_DESCRIPTOR = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([wx])", re.IGNORECASE)
_CANDIDATE = re.compile(r"[\s,]*+(\S++)([^,]*+),?")

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_DATA = re.compile(r"\s*data:image/", re.IGNORECASE)
_SIDES = ("width", "height")
# What an attribute of each kind is worth against the others.
_SRC, _LAZY_RANK, _SET_RANK, _FULL_RANK = range(4)


def best(tag: Tag, sources: list[Tag]) -> tuple[str, int, bool]:
    """The picture of an element; ``sources``: what stood before it in its ``<picture>``.

    The answer: the address as written, empty if there is none; how many smaller versions were
    passed over; whether the element is a tracking pixel.
    """
    offered: list[tuple[int, float, str]] = []
    for element in [tag, *sources]:
        offered += _offered(element)
    offered = [item for item in offered if leads_to_web(item[2]) or _DATA.match(item[2])]
    if not offered:
        return "", 0, False
    # A `data:` image stands in for the address that loads later. Equal ones: the first.
    chosen = max(offered, key=lambda item: (leads_to_web(item[2]), item[0], item[1]))[2]
    others = {url for _, _, url in offered if url != chosen and leads_to_web(url)}
    sides = [tag.attributes.get(side, "").strip().removesuffix("px") for side in _SIDES]
    return chosen, len(others), all(side in {"0", "1"} for side in sides)


def is_void(name: str) -> bool:
    """Whether the element has no content."""
    return name in _VOID


def leads_to_web(url: str) -> bool:
    """Whether ``url`` may be fetched once it is made absolute; no other scheme, no mere anchor."""
    start = url.lstrip()
    if start[:7].lower() in {"http://", "https:/"}:
        return True
    return bool(start) and start[0] != "#" and not _SCHEME.match(start)


def styled(style: str) -> Iterator[str]:
    """The addresses of ``url(...)`` in an inline style."""
    if "(" in style:
        for match in _URL.finditer(style):
            yield match[1] or match[2] or match[3] or ""


def candidates(srcset: str) -> Iterator[tuple[float, str]]:
    """The (width or density, address) of each candidate of a ``srcset``, as browsers read it."""
    for match in _CANDIDATE.finditer(srcset):
        url, described = match[1], match[2]
        bare = url.rstrip(",")
        if bare != url and described.strip():
            # The comma ended this candidate, so what follows is the next one.
            yield 1.0, bare
            yield from candidates(described)
            continue
        size = _DESCRIPTOR.search(described)
        yield (float(size[1]) if size else 1.0), bare


def _offered(tag: Tag) -> Iterator[tuple[int, float, str]]:
    """Rank, size and address of everything that an element offers."""
    is_picture = tag.name in _PICTURES
    for name, value in tag.attributes.items():
        if not value or value.lstrip()[:1] in {"{", "["}:
            continue
        if name in _SETS:
            for size, url in candidates(value):
                yield _SET_RANK, size, url
        elif (tag.name, name) in _PLAIN_SOURCES or name == "poster":
            yield _SRC, 1.0, value
        elif _FULL.fullmatch(name) and (is_picture or names_image(value)) and _is_one(value):
            yield _FULL_RANK, 1.0, value
        elif _LAZY.fullmatch(name) and tag.name not in _OTHERS and _is_one(value):
            yield _LAZY_RANK, 1.0, value
        elif name not in {"href", "style"} and "://" in value[:9] and names_image(value):
            yield _LAZY_RANK, 0.0, value


def _is_one(value: str) -> bool:
    """Whether it is an address at all: attributes with such names also hold flags and sizes."""
    text = value.strip()
    return " " not in text and ("/" in text or names_image(text))
