"""Plain lists and tables: whatever people paste, export or damage."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from curator.collect.http.urls import MAX_LENGTH
from curator.collect.lists import Address, AddressList, parse
from curator.collect.lists import read_list as read
from curator.errors import BadList

if TYPE_CHECKING:
    from pathlib import Path


def urls(parsed: AddressList) -> list[str]:
    """Give the addresses alone."""
    return [address.url for address in parsed.addresses]


def test_text() -> None:
    """Blank lines and comments are skipped, repetitions and rubbish are reported by line."""
    parsed = parse(
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
    assert parsed.sentence == "a list with 2 addresses"


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
        "> http://a.example/x.jpg",
        ">> | > http://a.example/x.jpg",
        "12. http://a.example/x.jpg",
        "3) <http://a.example/x.jpg>",
        "- http://a.example/x.jpg",
        "\u2022 http://a.example/x.jpg",
        "[x] http://a.example/x.jpg",
        "> - 'http://a.example/x.jpg'",
        "the bear (see http://a.example/x.jpg).",
        "Bear: http://a.example/x.jpg, brown",
        "http://a.example/x.jpg 600x800",
        "http://a.example/x.jpg\tblack bear",
        "| bear | http://a.example/x.jpg | 3 |",
        "https://www.google.com/imgres?imgurl=http%3A%2F%2Fa.example%2Fx.jpg&imgrefurl=y",
    ],
)
def test_wrappings(line: str) -> None:
    """What people and programs put around an address is not part of it."""
    parsed = parse(line)
    assert (urls(parsed), parsed.refused) == (["http://a.example/x.jpg"], ())


@pytest.mark.parametrize(
    "line",
    [
        "http://a.example/1 http://a.example/2",
        "http://a.example/1,http://a.example/2",
        "http://a.example/1; http://a.example/2;",
        "http://a.example/1\thttp://a.example/2",
        '"http://a.example/1", "http://a.example/2"',
        "<http://a.example/1><http://a.example/2>",
        "http://a.example/1.jpghttp://a.example/2",
        "one http://a.example/1 and two (http://a.example/2)",
    ],
)
def test_several_in_a_line(line: str) -> None:
    """Blanks, commas, semicolons and tabs separate addresses."""
    found = [url.removesuffix(".jpg") for url in urls(parse(line))]
    assert found == ["http://a.example/1", "http://a.example/2"]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x.jpg?sig=a%2fb%2B&&x=1&amp;y=|{}~'()",
        "http://a.example/a%20b/%7Ex,(1).jpg",
        "http://a.example/w_100,h_200/x.jpg?a=1;b=2,3",
        "http://a.example/?next=http://b.example/?x=1",
        "https://web.archive.example/web/2019/http://b.example/x.jpg",
    ],
)
def test_an_address_alone_is_kept_byte_for_byte(url: str) -> None:
    """Commas, quotes and brackets within an address stay."""
    assert urls(parse(url)) == [url]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<http://a.example/very/long/\n path/x.jpg>", ["http://a.example/very/long/path/x.jpg"]),
        ("> <http://a.example/very/\n> x.jpg>\n", ["http://a.example/very/x.jpg"]),
        (f"http://a.example/{'x' * 50}/\nbear.jpg\n", [f"http://a.example/{'x' * 50}/bear.jpg"]),
        (f"http://a.example/{'x' * 50}%2\n0.jpg\n", [f"http://a.example/{'x' * 50}%20.jpg"]),
        # Each of these may mean something else.
        ("http://a.example/short/\nbear.jpg\n", ["http://a.example/short/"]),
        (f"http://a.example/{'x' * 60}\nbear.jpg\n", [f"http://a.example/{'x' * 60}"]),
        (f"http://a.example/{'x' * 50}/\na.jpg\nb.jpg", [f"http://a.example/{'x' * 50}/"]),
        (f"http://a.example/{'x' * 50}/\na bear\n", [f"http://a.example/{'x' * 50}/"]),
        ("<http://a.example/x\nhttp://b.example/y>", ["http://a.example/x", "http://b.example/y"]),
    ],
)
def test_broken_lines(text: str, expected: list[str]) -> None:
    """An address that a mail program broke is put together only where that is unambiguous."""
    assert urls(parse(text)) == expected


def test_blanks_in_an_address() -> None:
    """Blanks in a file's name are encoded; where they may end the address it is refused."""
    parsed = parse("http://a.example/my bear.jpg\nhttp://a.example/my bear")
    assert urls(parsed) == ["http://a.example/my%20bear.jpg"]
    assert [line.line for line in parsed.refused] == [2]
    assert "%20" in parsed.refused[0].problem


@pytest.mark.parametrize(
    "line",
    [
        "a.example/x.jpg",
        "//a.example/x.jpg",
        "ftp://a.example/x.jpg",
        "javascript:alert(1)",
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
        "http://a.example/\ud800",
        "http://a.example/" + "x" * MAX_LENGTH,
        "http://a.example/" + "ä" * (MAX_LENGTH - 100),
        "http://" + "ä" * 2000 + "/",
    ],
)
def test_refused(line: str) -> None:
    """What is no address to fetch is refused with a sentence, and never raises."""
    parsed = parse(line)

    assert (len(parsed.addresses), len(parsed.refused)) == (0, 1)
    assert parsed.refused[0].problem.endswith(".")
    assert len(parsed.refused[0].text) <= 200


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_encodings(encoding: str) -> None:
    """A list is read in whatever encoding an editor wrote it."""
    text = "http://a.example/bär.jpg\n"

    assert urls(parse(text.encode(encoding))) == ["http://a.example/b%C3%A4r.jpg"]


def table() -> pd.DataFrame:
    """Make a table with a bad row, an empty one, and a cell of two lines."""
    return pd.DataFrame(
        {
            "caption": ["a\nbear", "b", "c", "d"],
            "URL": ["http://a.example/1?x=1&y=2", None, "rubbish", "http://a.example/2"],
        }
    )


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("named", [True, False])
def test_tables(kind: str, named: bool, tmp_path: Path) -> None:
    """Every kind of table gives the same addresses, whatever its file is called."""
    path = tmp_path / (f"list.{kind.upper()}" if named else "list.txt")
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
    names = {"csv": "CSV table", "tsv": "TSV table", "jsonl": "JSON lines"}
    assert parsed.kind == names.get(kind, "Parquet table")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"name;url\nx;http://a.example/1\n", ""),
        (b"\xef\xbb\xbfurl\nhttp://a.example/1\n", ""),
        (b"sha256,Image_URL \n0,http://a.example/1\n", ""),
        (b'{"image_url": "http://a.example/1"}\n\n', "x.jsonl"),
        (b'{"image_url": "x", "url": "http://a.example/1"}', "x.jsonl"),
        (b"title,link\nbear,http://a.example/1\n", "x.csv"),
        (b"bear;http://a.example/1\n", "x.csv"),
        (b"http://a.example/1\tbear\n", "x.tsv"),
    ],
)
def test_columns(data: bytes, name: str) -> None:
    """The address column is found by its usual names, else by its content."""
    assert urls(parse(data, name)) == ["http://a.example/1"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"name,link\n1,2\n", "x.csv"),
        (b"", "x.csv"),
        (b'{"name": 1, "link": 2}', "x.jsonl"),
    ],
)
def test_missing_column(data: bytes, name: str) -> None:
    """A table without the column is refused, naming the columns that it has."""
    with pytest.raises(BadList, match=r"'name', 'link'|none"):
        parse(data, name)


def test_bad_rows_of_json_lines() -> None:
    """Lines that are no object with a text are reported, and the rest goes on."""
    parsed = parse(
        b'{"url": "http://a.example/1"}\n{broken\n[1]\n{"url": 5}\n{"x": 1}\n' + b"[" * 9999,
        "x.jsonl",
    )

    assert urls(parsed) == ["http://a.example/1"]
    assert [line.line for line in parsed.refused] == [2, 3, 4, 5, 6]


def test_oversized_field() -> None:
    """A monstrous cell costs its own row only."""
    cell = "x" * 200_000
    data = io.BytesIO(f"url\n{cell}\nhttp://a.example/1\n".encode()).getvalue()

    parsed = parse(data)

    assert urls(parsed) == ["http://a.example/1"]
    assert parsed.refused[0].line == 2


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing list, a folder, a false Parquet file and a picture are refused by name."""
    false, picture = tmp_path / "x.parquet", tmp_path / "x.txt"
    false.write_bytes(b"no table")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    for path in (tmp_path / "missing.txt", tmp_path, false, picture):
        with pytest.raises(BadList, match=re.escape(str(path))):
            read(path)
