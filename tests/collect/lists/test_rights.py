"""Licence, creator and source page: kept from the lists that name them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from curator.collect.lists import parse
from curator.collect.lists.rights import UNKNOWN, Rights
from curator.store import schema

if TYPE_CHECKING:
    from curator.project import Project

ROW = {
    "url": "https://pictures.example/1.jpg",
    "license": "CC BY 4.0",
    "creator": "Zoë",
    "source_page": "https://pictures.example/page/1",
}
SAID = Rights("CC BY 4.0", "Zoë", "https://pictures.example/page/1")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (",".join(ROW) + "\n" + ",".join(ROW.values()), "list.csv"),
        ("\t".join(reversed(ROW)) + "\n" + "\t".join(reversed(ROW.values())), "list.tsv"),
        (json.dumps(ROW) + "\n" + json.dumps({"url": "https://pictures.example/2.jpg"}), "l.jsonl"),
        (json.dumps({"results": [ROW, {"url": "https://pictures.example/2.jpg"}]}), "list.json"),
        ("url,Licence,Author,source_page\n" + ",".join(ROW.values()), "list.csv"),
    ],
    ids=["csv", "tsv", "json lines", "json", "other names"],
)
def test_rights_are_read(text: str, name: str) -> None:
    """Every kind of list with named columns tells them; an address without them has none."""
    first, *others = parse(text, name).addresses
    assert (first.url, first.rights) == (ROW["url"], SAID)
    assert [item.rights for item in others] == [UNKNOWN] * len(others)


def test_what_a_stranger_writes_is_one_harmless_line() -> None:
    """Line breaks and marks that turn letters around go; what is endless is cut."""
    row = {"url": ROW["url"], "license": "a\nb\u202ec" + "d" * 5000, "creator": ["x"]}
    [item] = parse(json.dumps(row) + "\n", "list.jsonl").addresses
    assert item.rights.license.startswith("a b cd")
    assert len(item.rights.license) == 1000
    assert (item.rights.creator, item.rights.source_page) == ("", "")


def test_rights_are_kept_with_the_address(small: Project) -> None:
    """Adding writes them down beside the address."""
    small.add("cat", json.dumps(ROW) + "\n", "list.jsonl")
    with small.database.read() as connection:
        table = schema.sources.c
        row = connection.execute(schema.sources.select().where(table.origin == ROW["url"])).one()
    assert (row.license, row.creator, row.source_page) == tuple(ROW.values())[1:]
