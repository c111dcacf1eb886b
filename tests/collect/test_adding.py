"""Lists of addresses in a project: what is added, what is known, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.errors import BadList, UnknownClass
from curator.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make an empty project with two classes."""
    with Project.create(tmp_path / "project", ["black", "teddys"]) as made:
        yield made


def pending(project: Project) -> int:
    """Give the number of addresses that wait."""
    return int(project.status().addresses.pending)


MESSY = """# found on Tuesday

https://example.org/1.jpg
https://example.org/2.jpg
not an address
https://example.org/1.jpg
ftp://example.org/3.jpg
https://example.org/4.jpg
"""


def test_a_messy_list_gives_its_good_lines(project: Project) -> None:
    """Comments, blanks, repetitions and rubbish are counted, the rubbish by line number."""
    added = project.add("black", MESSY)
    assert (added.new, added.known, added.twice, added.other_class) == (3, 0, 1, 0)
    assert [(item.line, item.text) for item in added.refused] == [
        (5, "not an address"),
        (7, "ftp://example.org/3.jpg"),
    ]
    assert all(item.problem for item in added.refused)
    assert added.sentence == "3 new for black, 1 repeated in the list, 2 refused."
    assert pending(project) == 3


def test_a_list_can_be_given_again(project: Project) -> None:
    """What is there already is not added twice; only what is new is."""
    project.add("black", MESSY)
    added = project.add("BLACK", MESSY + "https://example.org/5.jpg\n")
    assert (added.new, added.known) == (1, 3)
    assert pending(project) == 4


def test_an_address_may_be_listed_under_two_classes(project: Project) -> None:
    """The second class gets it too, and the answer says so: a person must decide."""
    project.add("black", "https://example.org/1.jpg")
    added = project.add("teddys", "https://example.org/1.jpg\nhttps://example.org/2.jpg")
    assert (added.new, added.other_class) == (2, 1)
    assert "1 also listed under another class" in added.sentence
    assert pending(project) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 refused lines, 0 comments"),
        ("\n\n  \n", "0 refused lines"),
        ("# only\n# comments\n", "2 comments"),
        ("rubbish\nmore rubbish\n", "Line 1"),
    ],
)
def test_a_list_with_nothing_usable_is_an_error(project: Project, text: str, said: str) -> None:
    """A list without a single address is refused, with what it holds instead."""
    with pytest.raises(BadList, match="holds no usable address") as caught:
        project.add("black", text)
    assert said in str(caught.value)
    assert pending(project) == 0


def test_a_file_is_read_by_its_ending(project: Project, tmp_path: Path) -> None:
    """A table's address column is found; the list's name is remembered."""
    path = tmp_path / "list.csv"
    path.write_text("rank,url\n1,https://example.org/1.jpg\n2,https://example.org/2.jpg\n")
    assert project.add("black", path).new == 2
    with project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT DISTINCT listed_in FROM sources").all()
    assert [tuple(row) for row in rows] == [("list.csv",)]


def test_a_missing_file_or_class_is_named(project: Project, tmp_path: Path) -> None:
    """The errors for a list that is not there and a class that is not there name them."""
    with pytest.raises(BadList, match=r"nowhere\.txt"):
        project.add("black", tmp_path / "nowhere.txt")
    with pytest.raises(UnknownClass, match=r"'brown'.*black, teddys"):
        project.add("brown", "https://example.org/1.jpg")
    assert pending(project) == 0


def test_a_long_list(project: Project) -> None:
    """More addresses than one SQL statement holds are added and recognised again."""
    text = "\n".join(f"https://example.org/{number}.jpg" for number in range(2500))
    assert project.add("black", text).new == 2500
    assert project.add("black", text).known == 2500
