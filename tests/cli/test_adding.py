"""The commands `add --dry-run` and `snippet`, and lists from standard input."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Curator

LIST = "https://a.example/1.jpg\nrubbish\n" + "\n".join(
    f"https://b.example/{number}.jpg" for number in range(9)
)


def test_a_dry_run_changes_nothing(curator: Curator, tmp_path: Path) -> None:
    """It says what would be added, from where, and adds nothing; nor does it make the class."""
    home, path = tmp_path / "p", tmp_path / "list.txt"
    path.write_text(LIST)
    curator("new", home)
    said = curator("add", home, "--class", "a", "--new-class", "--dry-run", path)
    assert (said.status, said.err) == (0, "")
    for part in ("10 new for a, 1 refused", "from b.example (9), a.example (1)", "line 2: "):
        assert part in said.out
    assert "... and 5 more" in said.out
    assert "Nothing was added" in said.out
    assert curator("status", home, "--json").json["classes"] == {}

    curator("add", home, "--class", "a", "--new-class", path)
    answer = curator("add", home, "--class", "a", "--dry-run", "--json", path).json[0]
    assert (answer["new"], answer["known"], answer["kind"]) == (0, 10, "list")


def test_a_bad_list_leaves_no_class_behind(curator: Curator, tmp_path: Path) -> None:
    """With --new-class the class and all lists come in one step, so the command can be repeated."""
    home, good, bad = tmp_path / "p", tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(LIST)
    bad.write_text("nothing usable\n")
    curator("new", home)
    command = ("add", home, "--class", "a", "--new-class", good, bad)
    refused = curator(*command)
    assert refused.status == 2
    assert "bad.txt" in refused.err
    found = curator("status", home, "--json").json
    assert (found["classes"], found["addresses"]["pending"]) == ({}, 0)

    bad.write_text("https://c.example/1.jpg\nhttps://a.example/1.jpg\n")
    first, second = curator(*command, "--json").json
    assert (first["new"], second["new"], second["known"]) == (10, 1, 1)
    assert "is there already" in curator(*command).err
    assert curator("status", home, "--json").json["classes"] == {"a": 0}


def test_a_page_from_standard_input(
    curator: Curator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is piped in is read as bytes, of any kind and encoding."""
    page = "<html><img src='https://a.example/b\u00e4r.jpg'><img src=/relative.jpg>"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(page.encode("utf-16"))))
    curator("new", tmp_path / "p", "--class", "a")
    said = curator("add", tmp_path / "p", "--class", "a", "-")
    assert "A web page with 1 image address: 1 new for a." in said.out
    assert "1 left out: relative addresses" in said.out


def test_the_snippet_is_printed(curator: Curator) -> None:
    """The script for the console, and the same as one line for a bookmark."""
    script = curator("snippet").out
    mark = curator("snippet", "--bookmarklet").out
    assert script.startswith("// @ts-check")
    assert mark.startswith("javascript:(()")
    assert mark.count("\n") == 1
    assert unquote(mark).rstrip().endswith("})();")
