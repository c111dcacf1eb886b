"""Any input at all: nothing crashes, nothing takes for ever, and no address is invented."""

from __future__ import annotations

import contextlib
import html
import re
from functools import partial
from urllib.parse import unquote

import idna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.collect.http.urls import host_of, normalise
from curator.collect.lists import AddressList, parse
from curator.errors import BadList
from tests.collect.work import Work

NAMES = st.sampled_from(["", "x.txt", "x.csv", "x.tsv", "x.jsonl", "x.json", "x.parquet", "x.md"])
STARTS = ["", "<html>", "url\n", '{"', "[", "![](http://", "MIME-Version: 1\nboundary=a\n\n--a\n"]

ADDRESSES = [
    "http://a.example/1.jpg",
    "https://b.example/p/2.png?sig=a%2Fb%2B&x=1&copy=2",
    "https:\\/\\/c.example\\/3.webp?a\\u003db",
    "https://d.example/4.jpg?a=1&amp;b=2",
    "//e.example/5.gif",
    "/p/6.jpg?x=%2f",
    "7.jpg",
    "http://b\u00e4r.example/\u00e4 8.jpg",
    "https://s.example/imgres?imgurl=https%3A%2F%2Fo.example%2F9.jpg%3Fa%3D1%2526b&x=1",
    "data:image/png;base64,iVBORw0KGgo=",
    "http://user@f.example/",
    "https://g.example",
]
PIECES = [
    *(
        "<img src='",
        '<img data-src="',
        "<img srcset='",
        "<a href='",
        "</a>",
        "<p style='background:url(",
    ),
    *(
        "<picture>",
        "</picture>",
        "<source srcset='",
        "<base href='",
        "<script>",
        "</script>",
        "<!--",
    ),
    *(
        "-->",
        "'",
        '"',
        ">",
        "/>",
        "<",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        ";",
        "\\",
        '\\"',
        "|",
    ),
    *(
        '"murl":',
        '"turl":',
        '"url":',
        '"thumbnail":',
        ",600,800]",
        "](",
        "![x](",
        "[r]: ",
        "> ",
        "- ",
    ),
    *(
        " 100w",
        " 2x",
        "#",
        "&quot;",
        "&amp;",
        "\\u0022",
        "url\n",
        "name,url\n",
        "\nboundary=a",
        "\n--a\n",
    ),
    *(" ", "\n", "\t", "\n\n", "Content-Type: text/html\n", "m='{&quot;murl&quot;:&quot;"),
    "<link rel=canonical href=https://base.example/q/>",
    "<!-- saved from url=(0020)https://saved.example/s/ -->",
]
FRAGMENTS = st.lists(
    st.one_of(st.sampled_from(ADDRESSES), st.sampled_from(PIECES), st.sampled_from(STARTS)),
    max_size=25,
).map("".join)


def read(data: str | bytes, name: str = "") -> AddressList | None:
    """Read it; nothing for what is refused as a whole."""
    with contextlib.suppress(BadList):
        return parse(data, name)
    return None


def without_backslashes(text: str) -> str:
    """Undo one level of a script's escapes."""
    text = re.sub(
        r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), text
    )
    return re.sub(r"\\(.)", r"\1", text)


def bare(text: str) -> str:
    """Without escapes, blanks, line breaks, marks of quoting and colons, in lower case.

    Colons, since an empty port is left out.
    """
    while unquote(text) != text:
        text = unquote(text)
    return re.sub(r"[\s>|:\ufffd]", "", text).lower()


def readings(text: str) -> list[str]:
    """Give everything that the text could mean, with each kind's escapes undone up to thrice."""
    every = {text}
    for _ in range(3):
        every |= {undo(item) for item in every for undo in (html.unescape, without_backslashes)}
    # A page decodes only references that end; both readings count.
    every |= {item.replace("&amp;", "&").replace("&quot;", '"') for item in every}
    return [bare(item) for item in every]


def parts_of(url: str) -> tuple[str, str]:
    """Give an address's host, as people write it, and all that follows it."""
    host = host_of(url)
    with contextlib.suppress(idna.IDNAError):
        host = idna.decode(host)
    rest = bare(url.split("/", 3)[3])
    return bare(host), rest


def is_complete(url: str) -> bool:
    """Whether it is in the form that a request sends."""
    return url == normalise(url) and url.isascii() and " " not in url


@given(st.text(), NAMES)
def test_any_text_is_read(text: str, name: str) -> None:
    """No text makes the parser fail, and what it finds is ready to request."""
    for start in STARTS:
        parsed = read(start + text, name)
        assert parsed is None or all(is_complete(item.url) for item in parsed.addresses)


@given(st.binary(), NAMES)
def test_any_bytes_are_read(data: bytes, name: str) -> None:
    """No content of a file makes the reader fail, nor what only begins like a table."""
    for content in (data, b"url\n" + data, b"PAR1" + data + b"PAR1", b"<meta charset=" + data):
        read(content, name)


@pytest.mark.slow
@settings(max_examples=400)
@given(FRAGMENTS)
def test_no_address_is_invented(text: str) -> None:
    """Every address stands in the input, once the documented escapes are undone.

    Where a page says where it is from, host and path may come from two places.
    """
    parsed = read(text)
    if parsed is None:
        return
    possible = readings(text)
    lines = text.count("\n") + 1
    for item in parsed.addresses:
        assert is_complete(item.url)
        assert 1 <= item.line <= lines
        host, rest = parts_of(item.url)
        whole = f"{host}/{rest}" if rest else host
        if re.search(r"<base|canonical|saved from", text):
            assert any(host in reading for reading in possible)
            tail = rest.rsplit("/", 1)[-1]
            assert any(tail in reading for reading in possible)
        else:
            assert any(whole in reading for reading in possible), (whole, possible)


@given(
    st.text(alphabet="ab /\\.:#>|<\n\t,;\"'()[]h", max_size=80).map(
        lambda s: s.replace("h", "http://")
    )
)
def test_every_line_is_accounted_for(text: str) -> None:
    """Each line of a plain list is blank, a comment, or named by what came of it."""
    parsed = parse(text)
    if parsed.kind != "list":
        return
    lines = text.split("\n")
    lines = lines[:-1] if not lines[-1] else lines
    named = {item.line for item in (*parsed.addresses, *parsed.refused)}
    named |= {line for line, _ in parsed.duplicates}
    assert parsed.blank + parsed.comments + len(named) <= len(lines)
    if "<" not in text:  # else an address may go over lines
        assert parsed.blank + parsed.comments + len(named) == len(lines)


LONG = 1 << 18  # letters


HOSTILE = [
    *(
        "<!--",
        '<a "',
        "<a x=",
        "<img",
        "<div>",
        "<a href=x.jpg>",
        "<script>",
        "<![CDATA[",
        "</",
    ),
    *("<p style='url(", "<picture>", "&", "{", "[", '{"a":', '["https:\\/', '"https://a', "\\"),
    *(
        '{"thumb":{"x":"https://a/b.jpg",',
        " ",
        ";",
        '"',
        "](http://a",
        "](http://a((",
        ")",
        "> ",
    ),
    *(" http://", "http://", "http://a,", "data:image/", "<http://a\n", "- ", "|", "\0", "\n"),
    *("https://a.example/collections/animals/bears/2019/gallery-of-/\n", "a, ", "\n--a\n\n"),
]
BEGINNINGS = ["", "<html>", "![](http://a/x)"]


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_length(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the text takes four times the work, and never six times as much.

    Counted are lines, calls and what patterns pass; in quadratic time it would be sixteen times.
    What one match of a pattern does inside is left to the long texts below.
    """
    work = Work(monkeypatch.setattr, "curator.collect")
    for start in BEGINNINGS:
        texts = [start + piece * (length // len(piece)) for length in (4_000, 16_000)]
        few, more = (work.of(partial(read, text)) for text in texts)
        assert more < 6 * few + 300


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("start", BEGINNINGS)
def test_hostile_repetition(start: str, piece: str) -> None:
    """A long text of anything is read; with patterns that go back and forth it would never end."""
    read(start + piece * (LONG // len(piece)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        f"<img srcset='{'a, ' * (LONG // 3)}'>",
        f"<p style='{'url(' * (LONG // 4)}'>",
        f"<p title='&#{'9' * LONG};'>",
        'url\n"' + "a\n" * (LONG // 2),
        "a,url\n" + "," * LONG,
        f"MIME-Version: 1.0\n{'boundary=a' * (LONG // 10)}",
        "http://" + "\u00e4" * LONG,
    ],
    ids=lambda text: text[:20],
)
def test_hostile_sizes(text: str) -> None:
    """A single monstrous attribute, row or name costs no more than its length."""
    read(text)
