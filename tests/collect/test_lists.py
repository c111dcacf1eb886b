"""Reading address lists: whatever people paste, export or damage."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.collect.addresses import MAX_LENGTH, BadAddress, host_of, normalise, port_of
from curator.collect.lists import Address, AddressList, decode_text, parse_table, parse_text
from curator.collect.lists import read_list as read
from curator.errors import BadList

if TYPE_CHECKING:
    from pathlib import Path


def urls(parsed: AddressList) -> list[str]:
    """Give the addresses alone."""
    return [address.url for address in parsed.addresses]


def test_text() -> None:
    """Blank lines and comments are skipped, repetitions and rubbish are reported by line."""
    parsed = parse_text(
        "# bears\nhttp://a.example/1.jpg\n\n  \nrubbish\r\nhttp://a.example/1.jpg\n"
        "https://b.example/2.jpg\n"
    )

    assert (
        Address("http://a.example/1.jpg", 2),
        Address("https://b.example/2.jpg", 7),
    ) == parsed.addresses
    assert [(line.line, line.text) for line in parsed.refused] == [(5, "rubbish")]
    assert "http://" in parsed.refused[0].problem
    assert parsed.duplicates == ((6, "http://a.example/1.jpg"),)
    assert (parsed.blank, parsed.comments) == (2, 1)


@pytest.mark.parametrize(
    "line",
    [
        '"http://a.example/x.jpg"',
        "'http://a.example/x.jpg',",
        "<http://a.example/x.jpg>",
        '  "http://a.example/x.jpg" , ',
        ",http://a.example/x.jpg;",
        "\ufeffhttp://a.example/x.jpg",
        "HTTP://A.Example:80/x.jpg#part",
    ],
)
def test_wrappings(line: str) -> None:
    """Quotes, commas and brackets around an address are not part of it."""
    assert urls(parse_text(line)) == ["http://a.example/x.jpg"]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x.jpg?sig=a%2fb%2B&&x=1&amp;y=|{}~'()",
        "http://a.example/a%20b/%7Ex,(1).jpg",
        "http://a.example/?",
        "http://a_b.example:8080/x;v=1",
        "http://[2001:db8::1]:81/x",
        "http://a.example/?next=http://b.example/?x=1",
    ],
)
def test_valid_addresses_stay_as_they_are(url: str) -> None:
    """What is valid is kept byte for byte, signed queries above all."""
    assert url == normalise(url)


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://a.example", "http://a.example/"),
        ("http://a.example?x", "http://a.example/?x"),
        ("http://a.example/a b.jpg", "http://a.example/a%20b.jpg"),
        ("http://a.example/100%.jpg", "http://a.example/100%25.jpg"),
        ("http://a.example/bär.jpg?q=bär", "http://a.example/b%C3%A4r.jpg?q=b%C3%A4r"),
        ("http://bären.example/", "http://xn--bren-loa.example/"),
        ("https://a.example:443/x", "https://a.example/x"),
    ],
)
def test_normalised(given_url: str, expected: str) -> None:
    """Only what a request cannot carry is encoded."""
    assert expected == normalise(given_url)


@pytest.mark.parametrize(
    "line",
    [
        "a.example/x.jpg",
        "//a.example/x.jpg",
        "ftp://a.example/x.jpg",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "http:///x.jpg",
        "http://",
        "http://user:secret@a.example/x.jpg",
        "http://a.example\\@b.example/",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://a..example/",
        "http://-/",
        "http://a.example/\tx",
        "http://a.example/x.jpg http://a.example/y.jpg",
        "http://a.example/\ud800",
        "http://a.example/" + "x" * MAX_LENGTH,
        "http://a.example/" + "ä" * (MAX_LENGTH - 100),
    ],
)
def test_refused(line: str) -> None:
    """What is no address to fetch is refused with a sentence, and never raises."""
    parsed = parse_text(line)

    assert (len(parsed.addresses), len(parsed.refused)) == (0, 1)
    assert parsed.refused[0].problem.endswith(".")
    assert len(parsed.refused[0].text) <= 200


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://a.example/", "a.example", 80),
        ("https://a.example/x:1", "a.example", 443),
        ("http://[::1]/", "[::1]", 80),
        ("http://[::1]:81/", "[::1]:81", 81),
    ],
)
def test_host_and_port(url: str, host: str, port: int) -> None:
    """Host and port are read from a normalised address."""
    assert (host, port) == (host_of(url), port_of(url))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes the parser fail, and every line is accounted for."""
    parsed = parse_text(text)
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))

    counted = len(parsed.addresses) + len(parsed.refused) + len(parsed.duplicates)
    assert len(lines) - (not lines[-1]) == counted + parsed.blank + parsed.comments


ODD_PIECES = 'http:// https:// a.example / ? # @ : % %2f ä \\ [ ] ::1 80 x=1 & " < > , 127.1 .'
PIECES = st.lists(
    st.sampled_from([*ODD_PIECES.split(), " ", "\n", "\t"]),
    max_size=12,
).map("".join)


@given(PIECES)
def test_no_address_is_invented(text: str) -> None:
    """Every address stems from its line, is plain ASCII, and is its own normal form."""
    lines = re.split(r"\r\n|\n|\r", text)
    for address in parse_text(text).addresses:
        line = unquote(lines[address.line - 1]).lower()
        path = address.url.split("/", 3)[3]
        assert unquote(path).lower() in line
        # A default port is left out, and IPv6 numbers are shortened; the rest is in the line.
        assert host_of(address.url).split(":")[0].strip("[]") in line
        assert address.url.isascii()
        assert " " not in address.url
        assert address.url == normalise(address.url)


@given(st.text(max_size=300), st.sampled_from(["", "http://", "https://a.example/"]))
def test_normalising_twice_changes_nothing(text: str, start: str) -> None:
    """An address in normal form stays what it is."""
    try:
        url = normalise(start + text)
    except BadAddress:
        return
    assert url == normalise(url)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(encoding: str) -> None:
    """A list is read in whatever encoding an editor wrote it."""
    text = "http://a.example/bär.jpg\n"

    assert urls(parse_text(decode_text(text.encode(encoding)))) == ["http://a.example/b%C3%A4r.jpg"]


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    """No content of a text list makes the reader fail."""
    parse_text(decode_text(data))


def table() -> pd.DataFrame:
    """Make a table with a bad row, an empty one, and a cell of two lines."""
    return pd.DataFrame(
        {
            "caption": ["a\nbear", "b", "c", "d"],
            "URL": ["http://a.example/1?x=1&y=2", None, "rubbish", "http://a.example/2"],
        }
    )


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_tables(kind: str, tmp_path: Path) -> None:
    """Every kind of table gives the same addresses by the ending of its name."""
    path = tmp_path / f"list.{kind.upper()}"
    if kind == "parquet":
        table().to_parquet(path)
    elif kind == "jsonl":
        path.write_text(table().dropna().to_json(orient="records", lines=True), "utf-8")
    else:
        table().to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")

    parsed = read(path)

    assert urls(parsed) == ["http://a.example/1?x=1&y=2", "http://a.example/2"]
    assert [line.text for line in parsed.refused] == ["rubbish"]
    last = {"csv": 6, "tsv": 6, "jsonl": 3, "parquet": 4}[kind]
    assert last == parsed.addresses[-1].line


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"name;url\nx;http://a.example/1\n", "csv"),
        (b"\xef\xbb\xbfurl\nhttp://a.example/1\n", "csv"),
        (b"sha256,Image_URL \n0,http://a.example/1\n", "csv"),
        (b'{"image_url": "http://a.example/1"}\n\n', "jsonl"),
        (b'{"image_url": "x", "url": "http://a.example/1"}', "jsonl"),
    ],
)
def test_columns(data: bytes, kind: str) -> None:
    """The address column is found under its usual names, with other separators too."""
    assert urls(parse_table(data, kind)) == ["http://a.example/1"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"name,link\n1,2\n", "csv"), (b"", "csv"), (b'{"name": 1, "link": 2}', "jsonl")],
)
def test_missing_column(data: bytes, kind: str) -> None:
    """A table without the column is refused, naming the columns that it has."""
    with pytest.raises(BadList, match=r"'name', 'link'|none"):
        parse_table(data, kind)  # type: ignore[arg-type]


def test_bad_rows_of_json_lines() -> None:
    """Lines that are no object with a text are reported, and the rest goes on."""
    parsed = parse_table(
        b'{"url": "http://a.example/1"}\n{broken\n[1]\n{"url": 5}\n{"x": 1}\n' + b"[" * 9999,
        "jsonl",
    )

    assert urls(parsed) == ["http://a.example/1"]
    assert [line.line for line in parsed.refused] == [2, 3, 4, 5, 6]


@given(st.binary(), st.sampled_from(["csv", "tsv", "jsonl", "parquet"]))
def test_any_table_is_read_or_refused(data: bytes, kind: str) -> None:
    """No content of a table raises anything but BadList."""
    for content in (data, b"url\n" + data, b"PAR1" + data + b"PAR1"):
        with contextlib.suppress(BadList):
            parse_table(content, kind)  # type: ignore[arg-type]


def test_oversized_field() -> None:
    """A monstrous cell costs its own row only."""
    cell = "x" * 200_000
    data = io.BytesIO(f"url\n{cell}\nhttp://a.example/1\n".encode()).getvalue()

    parsed = parse_table(data, "csv")

    assert urls(parsed) == ["http://a.example/1"]
    assert parsed.refused[0].line == 2


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing list, a folder and a false Parquet file are refused by name."""
    false = tmp_path / "x.parquet"
    false.write_bytes(b"no table")
    for path in (tmp_path / "missing.txt", tmp_path, false):
        with pytest.raises(BadList, match=re.escape(str(path))):
            read(path)
