"""Plain and Markdown lists: addresses in lines, with whatever people and mail programs add.

Quoting marks, bullets, numbers, quotes and brackets around an address are not part of it. Several
addresses in a line are separated by blanks, commas or semicolons. A line that is an address alone
is kept byte for byte. What could be read in two ways is refused, never guessed.
"""

from __future__ import annotations

import re

from curator.collect.lists.caps import check_rows
from curator.collect.lists.found import SMALLER, Collector, bare_of, names_image

# The usual line, recognised at once.
_SIMPLE = re.compile(r"https?://[^\s,;<>\"'`|\\()\[\]]+", re.IGNORECASE)
_DATA_LINE = re.compile(r"data:[^\s\"'<>]+[^\s\"'<>,;]", re.IGNORECASE)
_START = r"(?:https?://|data:image/)"
_ADDRESS = re.compile(_START, re.IGNORECASE)
_QUOTING = re.compile(r"\s*(?:[>|]\s*)+")
_BULLET = re.compile(r"\s*(?:[-*+•·\u2023\u2013\u2014]|\(?\d{1,7}[.):]|\[[ xX]?\])\s+")
# The lookbehind keeps long runs of blanks from being tried from each of their blanks.
_BETWEEN = re.compile(
    rf"(?<![\s,;])[\s,;]++(?=[\"'<(\[`\u201c]?{_START})|(?<=>)(?=<{_START})"
    # Two lists were joined without a line break between them.
    r"|(?:(?<=\.jpg)|(?<=\.png)|(?<=\.gif)|(?<=\.jpeg)|(?<=\.webp))(?=https?://)",
    re.IGNORECASE,
)
_INNER = re.compile(rf"{_START}[^\s<>\"`\u201c\u201d]+", re.IGNORECASE)
_CELL_END = re.compile(r"\t|\s\|")
_LINK = re.compile(
    rf"\]\(\s{{0,9}}(?:<({_START}[^<>]*+)>|({_START}(?:[^\s<>()]|\([^\s<>()]*+\))*+))"
    r"(?:\s{1,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'))?",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    rf"\s{{0,3}}\[[^\]]{{1,200}}\]:\s{{0,9}}<?({_START}[^\s<>]+)", re.IGNORECASE
)
_MARKDOWN = re.compile(
    rf"\]\(\s{{0,9}}<?{_START}|^ {{0,3}}\[[^\]\n]{{1,200}}\]:\s{{0,9}}<?{_START}",
    re.IGNORECASE | re.MULTILINE,
)
_TOKEN = re.compile(r"[^\s<>\"']+")
_LONG = 60  # characters from which a mail program may have broken a line
_MOST_LINES = 20  # that one broken address may cover

LINKED = "links from a picture to a page"
PROSE = "lines without an address"


def is_markdown(text: str) -> bool:
    """Whether the text has Markdown's links or images."""
    return _MARKDOWN.search(text) is not None


def read_plain(text: str, collector: Collector, markdown: bool = False) -> None:
    """Hand every address of the text to ``collector``; lines that have none are refused.

    In Markdown, lines without an address are prose and only counted; elsewhere lines that begin
    with ``#`` are comments.
    """
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()  # the end of the last line, not a blank one
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if _is_simple(line):
            collector.take(line, number)
            continue
        body = _unmarked(line)
        if not body:
            collector.blank += 1
        elif body.startswith("#") and not markdown:
            collector.comments += 1
        else:
            whole, used = _whole(body, lines, number)
            check_rows(whole.count("://") + whole.count("data:"), "addresses in one line")
            first, number = number, number + used
            if markdown:
                _read_markdown(whole, first, collector)
            else:
                _read_line(whole, first, collector)


def _is_simple(line: str) -> bool:
    """Whether the line is one address without any doubt."""
    if _SIMPLE.fullmatch(line):
        return not _may_be_broken(line) and "http" not in line[8:]
    return _DATA_LINE.fullmatch(line) is not None


def _unmarked(line: str) -> str:
    """Without the marks of quoting, bullets and numbers at its beginning."""
    body = _QUOTING.sub("", line, count=1) if _QUOTING.match(line) else line
    bullet = _BULLET.match(body)
    body = body[bullet.end() :] if bullet else body
    if body != line and "|" in line[:20]:
        body = body.rstrip().removesuffix("|")
    return body.strip().strip("\ufeff")


def _read_line(body: str, number: int, collector: Collector) -> None:
    pieces = _BETWEEN.split(body)
    is_alone = len(pieces) == 1
    found = False
    for piece in pieces:
        bare = bare_of(piece)
        if bare.endswith(">") and "<" not in bare:
            bare = bare[:-1]  # opened on an earlier line
        start = _ADDRESS.match(bare)
        if start is None:
            inner = _INNER.findall(bare)
            for text in inner:
                collector.take(_trimmed(text), number)
            found = found or bool(inner)
            continue
        found = True
        if _is_single(bare):
            collector.take(bare if is_alone else _trimmed(bare), number)
        else:
            _read_words(bare, number, collector, is_first=piece is pieces[0])
    if not found and (bare := bare_of(body)):
        collector.take(bare, number)  # refused, with the reason
    elif not found:
        collector.blank += 1


def _is_single(bare: str) -> bool:
    return re.search(r"\s", bare) is None


def _read_words(bare: str, number: int, collector: Collector, is_first: bool) -> None:
    """An address that is followed by blanks and more."""
    cell = _CELL_END.split(bare, maxsplit=1)[0].strip()
    first = cell.split(maxsplit=1)[0] if cell else ""
    if cell == first or names_image(first) or not is_first:
        collector.take(_trimmed(bare_of(first)), number)
    elif names_image(cell):
        collector.take(cell, number)  # the blanks are part of the file's name
    else:
        collector.refuse(
            number, bare, "It goes on after a blank: write %20 for a blank within an address."
        )


def _read_markdown(body: str, number: int, collector: Collector) -> None:
    links = list(_LINK.finditer(body))
    rest: list[str] = []
    end = 0
    skipped = -1
    for place, link in enumerate(links):
        rest.append(body[end : link.start()])
        end = link.end()
        url = link[1] or link[2]
        after = links[place + 1] if place + 1 < len(links) else None
        if place == skipped:
            continue
        if after is not None and body[end : after.start()].strip() == ")":
            # [![text](picture)](target): one thing, of which the larger picture counts.
            target = after[1] or after[2]
            collector.leave_out(SMALLER if names_image(target) else LINKED)
            url, skipped = (target if names_image(target) else url), place + 1
        collector.take(url, number)
    rest.append(body[end:])
    reference = _REFERENCE.match(body) if not links else None
    found = len(links)
    if reference:
        collector.take(reference[1], number)
        found += 1
    else:
        for inner in _INNER.findall("\n".join(rest)):
            for text in _BETWEEN.split(inner):
                collector.take(_trimmed(text), number)
                found += 1
    if not found:
        collector.leave_out(PROSE)


def _trimmed(text: str) -> str:
    """Without the punctuation that ends the sentence or the bracket around an address."""
    end = len(text)
    open_brackets = {
        closing: text.count(opening) - text.count(closing)
        for opening, closing in (("(", ")"), ("[", "]"), ("{", "}"))
    }
    while end:
        last = text[end - 1]
        if last in open_brackets and open_brackets[last] < 0:
            open_brackets[last] += 1
        elif last not in ".,;:!?'*_":
            break
        end -= 1
    return text[:end]


def _may_be_broken(line: str) -> bool:
    return len(line) >= _LONG and (line[-1] in "/-_=&?,+%" or line[-2:-1] == "%")


def _whole(body: str, lines: list[str], number: int) -> tuple[str, int]:
    """``body`` with the lines that belong to it, and how many those are; usually none.

    ``lines[number]`` is the next line. An address between < and > may be broken anywhere (RFC
    3986, appendix C). Another one is continued only where it is long, ends in the middle of an
    escape or at a separator, and exactly one line follows that is the end of an image's path.
    """
    if body.startswith("<") and ">" not in body and _ADDRESS.match(body, 1):
        parts = [body]
        for more in lines[number : number + _MOST_LINES]:
            parts.append(_unmarked(more))
            if not parts[-1] or _ADDRESS.search(parts[-1]) or re.search(r"\s", parts[-1]):
                break
            if ">" in parts[-1]:
                is_end = parts[-1].endswith(">") and parts[-1].count(">") == 1
                return ("".join(parts), len(parts) - 1) if is_end else (body, 0)
        return body, 0
    if number >= len(lines) or not _SIMPLE.fullmatch(body) or not _may_be_broken(body):
        return body, 0
    more = _unmarked(lines[number])
    after = _unmarked(lines[number + 1]) if number + 1 < len(lines) else ""
    if not _TOKEN.fullmatch(more) or _ADDRESS.search(more) or more.startswith(("#", "/")):
        return body, 0
    is_last = not after or _ADDRESS.match(after.lstrip("<\"'")) is not None
    if is_last and names_image(body + more) and not names_image(body):
        return body + more, 1
    return body, 0
