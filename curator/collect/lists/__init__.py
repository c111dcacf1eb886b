"""Lists of image addresses, whatever people paste or give as a file.

Plain and Markdown text, CSV, TSV, JSON lines, Parquet, JSON, a search's page as HTML, a page saved
as one file: :func:`parse` finds out which it is and hands it to the module that reads that kind.
All are one pass over the text, in linear time, whatever it holds. A bad line never stops a list:
it is reported with its number and the rest goes on. Whether an empty result is an error is for the
caller to say; nothing is fetched or written here.

No address is ever invented. What a list writes is unescaped as its kind demands (HTML references,
JSON's backslashes, the address that a search engine's link carries in its query), completed where
the page says with what, and then goes through :func:`curator.collect.http.urls.normalise`.
"""

from __future__ import annotations

import re
from pathlib import Path

from curator.collect.lists.caps import check_bytes, check_rows
from curator.collect.lists.detect import decode_text, kind_of, refuse_other_files
from curator.collect.lists.embedded import EmbeddedImage
from curator.collect.lists.found import Address, AddressList, Collector, Kind, Refused
from curator.collect.lists.json_document import read_json
from curator.collect.lists.mail import read_mail
from curator.collect.lists.parquet import read_parquet
from curator.collect.lists.plain import read_plain
from curator.collect.lists.tables import read_json_lines, read_separated, separator_of
from curator.collect.lists.web_page import read_page
from curator.errors import BadList

__all__ = ["Address", "AddressList", "EmbeddedImage", "Kind", "Refused", "parse", "read_list"]


def parse(data: str | bytes, name: str = "") -> AddressList:
    """Read a list of any kind. ``name``: of its file, if it has one; its ending is a hint only.

    Raises :class:`~curator.errors.BadList` when it is a table without a column of addresses, no
    readable Parquet table, certainly no list (a picture, an archive), or beyond what
    :mod:`curator.collect.lists.caps` allows.
    """
    check_bytes(len(data))
    collector = Collector()
    if isinstance(data, bytes):
        if data.startswith(b"PAR1") or name.lower().endswith(".parquet"):
            read_parquet(data, collector)
            return collector.result("Parquet table")
        refuse_other_files(data)
        data = decode_text(data)
    text = data.removeprefix("\ufeff")
    if "\r" in text:
        text = re.sub("\r\n?", "\n", text)
    check_rows(text.count("\n"), "lines")
    kind = kind_of(text, name)
    try:
        kind = _read(text, kind, collector)
    except BadList:
        if kind != "JSON lines":
            raise
        collector = Collector()
        read_json(text, collector)  # objects with other keys than `url`
        if not (collector.addresses or collector.images):
            raise
    is_empty = not (collector.addresses or collector.images or collector.refused)
    if kind == "JSON document" and is_empty:  # it only begins like one
        collector = Collector()
        kind = _read(text, "list", collector)
    return collector.result(kind)


def read_list(path: Path) -> AddressList:
    """Read a list in a file, of any kind. Raises BadList, with the path in its text."""
    try:
        check_bytes(path.stat().st_size, f"The list {path} has")
        data = path.read_bytes()
    except OSError as error:
        raise BadList(
            f"The list {path} cannot be read: {error.strerror or error}.",
            "Check the path and its permissions.",
        ) from error
    try:
        return parse(data, path.name)
    except BadList as error:
        raise BadList(f"{path}: {error.problem}", error.fix) from error


def _read(text: str, kind: Kind, collector: Collector) -> Kind:
    """Read that kind of list; return the kind that it turned out to be."""
    if kind == "web page":
        read_page(text, collector)
    elif kind == "mail":
        kind = "web page" if read_mail(text, collector) else kind
    elif kind == "CSV table":
        read_separated(text, separator_of(text, ","), collector)
    elif kind == "TSV table":
        read_separated(text, separator_of(text, "\t"), collector)
    elif kind == "JSON document":
        read_json(text, collector)
    elif kind == "JSON lines":
        read_json_lines(text, collector)
    else:
        read_plain(text, collector, markdown=kind == "Markdown text")
    return kind
