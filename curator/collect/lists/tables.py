"""Lists that are tables: CSV, TSV and JSON lines.

The column with the addresses is found by its name or, failing that, by its content.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator, Sequence

from curator.collect.lists.caps import MAX_ROW, check_row
from curator.collect.lists.found import Collector, bare_of
from curator.collect.lists.rights import UNKNOWN, Rights, columns_of, rights_of
from curator.errors import BadList

_COLUMNS = ("url", "image_url")
_LOOKED_AT = 20  # rows that are searched for addresses when no column has a known name
_SEPARATORS = ",\t;|"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def separator_of(text: str, assumed: str = "") -> str:
    """What separates the cells of a table whose first line names a column of addresses.

    ``assumed``: what the file's name says; then any first line will do. Empty if it is no table.
    """
    first = text.lstrip("\n")[:10_000].partition("\n")[0]
    for separator in _SEPARATORS:
        names = [_name(cell.strip(" \"'")) for cell in first.split(separator)]
        if any(name in _COLUMNS for name in names):
            return separator if len(names) > 1 else assumed or ","
    if assumed == "," and "," not in first and ";" in first:
        return ";"  # spreadsheets of many countries write CSV so
    return assumed


def read_separated(text: str, separator: str, collector: Collector) -> None:
    """Hand the cells of the address column to ``collector``, by line, with those on rights.

    Raises :class:`~curator.errors.BadList` when no column holds addresses.
    """
    rows = _rows(text, separator, collector)
    head = list(itertools.islice(itertools.dropwhile(lambda item: not item[1], rows), _LOOKED_AT))
    names = head[0][1] if head else []
    position = named(names)
    if position is not None:
        head = head[1:]
    else:
        position = _by_content([row for _, row in head])
    if position is None:
        raise no_column(names)
    if named(names) is None and not _is_address(_cell(names, position)):
        head = head[1:]  # a heading of another name
    columns = columns_of(names)
    for line, row in itertools.chain(head, rows):
        if not row:
            collector.blank += 1
        elif position >= len(row):
            collector.refuse(line, separator.join(row), "The row is too short to have an address.")
        else:
            rights = rights_of({name: _cell(row, place) for name, place in columns.items()})
            take_cell(row[position], line, collector, rights)


def take_cell(text: str, line: int, collector: Collector, rights: Rights = UNKNOWN) -> None:
    """Hand one cell's address on; an empty cell is a blank line."""
    bare = bare_of(text)
    if bare:
        collector.take(bare, line, rights)
    else:
        collector.blank += 1


def read_json_lines(text: str, collector: Collector) -> None:
    """Hand the field ``url`` of each line's object on. Raises BadList when none has it."""
    names: dict[str, None] = {}
    found = False
    refused: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value, problem, rights = _field(line, names)
        if problem:
            refused.append((number, line, problem))
        else:
            found = True
            take_cell(value, number, collector, rights)
    if not found:
        raise no_column(list(names))
    for number, line, problem in refused:
        collector.refuse(number, line, problem)


def _rows(text: str, separator: str, collector: Collector) -> Iterator[tuple[int, list[str]]]:
    """(line from 1, cells) of each row; what is no row is refused."""
    line = 1
    size = 0  # characters of the present row, which quotes may spread over many lines

    def lines() -> Iterator[str]:
        nonlocal size
        for found in _LINE.finditer(text):
            size += len(found[0])
            check_row(size, line)
            yield found[0]

    reader = csv.reader(lines(), delimiter=separator)
    while True:
        size = 0
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            collector.refuse(line, "", f"It is no row of a table: {error}.")
        line = reader.line_num + 1


def _field(line: str, names: dict[str, None]) -> tuple[str, str, Rights]:
    """The address in a line of JSON, or what is wrong with it, and whose picture it is.

    Adds to ``names`` what it has.
    """
    if len(line) > MAX_ROW:
        return "", f"It has {len(line):,} characters; at most {MAX_ROW:,} are read.", UNKNOWN
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "", "It is no JSON.", UNKNOWN
    if not isinstance(row, dict):
        return "", "It is no JSON object.", UNKNOWN
    if len(names) < 20:
        names.update(dict.fromkeys(row))
    position = named(list(row))
    if position is None:
        return "", "The object has no `url`.", UNKNOWN
    value = row[list(row)[position]]
    if not isinstance(value, str):
        return "", "Its `url` is no text.", UNKNOWN
    return value, "", rights_of({key: row[key] for key in row if columns_of([key])})


def _name(text: str) -> str:
    return text.strip().strip("\ufeff").lower()


def named(names: Sequence[str]) -> int | None:
    """The place of the column whose name says that it holds addresses, or None."""
    cleaned = [_name(name) for name in names]
    return next((cleaned.index(wanted) for wanted in _COLUMNS if wanted in cleaned), None)


def _by_content(rows: list[list[str]]) -> int | None:
    """The column in which most rows have an address."""
    width = min(max(map(len, rows), default=0), 1000)
    counts = [sum(_is_address(_cell(row, place)) for row in rows) for place in range(width)]
    return counts.index(max(counts)) if any(counts) else None


def _cell(row: list[str], position: int) -> str:
    return row[position] if position < len(row) else ""


def _is_address(text: str) -> bool:
    return text.strip()[:8].lower().startswith(("http://", "https://"))


def no_column(names: Sequence[str]) -> BadList:
    """The error for a table without such a column."""
    found = ", ".join(repr(name[:50]) for name in names[:20]) or "none"
    return BadList(
        f"The table has no column `url`; its columns are: {found}.",
        "Name the column with the addresses `url`, or give a text file with one address a line.",
    )
