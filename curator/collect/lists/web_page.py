"""The pictures of a web page: saved, pasted as source, or cut out of one.

Of each picture one address is taken, the largest that the page offers; smaller versions are
counted. Left out are only things that are certainly no pictures to learn from (icons, style
sheets, tracking pixels); what the rest is worth, the verification says. Relative addresses need
the page's own address, which a ``<base>``, the mark of a saved page or a canonical link gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from curator.collect.http.urls import BadAddress
from curator.collect.lists.caps import check_rows
from curator.collect.lists.embedded import decoded
from curator.collect.lists.found import SMALLER, Collector, ending, names_image, unwrapped
from curator.collect.lists.literals import Literal, literals
from curator.collect.lists.markup import Content, Tag, tokens, unescape
from curator.collect.lists.picture import best, is_void, styled

_SAVED_FROM = re.compile(r"\s*saved from url=\(\d{1,6}\)(\S{1,8000})")
_META = {"og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src"}
_ICON = re.compile(r"(?:^|\s)(?:shortcut|icon|apple-touch-icon\S*|mask-icon)(?:\s|$)")
_PLAIN = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# Browsers put the files of a saved page into a folder of that name beside it.
_LOCAL_COPY = re.compile(r"[^/]*(?:_files|-Dateien|_fichiers|_archivos|_bestanden)/", re.IGNORECASE)
_NO_PICTURES = re.compile(
    r"\.(?:svgz?|ico|cur|css|m?js|json|map|xml|woff2?|ttf|otf|eot|mp[34]|m4v|webm|og[gv]|mov|avi"
    r"|wasm|pdf)"
)

ICONS = "icons, style sheets, scripts and films"
DOTS = "placeholders and tracking pixels"
RELATIVE = "relative addresses, and the page does not say where it is from"
LOCAL = "local copies of a saved page"


def read_page(text: str, collector: Collector, address: str = "") -> None:
    """Hand every picture of the page to ``collector``. ``address``: where it is from, if known."""
    page = _Page(address)
    counted = line = 0
    for token in tokens(text):
        line += text.count("\n", counted, token.start)
        counted = token.start
        page.line = line + 1
        if isinstance(token, Content):
            page.content(token)
        elif token.closes:
            page.close(token.name)
        else:
            page.open(token)
    page.finish(collector)


@dataclass
class _Page:
    """What was seen so far; addresses wait for the page's base, which may come late."""

    address: str
    line: int = 1
    _base: str = ""
    _saved_from: str = ""
    _canonical: str = ""
    _found: list[tuple[int, str]] = field(default_factory=list)
    _small: set[str] = field(default_factory=set)
    _left_out: dict[str, int] = field(default_factory=dict)
    _sources: list[Tag] | None = None  # of the open <picture>
    # An open element that names the original of the pictures in it.
    _wrapper: str = ""
    _depth: int = 0
    _within: list[tuple[int, str]] = field(default_factory=list)

    def content(self, content: Content) -> None:
        """Scripts hold data; a text may be an address; a comment says where the page is from."""
        if content.name == "comment":
            match = _SAVED_FROM.match(content.text)
            if match and not self._saved_from:
                self._saved_from = match[1]
        elif content.name == "script":
            first = self.line
            for item in literals(content.text):
                self.line = first + item.line
                self._literal(item)
        elif content.name in {"text", "textarea", "xmp"} and "://" in content.text:
            counted = 0
            for match in _PLAIN.finditer(content.text):
                self.line += content.text.count("\n", counted, match.start())
                counted = match.start()
                url = unescape(match[0]).rstrip(".,;:!?)]")
                if names_image(url):
                    self._add(url)

    def open(self, tag: Tag) -> None:
        """Take what a start tag names."""
        name, attributes = tag.name, tag.attributes
        if not attributes and name not in {"picture", self._wrapper}:
            return
        self._nest(name)
        if name in {"meta", "link", "base"}:
            self._head(name, attributes)
            return
        original = self._data(attributes)
        if name in {"a", "area"}:
            original = self._link(attributes.get("href", "")) or original
        if name == "picture":
            self._sources = []
        elif name == "source":
            if self._sources is not None:  # else of a film
                self._sources.append(tag)
        else:
            self._picture(tag, original)
        for url in styled(attributes.get("style", "")):
            self._add(url)
        if original and not self._wrapper and not is_void(name):
            self._wrapper, self._depth = name, 1

    def _nest(self, name: str) -> None:
        if name == self._wrapper == "a":  # links do not nest: the next one ends the last
            self.close(name)
        elif name == self._wrapper:
            self._depth += 1

    def close(self, name: str) -> None:
        """At the end of an element whose original is known, its thumbnails are not needed."""
        if name == "picture" and self._sources:
            self._picture(Tag("source", 0), original=False)
        if name != self._wrapper:
            return
        self._depth -= 1
        if self._depth <= 0:
            self._leave_out(SMALLER, len(self._within))
            self._within, self._wrapper = [], ""

    def finish(self, collector: Collector) -> None:
        """Resolve all addresses and hand them on, in the page's order."""
        base = self.address or self._saved_from or self._canonical
        base = _joined(base, self._base) if self._base else base
        found = sorted(self._found + self._within, key=lambda item: item[0])
        small = {_absolute(raw, base) for raw in self._small}
        for line, raw in found:
            url = _absolute(raw, base)
            if url in small:
                collector.leave_out(SMALLER)
            elif url in {RELATIVE, LOCAL}:
                collector.leave_out(url)
            elif _NO_PICTURES.fullmatch(ending(url)) or "/favicon" in url:
                collector.leave_out(ICONS)
            elif url:
                self._take(collector, url, line)
        for what, number in self._left_out.items():
            collector.leave_out(what, number)

    def _take(self, collector: Collector, url: str, line: int) -> None:
        if url[:14].lower() == "data:image/svg":
            collector.leave_out(ICONS)
            return
        if url[:5].lower() == "data:" and len(url) < 1000:
            try:
                if decoded(url, line).is_dot:
                    collector.leave_out(DOTS)
                    return
            except BadAddress:
                pass  # refused below, with the reason
        collector.take(url, line)

    def _add(self, url: str) -> None:
        self._found.append((self.line, url))
        check_rows(len(self._found) + len(self._within), "addresses")

    def _leave_out(self, what: str, number: int = 1) -> None:
        if not number:
            return
        self._left_out[what] = self._left_out.get(what, 0) + number

    def _head(self, name: str, attributes: dict[str, str]) -> None:
        relation = attributes.get("rel", "").lower()
        href = attributes.get("href", "")
        if name == "base":
            self._base = self._base or href
        elif name == "meta":
            kind = attributes.get("property") or attributes.get("name") or ""
            kind = kind or attributes.get("itemprop", "")
            if kind.lower() in _META | {"image"}:
                self._add(attributes.get("content", ""))
        elif _ICON.search(relation):
            self._leave_out(ICONS)
        elif relation == "canonical":
            self._canonical = self._canonical or href
        elif relation == "image_src" or attributes.get("as", "").lower() == "image":
            self._picture(Tag("img", 0, attributes={"src": href, **attributes}), original=False)

    def _data(self, attributes: dict[str, str]) -> bool:
        """Take the addresses of JSON in attributes; return whether one original is named."""
        found = [
            item
            for value in attributes.values()
            if value.lstrip()[:1] in {"{", "["}
            for item in literals(value)
        ]
        pictures = [item for item in found if item.is_picture]
        for item in found:
            item.is_small = item.is_small or bool(pictures and item.is_thumbnail)
            self._literal(item)
        return len(pictures) == 1 and pictures[0].is_original

    def _literal(self, item: Literal) -> None:
        if item.text[:4].lower() != "http" and not names_image(item.text):
            return  # inline thumbnails of the page, or `//` that begins no address
        if item.is_small:
            self._small.add(item.text)
            self._leave_out(SMALLER)
        elif item.is_image:
            self._add(item.text)

    def _link(self, href: str) -> bool:
        """Take a link that leads to a picture; return whether it does."""
        target = unwrapped(href)
        if target != href or names_image(target):
            self._add(target)
            return True
        return False

    def _picture(self, tag: Tag, original: bool) -> None:
        sources: list[Tag] = []
        if tag.name in {"img", "source"}:
            sources, self._sources = self._sources or [], None
        chosen, others, is_dot = best(tag, sources)
        if is_dot:
            self._leave_out(DOTS)
        elif chosen and original:
            others += 1
        elif chosen and self._wrapper:
            self._within.append((self.line, chosen))
            check_rows(len(self._found) + len(self._within), "addresses")
        elif chosen:
            self._add(chosen)
        self._leave_out(SMALLER, others)


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


def _absolute(raw: str, base: str) -> str:
    """``raw`` as a whole address, or RELATIVE or LOCAL; nothing for what no request could ask."""
    url = re.sub(r"[\t\n\r]", "", raw).strip()
    if url[:7].lower() in {"http://", "https:/"} or url[:5].lower() == "data:":
        return url
    if not url or url.startswith("#") or _SCHEME.match(url):
        return ""
    is_based = base[:7].lower() in {"http://", "https:/"}
    if url.startswith("//"):
        return (base.partition("//")[0] if is_based else "https:") + url
    if _LOCAL_COPY.match(url.removeprefix("./")):
        return LOCAL
    return _joined(base, url) if is_based else RELATIVE
