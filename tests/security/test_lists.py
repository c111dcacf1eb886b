"""Small lists that unpack to more than a machine holds are refused by name, with little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from curator.collect.imports.labels import from_table
from curator.collect.lists import caps, parse
from curator.collect.lists.caps import MAX_BYTES, MAX_ROW, MAX_ROWS
from curator.errors import BadList

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

# What reading may add to the memory of a process that has the libraries and the packed list.
MOST_MEMORY = 300_000_000  # bytes

# Reads the list in a fresh process, and says what that took at its peak. Linux counts what the
# parent once had into `ru_maxrss`, so the process's own mark is read.
READ = """
import pathlib, re, sys
import pyarrow.parquet
from curator.collect.lists import caps, parse
from curator.errors import BadList
path = pathlib.Path(sys.argv[1])
data = path.read_bytes()
def peak():
    said = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", said)[1])
before = peak()
try:
    found = parse(data, path.name)
    said = f"{len(found.addresses)} addresses, {len(found.refused)} refused"
except BadList as error:
    said = f"BadList: {error}"
print(peak() - before)
print(said)
"""


def write(path: Path, column: pa.Array, **options: object) -> Path:
    """Write one column, ``url``, as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"url": column}), path, **options)
    return path


def many_rows(folder: Path) -> Path:
    """Give 120 million rows in a few kilobytes: one text, and how often it comes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    piece = 4_000_000
    indices = pa.Array.from_buffers(pa.int32(), piece, [None, pa.py_buffer(bytes(4 * piece))])
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["https://example.org/1.jpg"]))
    table = pa.table({"url": column})
    path = folder / "many.parquet"
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(30):
            writer.write_table(table)
    return path


def repeated_text(folder: Path) -> Path:
    """Give one text of a megabyte that comes a hundred thousand times."""
    import pyarrow as pa

    indices = pa.array([0] * 100_000, pa.int32())
    text = "https://example.org/" + "a" * 1_000_000
    column = pa.DictionaryArray.from_arrays(indices, pa.array([text]))
    return write(folder / "repeated.parquet", column, compression="zstd")


def long_text(folder: Path) -> Path:
    """Give one text of 300 megabytes, packed to almost nothing."""
    import pyarrow as pa

    column = pa.array(["h" + "a" * 300_000_000])
    return write(folder / "long.parquet", column, compression="zstd", use_dictionary=False)


def shared_beginnings(folder: Path) -> Path:
    """Give texts that are written as what they share with the one before: almost all of it."""
    import pyarrow as pa

    column = pa.array(["https://example.org/" + "a" * 1_000_000] * 1000)
    options = {"use_dictionary": False, "column_encoding": {"url": "DELTA_BYTE_ARRAY"}}
    return write(folder / "shared.parquet", column, compression="zstd", **options)


def nested_lists(folder: Path) -> Path:
    """Give one row that is a list of twenty million texts."""
    import pyarrow as pa

    number = 20_000_000
    indices = pa.Array.from_buffers(pa.int32(), number, [None, pa.py_buffer(bytes(4 * number))])
    texts = pa.DictionaryArray.from_arrays(indices, pa.array(["https://example.org/1.jpg"]))
    offsets = pa.array([0, number], pa.int32())
    return write(folder / "nested.parquet", pa.ListArray.from_arrays(offsets, texts))


def compressed_csv(folder: Path) -> Path:
    """Give a CSV that was compressed, as some servers send it."""
    import gzip

    path = folder / "list.csv"
    path.write_bytes(gzip.compress(b"url\n" + b"https://example.org/1.jpg\n" * 1_000_000))
    return path


def wide_csv(folder: Path) -> Path:
    """Give a CSV with one row of thirty million empty cells."""
    path = folder / "wide.csv"
    path.write_bytes(b"url,b\n" + b"," * 30_000_000)
    return path


def spread_csv(folder: Path) -> Path:
    """Give a CSV whose one row goes on over many lines, by quoted line breaks."""
    path = folder / "spread.csv"
    path.write_bytes(b"url,b\n" + b'"\n",' * 900_000 + b"," * MAX_ROW)
    return path


def blank_lines(folder: Path) -> Path:
    """Give fifty million empty lines."""
    path = folder / "blank.txt"
    path.write_bytes(b"\n" * 50_000_000)
    return path


def one_line(folder: Path) -> Path:
    """Give two million addresses in one line."""
    path = folder / "line.txt"
    path.write_bytes(b"http://a " * 2_000_000)
    return path


def json_array(folder: Path) -> Path:
    """Give two million addresses in an array."""
    path = folder / "array.json"
    path.write_bytes(b"[" + b'"http://a",' * 2_000_000 + b'"http://a"]')
    return path


BOMBS = {
    many_rows: ("120,000,000 rows", f"{MAX_ROWS:,}"),
    repeated_text: ("Unpacked", f"{MAX_BYTES:,}"),
    long_text: ("Unpacked", f"{MAX_BYTES:,}"),
    nested_lists: ("20,000,000 addresses", f"{MAX_ROWS:,}"),
    compressed_csv: ("a compressed file", "text file"),
    wide_csv: ("The row in line 2", f"{MAX_ROW:,}"),
    spread_csv: ("The row in line 2", f"{MAX_ROW:,}"),
    blank_lines: ("50,000,000 lines", f"{MAX_ROWS:,}"),
    one_line: ("2,000,000 addresses in one line", f"{MAX_ROWS:,}"),
    json_array: ("addresses or more", f"{MAX_ROWS:,}"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked the way of Linux")
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_by_name(bomb: Callable[[Path], Path], tmp_path: Path) -> None:
    """The number found, the cap, and what to do; the memory stays small."""
    found, cap = BOMBS[bomb]
    memory, said = read(bomb(tmp_path))
    assert said.startswith("BadList: ")
    assert found in said
    assert cap in said
    assert memory < MOST_MEMORY


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked the way of Linux")
def test_texts_that_share_their_beginnings(tmp_path: Path) -> None:
    """An encoding that writes a megabyte in a few bytes unpacks a small batch at a time."""
    memory, said = read(shared_beginnings(tmp_path))
    assert said.startswith("BadList: Unpacked")
    assert memory < MOST_MEMORY


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", ""])
def test_every_encoding_of_texts_is_read(encoding: str, tmp_path: Path) -> None:
    """An honest table is read whatever its writer chose."""
    import pyarrow as pa

    column = pa.array([f"https://a.org/{number}.jpg" for number in range(700)])
    chosen = {"use_dictionary": False, "column_encoding": {"url": encoding}} if encoding else {}
    path = write(tmp_path / "list.parquet", column, **chosen)
    assert len(parse(path.read_bytes()).addresses) == 700


def read(path: Path) -> tuple[int, str]:
    """Read a list in a process of its own; give the bytes that it took, and what was said."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    memory, said = done.stdout.split("\n", 1)
    return int(memory), said


@pytest.mark.parametrize(
    "text",
    [
        "<html>" + "<img src=//a/b.jpg>" * 1001,
        "<html><a href=//a/b.jpg>" + "<img src=//a/b.jpg>" * 1001,
        "<html><script>" + '"http://a/b.jpg",' * 1001 + "</script>",
        "<html>" + "http://a/b.jpg " * 1001,
        "# [a](http://a/b.jpg)\n" + "[a](http://a/b.jpg)" * 1001,
        "MIME-Version: 1.0\nContent-Type: text/html\n\n<html>" + "<img src=//a/b.jpg>" * 1001,
    ],
)
def test_pages_and_texts_have_the_same_caps(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a page or a text hides its addresses, no more than the cap are gathered."""
    monkeypatch.setattr(caps, "MAX_ROWS", 1000)
    with pytest.raises(BadList, match="at most 1,000 are read"):
        parse(text, "")


@pytest.mark.slow
def test_deep_nesting_is_no_way_to_crash() -> None:
    """Two million brackets, whole or as a line, end in a refusal or in nothing found."""
    deep = "[" * 1_000_000 + "]" * 1_000_000
    for text in (deep, '{"a":' * 500_000, f'{{"url": {deep}}}\n{{"url": "https://a.org/1.jpg"}}'):
        try:
            found = parse(text, "deep.jsonl")
        except BadList:
            continue
        assert len(found.addresses) <= 1


def test_a_giant_field_is_one_bad_row() -> None:
    """A cell of a megabyte is refused with its line; the rows around it are read."""
    found = parse("url,b\nhttps://a.org/1.jpg,1\n" + "x" * 1_000_000 + ",2\nhttps://a.org/2.jpg,3")
    assert [item.url for item in found.addresses] == ["https://a.org/1.jpg", "https://a.org/2.jpg"]
    assert [item.line for item in found.refused] == [3]


def test_a_giant_line_of_json_is_one_bad_line() -> None:
    """It is refused before it is unpacked; the lines around it are read."""
    lines = ['{"url": "https://a.org/1.jpg"}', '{"url": [' + "{}," * 3_000_000 + "{}]}"]
    found = parse("\n".join([*lines, '{"url": "https://a.org/2.jpg"}']), "list.jsonl")
    assert len(found.addresses) == 2
    assert [item.line for item in found.refused] == [2]
    assert f"at most {MAX_ROW:,}" in found.refused[0].problem


@pytest.mark.slow
def test_what_is_just_below_the_cap_is_read() -> None:
    """Exactly as many rows as are allowed are read; one more is refused, with what to do."""
    parse("\n".join(["#"] * MAX_ROWS) + "\n", "list.txt")
    with pytest.raises(BadList, match="Split it into several lists"):
        parse("\n" * (MAX_ROWS + 1), "list.txt")


def test_a_label_table_has_the_same_caps(tmp_path: Path) -> None:
    """The table of an import is no way around: neither lines without end nor a giant field."""
    table = tmp_path / "labels.csv"
    table.write_bytes(b"name,label\n" + b"\n" * (MAX_ROWS + 1))
    with pytest.raises(BadList, match="at most 1,000,000"):
        list(from_table(tmp_path, table))
    table.write_text("name,label\na.jpg,cat\n" + "x" * 200_000 + ",cat\n")
    with pytest.raises(BadList, match="larger than field limit"):
        list(from_table(tmp_path, table))


def test_rows_that_are_json_stay_as_they_are() -> None:
    """An ordinary list is read as before."""
    rows = [json.dumps({"url": f"https://a.org/{number}.jpg"}) for number in range(1000)]
    assert len(parse("\n".join(rows), "list.jsonl").addresses) == 1000
