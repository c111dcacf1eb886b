"""Web pages, JSON, Markdown and embedded pictures as lists."""

from __future__ import annotations

import base64
import html
import json
from hashlib import sha256

import pytest

from curator.collect.lists import AddressList, parse
from curator.collect.lists.embedded import MAX_BYTES

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def urls(text: str | bytes) -> list[str]:
    """Give the addresses alone."""
    return [address.url for address in parse(text).addresses]


def left_out(parsed: AddressList) -> dict[str, int]:
    """Give what was passed over, by the first word."""
    return {what.split()[0].strip(","): number for what, number in parsed.left_out}


BING = {
    "purl": "https://page.example/",
    "murl": "https://o.example/a.jpg?x=1&copy=2",
    "turl": "https://tse.example/th?id=1",
}


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            "<img src='https://a.example/1?b=1&copy=2&amp;c=3'>",
            "https://a.example/1?b=1&copy=2&c=3",
        ),
        ("<IMG SRC=https://a.example/1.jpg>", "https://a.example/1.jpg"),
        (f"<img src='{DOT}' data-src='//a.example/1.jpg'>", "https://a.example/1.jpg"),
        (
            "<img src=https://a.example/s.gif data-original=https://a.example/1>",
            "https://a.example/1",
        ),
        ("<img data-iurl=https://a.example/1?x>", "https://a.example/1?x"),
        ("<img src=https://a.example/s data-lazy-src=https://a.example/1>", "https://a.example/1"),
        (
            """<img src=https://a.example/s.jpg srcset='https://a.example/s.jpg 1x,
            https://a.example/c,d.jpg 3x, https://a.example/m.jpg 2x'>""",
            "https://a.example/c,d.jpg",
        ),
        (
            "<img data-srcset='https://a.example/1 90w, https://a.example/2 9w'>",
            "https://a.example/1",
        ),
        (
            """<picture><source srcset='https://a.example/s 10w, https://a.example/l 99w'
            ><img src=https://a.example/m></picture>""",
            "https://a.example/l",
        ),
        (
            "<a href=https://a.example/1.jpg?x><img src=https://a.example/t></a>",
            "https://a.example/1.jpg?x",
        ),
        (
            "<a href=https://a.example/wiki/File:Bear.jpg><img src=https://a.example/t></a>",
            "https://a.example/t",
        ),
        (
            "<a href='/i?imgurl=https%3A%2F%2Fa.example%2F1%3Fx%3D%2526&amp;y'><img src=/t></a>",
            "https://a.example/1?x=%26",
        ),
        ("<meta property=og:image content=https://a.example/1>", "https://a.example/1"),
        ("<meta name=twitter:image content=https://a.example/1>", "https://a.example/1"),
        ("<link rel=image_src href=https://a.example/1>", "https://a.example/1"),
        (
            "<p style='background-image: url(&quot;https://a.example/1&quot;)'>",
            "https://a.example/1",
        ),
        ("<div data-bg=https://a.example/1>", "https://a.example/1"),
        ("<pre>see https://a.example/1.jpg, and</pre>", "https://a.example/1.jpg"),
        (
            f'<a m="{html.escape(json.dumps(BING))}"><img src="https://tse.example/th?w=9"></a>',
            BING["murl"],
        ),
        (
            '<script>x={"ou":"https://a.example/1?b\\u003dc","tu":"//t/1"}',
            "https://a.example/1?b=c",
        ),
        ('<script>x={"murl":"https:\\/\\/a.example\\/1"}</script>', "https://a.example/1"),
        (
            '<script>[["https://t.example/images?q",183,275]\n,["https://a.example/1",600,800]]',
            "https://a.example/1",
        ),
        (
            "<script>x='{\\x22murl\\x22:\\x22https://a.example/1\\x22}'</script>",
            "https://a.example/1",
        ),
        ('<script>x="{\\"murl\\":\\"https:\\\\/\\\\/a.example\\\\/1\\"}"', "https://a.example/1"),
        (
            '<script>{"thumbnail":{"url":"https://t/1"},"src":"https://a.example/1"}',
            "https://a.example/1",
        ),
        (
            "<base href=https://a.example/p/><img src='../1.jpg?x=%2f'>",
            "https://a.example/1.jpg?x=%2f",
        ),
        (
            "<!-- saved from url=(0021)https://a.example/p/q --><img src=1.jpg>",
            "https://a.example/p/1.jpg",
        ),
        (
            "<link rel=canonical href=https://a.example/p/q><img src=/1.jpg>",
            "https://a.example/1.jpg",
        ),
        ("<p>half a <img src='https://a.example/1' alt=\"", "https://a.example/1"),
    ],
)
def test_a_page_gives_its_picture(markup: str, expected: str) -> None:
    """Each way of naming a picture gives one address, the largest or the original."""
    parsed = parse("<html>\n" + markup)
    assert [(item.url, item.line) for item in parsed.addresses] in (
        [(expected, 2)],
        [(expected, 3)],
    )
    assert (parsed.kind, parsed.refused, parsed.duplicates) == ("web page", (), ())
    assert parsed.sentence == "a web page with 1 image address"


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ("<img src=/1.jpg>", "relative"),
        ("<base href=https://a.example/><img src='./Bears_files/1.jpg'>", "local"),
        ("<img src=https://a.example/1.gif width=1 height='1px'>", "placeholders"),
        (f"<img src='{DOT}'>", "placeholders"),
        ("<img src=https://a.example/logo.svg>", "icons"),
        ("<img src='data:image/svg+xml,%3Csvg/%3E'>", "icons"),
        ("<link rel='shortcut icon' href=https://a.example/x.png>", "icons"),
        ("<img src=https://a.example/favicon.png>", "icons"),
    ],
)
def test_a_page_leaves_out(markup: str, what: str) -> None:
    """What is certainly no picture to learn from, or has no whole address, is counted."""
    parsed = parse("<body>" + markup)
    assert (parsed.addresses, parsed.images, left_out(parsed)) == ((), (), {what: 1})


@pytest.mark.parametrize(
    "text", ["<img srcset=x", "<a href='javascript:x'>", "<img src='blob:x'>", "<img src=>", "</a>"]
)
def test_a_page_without_pictures(text: str) -> None:
    """Nothing is found in what has nothing, and nothing is refused."""
    parsed = parse("<html><div>" + text)
    assert (parsed.addresses, parsed.refused) == ((), ())


def test_a_declared_encoding() -> None:
    """A page that is no UTF-8 is read as it declares."""
    page = "<meta charset=windows-1251><img src='http://a.example/ж.jpg'>"
    assert urls(page.encode("windows-1251")) == ["http://a.example/%D0%B6.jpg"]


def test_a_page_saved_as_one_file() -> None:
    """MHTML is taken apart; its page is resolved by where it was saved from."""
    text = (
        "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/p/\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary="--=_x"\r\n\r\n'
        "----=_x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        '<html><img src=3D"b.jpg?x=3D1=\r\n2">\r\n----=_x\r\nContent-Type: image/png\r\n\r\n'
        "<img src=https://a.example/no.jpg>\r\n----=_x--\r\n"
    )
    parsed = parse(text.encode())
    assert [item.url for item in parsed.addresses] == ["https://a.example/p/b.jpg?x=12"]
    assert parsed.kind == "web page"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["https://a.example/1", "https://a.example/2"]', [1, 2]),
        ('{"x": [{"y": {"url": "https://a.example/1.jpg"}}, "https://a.example/"]}', ["1.jpg"]),
        (
            r"""{"results": [{"image": "https:\/\/a.example\/1", "thumbnail": "https://t/",
            "url": "https://page/"}]}""",
            [1],
        ),
        ('{"photo": {"link": "https://a.example/1"}}', [1]),
        ('{"a": [{"url": "https://a.example/1"}]}', [1]),
        ('{"murl": "https://a.example/1"}\n{"murl": "https://a.example/2"}', [1, 2]),
        ('[[["https://a.example/1.jpg?b=\\u0026"', ["1.jpg?b=&"]),
    ],
)
def test_json(text: str, expected: list[int | str]) -> None:
    """A JSON document gives what looks like an image or stands under such a key."""
    assert urls(text) == [f"https://a.example/{name}" for name in expected]


def test_markdown() -> None:
    """Images, links, references and bare addresses count; prose is not refused."""
    parsed = parse(
        '# Bears\n![alt](https://a.example/1.jpg "a title") and [two](<https://a.example/2>)\n'
        "[![t](https://a.example/t.jpg)](https://a.example/3.jpg) prose\n\n"
        "[![t](https://a.example/4.png)](https://page.example/)\n"
        "[ref]: https://a.example/5_(b).jpg 'title'\nprose\n* <https://a.example/6>.\n"
        "[x](https://a.example/7_(y).jpg),[z](https://a.example/8)\n"
    )
    assert [item.url.removeprefix("https://a.example/") for item in parsed.addresses] == [
        *("1.jpg", "2", "3.jpg", "4.png", "5_(b).jpg", "6", "7_(y).jpg", "8")
    ]
    assert [item.line for item in parsed.addresses] == [2, 2, 3, 5, 6, 8, 9, 9]
    assert (parsed.kind, parsed.refused, parsed.blank) == ("Markdown text", (), 1)
    assert left_out(parsed) == {"smaller": 1, "links": 1, "lines": 2}


PIXELS = b"\x89PNG and what is not verified here"


@pytest.mark.parametrize(
    "address",
    [
        "data:image/png;base64," + base64.b64encode(PIXELS).decode(),
        "DATA:Image/PNG;base64," + base64.urlsafe_b64encode(PIXELS).decode().rstrip("="),
        "data:image/png;x=y;base64," + base64.b64encode(PIXELS).decode().replace("=", "%3D"),
        "data:image/png,%89PNG%20and%20what%20is%20not%20verified%20here",
    ],
)
@pytest.mark.parametrize("around", ["{}", "- {}", "<img src='{}'>", '["{}"]', "![x]({})"])
def test_embedded_pictures(address: str, around: str) -> None:
    """A ``data:`` picture is decoded; only its header and hash stand for it."""
    parsed = parse(around.format(address))
    [image] = parsed.images
    assert (image.data, image.mime, image.line) == (PIXELS, "image/png", 1)
    assert image.origin == f"data:image/png;sha256,{sha256(PIXELS).hexdigest()}"
    assert (parsed.addresses, parsed.refused) == ((), ())
    assert "PNG" not in repr(image)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("data:text/html,x", "text/html"),
        ("data:,x", "plain text"),
        ("data:image/png;base64,", "no content"),
        ("data:image/png;base64,AAA*", "damaged"),
        ("data:image/png;base64,AAAAA", "damaged"),
        ("data:image/png", "no content"),
        ("data:image/png;base64," + "AAAA" * (MAX_BYTES // 3 + 1), "at most"),
    ],
    ids=lambda value: value[:30],
)
def test_bad_embedded_pictures(address: str, said: str) -> None:
    """What is embedded but no usable picture is refused by its line, without its content."""
    parsed = parse("http://a.example/1\n" + address)
    [refused] = parsed.refused
    assert refused.line == 2
    assert said in refused.problem
    assert len(refused.text) < 70
