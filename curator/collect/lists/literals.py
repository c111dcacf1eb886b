"""Image addresses among the string literals of JSON and of scripts.

A page's data stands in scripts that are nearly JSON, cut off or escaped once more, so nothing is
parsed: string literals that are addresses are looked up, with the key before them and the braces
around them. One pass, linear; nesting costs nothing. Which of them become part of a list is for
the caller to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from curator.collect.lists.caps import check_rows
from curator.collect.lists.found import names_image

_SLASHES = r"(?:\\?/|\\u002[fF]|\\x2[fF]){2}"
_SCHEME = r"(?:[hH][tT][tT][pP][sS]?(?::|\\u003[aA]|\\x3[aA]))?"
_DATA = r"data:image\\?/"
_TOKEN = re.compile(
    rf"[{{}}]"
    rf'|(?<!\\)"((?:{_SCHEME}{_SLASHES}|{_DATA})[^"\\\s<>]*+(?:\\.[^"\\\s<>]*+){{0,4000}}+)"'
    rf"|(?<!\\)'((?:{_SCHEME}{_SLASHES}|{_DATA})[^'\\\s<>]*+(?:\\.[^'\\\s<>]*+){{0,4000}}+)'"
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NESTED = re.compile(r"\\(?:\"|x22|u0022)")
_KEY = re.compile(r"""["']?([\w$.@-]{1,40})\\{0,3}["']?\s{0,4}:\s{0,4}$""")
# Height and width after an address, as in the arrays of an image search.
_SIZES = re.compile(r"\s{0,9},\s{0,9}(\d{1,5})\s{0,9},\s{0,9}(\d{1,5})\s{0,9}\]")
_NEXT_ARRAY = re.compile(r"\s{0,9},\s{0,9}\[\s{0,9}")

_ORIGINAL = re.compile(
    r"murl|imgurl|ou|orig(?:inal)?(?:url|src|image)?|imghref|contenturl|fullsize"
)
_SMALL = re.compile(r"turl|tu|.*(?:thumb|tbn|preview|lqip|placeholder).*")
_IMAGE = re.compile(
    r".*(?:img|image|photo|picture|poster|avatar|mediaurl).*|src|pic|pics"
    rf"|{_ORIGINAL.pattern}|{_SMALL.pattern}"
)

_PERSON = re.compile(r".*(?:avatar|author|user|profile|logo|icon).*")

_DEEPEST = 10_000  # open braces that are remembered; deeper ones are only counted
_LOOK_BACK = 60  # characters before a value in which its key stands


@dataclass(slots=True)
class Literal:
    """A string that is an address, unescaped.

    ``line``: newlines before it. ``key``: lower case, only letters and digits. ``depth``: braces
    around it. ``is_sized``: height and width follow it. ``is_small``: the same object names the
    original of this thumbnail.
    """

    text: str
    line: int
    key: str
    depth: int
    is_sized: bool = False
    is_small: bool = False

    @property
    def is_image(self) -> bool:
        """Whether its key, its ending or the size that follows it says that it is a picture."""
        return self.is_sized or _matches(_IMAGE, self.key) or names_image(self.text)

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture itself, not its thumbnail and not its author's."""
        return self.is_image and not (self.is_thumbnail or _matches(_PERSON, self.key))

    @property
    def is_original(self) -> bool:
        """Whether its key says that it is the original of a search result."""
        return _matches(_ORIGINAL, self.key)

    @property
    def is_thumbnail(self) -> bool:
        """Whether its key says that it is a smaller version."""
        return _matches(_SMALL, self.key)


def literals(text: str) -> list[Literal]:
    """Every address among the string literals of ``text``, also in JSON inside of strings."""
    found = _literals(text)
    for _ in range(2):  # JSON in a string of JSON is known to happen
        if not _NESTED.search(text):
            break
        text = unescaped(text)
        seen = {item.text for item in found}
        found += [item for item in _literals(text) if item.text not in seen]
    return found


def unescaped(text: str) -> str:
    r"""``text`` without one level of backslashes: ``\/``, ``\u003d``, ``\x3d``, ``\"``."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_character, text)
    if _SURROGATE.search(plain):  # a pair of escapes is one character
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return plain


class _Object:
    """An open brace: where it is, the addresses in it, and those of objects under its keys."""

    __slots__ = ("found", "handed", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.found: list[Literal] = []
        self.handed: list[Literal] = []


def _literals(text: str) -> list[Literal]:
    found: list[Literal] = []
    stack = [_Object(0)]
    deeper = 0
    counted = line = 0
    sized_end = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if match[0] == "{":
            if len(stack) < _DEEPEST:
                stack.append(_Object(start))
            else:
                deeper += 1
            continue
        if match[0] == "}":
            if deeper:
                deeper -= 1
            elif len(stack) > 1:
                _close(text, stack.pop(), stack[-1])
            continue
        line += text.count("\n", counted, start)
        counted = start
        value = unescaped(match[1] or match[2])
        item = Literal(value, line, _key_before(text, start), len(stack) - 1 + deeper)
        sizes = _SIZES.match(text, end)
        if sizes:
            item.is_sized = True
            # An image search lists the thumbnail and then the original, each with its size.
            if sized_end and _NEXT_ARRAY.fullmatch(text, sized_end, start):
                found[-1].is_small = True
            sized_end = sizes.end()
        found.append(item)
        check_rows(len(found), "addresses")
        stack[-1].found.append(item)
    while len(stack) > 1:
        _close(text, stack.pop(), stack[-1])
    return found


def _close(text: str, item: _Object, around: _Object) -> None:
    """Tell thumbnails from originals in an object, and hand what is under a key to its parent."""
    own = item.found
    small = [literal for literal in own + item.handed if literal.is_thumbnail]
    if small and any(literal.is_picture for literal in own + item.handed):
        for literal in small:
            literal.is_small = True
    key = _key_before(text, item.start) if own else ""
    if _matches(_IMAGE, key):  # `"thumbnail": {"url": ...}`: the outer key says what it is
        for literal in own:
            literal.key = key
        # What was handed up stays here: a second step would make deep nesting costly.
        around.handed += own


@lru_cache(maxsize=1024)
def _matches(pattern: re.Pattern[str], key: str) -> bool:
    return pattern.fullmatch(key) is not None


def _key_before(text: str, start: int) -> str:
    before = text[max(0, start - _LOOK_BACK) : start]
    match = _KEY.search(before) if before.rstrip().endswith(":") else None
    return re.sub(r"[^a-z0-9]", "", match[1].lower()) if match else ""


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return " " if match[3] in "nrtbf" else match[3]
    return chr(int(match[1] or match[2], 16))
