"""Lists of image addresses: text, CSV, TSV, JSON lines and Parquet.

A bad line never stops a list: it is reported with its number and the rest goes on. Whether an
empty result is an error is for the caller to say; nothing is fetched here.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from curator.collect.addresses import BadAddress, normalise
from curator.errors import BadList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

TableKind: TypeAlias = Literal["csv", "tsv", "jsonl", "parquet"]

_KINDS: dict[str, TableKind] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_COLUMNS = ("url", "image_url")
# Pairs that people's exports put around an address.
_QUOTES = (('"', '"'), ("'", "'"), ("<", ">"), ("`", "`"), ("\u201c", "\u201d"))
_SHOWN = 200  # characters of a refused line that are kept for the report


@dataclass(frozen=True)
class Address:
    """``url``: ready to request, ASCII. ``line``: where it stood, from 1 (Parquet: the row)."""

    url: str
    line: int


@dataclass(frozen=True)
class Refused:
    """A line that gives no address: its number, its beginning and what is wrong with it."""

    line: int
    text: str
    problem: str


@dataclass(frozen=True)
class AddressList:
    """What a list holds. ``duplicates``: (line, url) of each repetition within the list."""

    addresses: tuple[Address, ...]
    refused: tuple[Refused, ...]
    duplicates: tuple[tuple[int, str], ...]
    blank: int
    comments: int


#: (line from 1, the cell or line; None when there is none, and then the problem)
_Entry: TypeAlias = tuple[int, str | None, str]


def parse_text(text: str) -> AddressList:
    """One address a line; blank lines and lines that begin with ``#`` are skipped."""
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))
    if not lines[-1]:
        lines.pop()  # the end of the last line, not a blank one
    comments = sum(line.lstrip().startswith("#") for line in lines)
    entries = (
        (number, line, "")
        for number, line in enumerate(lines, 1)
        if not line.lstrip().startswith("#")
    )
    return _collect(entries, comments)


def parse_table(data: bytes, kind: TableKind) -> AddressList:
    """Parse a table with a column ``url`` (in any case; else ``image_url``); ignore the others.

    Raises :class:`~curator.errors.BadList` when the column is missing or the file is no table.
    """
    if kind == "parquet":
        return _collect(_parquet(data), 0)
    text = decode_text(data)
    if kind == "jsonl":
        return _collect(_json_lines(text), 0)
    return _collect(_separated(text, "\t" if kind == "tsv" else ","), 0)


def read_list(path: Path) -> AddressList:
    """Read a list by its ending: .csv, .tsv, .jsonl, .ndjson, .parquet; anything else is text.

    Raises :class:`~curator.errors.BadList` when the file cannot be read or is no such table.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadList(
            f"The list {path} cannot be read: {error.strerror or error}.",
            "Check the path and its permissions.",
        ) from error
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        return parse_text(decode_text(data))
    try:
        return parse_table(data, kind)
    except BadList as error:
        raise BadList(f"{path}: {error.problem}", error.fix) from error


def decode_text(data: bytes) -> str:
    """Bytes of a list as text: by its byte order mark, else UTF-8, UTF-16, or Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data.decode("utf-8-sig", errors="replace")
    # Addresses are mostly ASCII, so UTF-16 without a mark shows as a zero in every other byte.
    head = data[:200]
    if len(head) >= 4 and head[1::2].count(0) > 0.4 * len(head):
        return data.decode("utf-16-le", errors="replace")
    if len(head) >= 4 and head[0::2].count(0) > 0.4 * len(head):
        return data.decode("utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _collect(entries: Iterable[_Entry], comments: int) -> AddressList:
    addresses: list[Address] = []
    refused: list[Refused] = []
    duplicates: list[tuple[int, str]] = []
    seen: set[str] = set()
    blank = 0
    for line, text, problem in entries:
        if problem:
            refused.append(Refused(line, (text or "")[:_SHOWN], problem))
            continue
        bare = _bare(text or "")
        if not bare:
            blank += 1
            continue
        try:
            url = normalise(bare)
        except BadAddress as error:
            refused.append(Refused(line, bare[:_SHOWN], str(error)))
            continue
        if url in seen:
            duplicates.append((line, url))
            continue
        seen.add(url)
        addresses.append(Address(url, line))
    return AddressList(tuple(addresses), tuple(refused), tuple(duplicates), blank, comments)


def _bare(text: str) -> str:
    """Without what surrounds an address in pasted lists: spaces, commas, quotes, brackets."""
    bare = text.strip().strip("\ufeff")
    while True:
        before = bare
        bare = bare.strip().strip(",;").strip()
        for opening, closing in _QUOTES:
            if len(bare) >= 2 and bare.startswith(opening) and bare.endswith(closing):
                bare = bare[1:-1]
        if bare == before:
            return bare


def _column(names: Sequence[str]) -> int:
    """Position of the address column. Raises :class:`BadList` naming the columns found."""
    cleaned = [name.strip().strip("\ufeff").lower() for name in names]
    for wanted in _COLUMNS:
        if wanted in cleaned:
            return cleaned.index(wanted)
    found = ", ".join(repr(name[:50]) for name in names[:20]) or "none"
    raise BadList(
        f"The table has no column `url`; its columns are: {found}.",
        "Name the column with the addresses `url`, or give a text file with one address a line.",
    )


def _separated(text: str, separator: str) -> Iterator[_Entry]:
    first = text.lstrip("\ufeff\r\n").split("\n", 1)[0]
    if separator == "," and "," not in first and ";" in first:
        separator = ";"  # spreadsheets of many countries write CSV so
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
    position: int | None = None
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield line, "", f"It is no row of a table: {error}."
            line = reader.line_num + 1
            continue
        if position is None:
            if row:
                position = _column(row)
        elif not row:
            yield line, "", ""
        elif position < len(row):
            yield line, row[position], ""
        else:
            yield line, separator.join(row), "The row is too short to have an address."
        line = reader.line_num + 1
    if position is None:
        _column([])


def _json_lines(text: str) -> Iterator[_Entry]:
    names: dict[str, None] = {}
    found = False
    pending: list[_Entry] = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), 1):
        if not line.strip():
            continue
        entry = _json_entry(number, line, names)
        found = found or not entry[2]
        pending.append(entry)
    if not found:
        _column(list(names))
    yield from pending


def _json_entry(number: int, line: str, names: dict[str, None]) -> _Entry:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return number, line, "It is no JSON."
    if not isinstance(row, dict):
        return number, line, "It is no JSON object."
    if len(names) < 20:
        names.update(dict.fromkeys(row))
    try:
        value = row[list(row)[_column(list(row))]]
    except BadList:
        return number, line, "The object has no `url`."
    if not isinstance(value, str):
        return number, line, "Its `url` is no text."
    return number, value, ""


def _parquet(data: bytes) -> Iterator[_Entry]:
    # Imported here: slow, and rarely needed.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(data))
        names = table.schema_arrow.names
        name = names[_column(names)]
        row = 0
        for batch in table.iter_batches(columns=[name]):
            for value in batch.column(0).to_pylist():
                row += 1
                if value is None or isinstance(value, str):
                    yield row, value, ""
                else:
                    yield row, str(value), "Its `url` is no text."
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadList(
            f"The content is no readable Parquet table: {str(error)[:200]}.",
            "Write the file again, or give the list as CSV or text.",
        ) from error
