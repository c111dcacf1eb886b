"""What narrows a queue, against the same said in Python."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.check.quality import quality_issues
from curator.errors import InputError, NoRun, UnknownClass
from curator.review.queue.filters import ISSUES, Filters, hosts
from curator.review.queue.kinds import open_queue
from curator.store import tags
from tests.review.made_up import Made, make

if TYPE_CHECKING:
    from curator.project import Project


def shown(project: Project, kind: str = "all", **filters: str | float) -> list[int]:
    """Give a narrowed queue."""
    found: list[int] = open_queue(project, kind, Filters(**filters)).ids.tolist()  # type: ignore[arg-type]
    return found


def test_label_prediction_and_split(sample: Project) -> None:
    """Each narrows by its column, in whatever case, and together they all hold."""
    table = open_queue(sample, "top losses").table()
    for column, value in (("label", "five"), ("predicted", "three"), ("split", "valid")):
        expected = table[table[column] == value]["image_id"].tolist()
        asked = value if column == "split" else value.upper()
        assert 0 < len(expected) < len(table)
        assert shown(sample, "top losses", **{column: asked}) == expected
    both = table[(table["label"] == "five") & (table["predicted"] == "three")]
    assert shown(sample, "top losses", label="five", predicted="three") == both["image_id"].tolist()


def test_text_is_found_as_typed(tmp_path: Path) -> None:
    """Signs that SQL knows are plain letters; case does not count, for other scripts neither."""
    odd = [
        "50%.jpg",
        "a_b.jpg",
        "it's.jpg",
        'say "hi".jpg',
        "back\\slash.jpg",
        "Äpfel.jpg",
        "plain",
    ]
    made = [Made(origins=(f"pictures/{name}",)) for name in odd]
    made.append(Made(origins=("https://example.org/B%C3%A4r.jpg", "https://example.org/more.jpg")))
    made.append(Made(origins=(unicodedata.normalize("NFD", "pictures/Äste.jpg"),)))
    with make(tmp_path / "project", made) as project:
        for number, text in enumerate(("%", "_", "'", '"', "\\", "äpfel", "LAIN"), 1):
            expected = [1, 8] if text == "%" else [number]
            assert shown(project, text=text) == expected, text
        assert shown(project, text="Bär") == shown(project, text="MORE") == [8]
        assert shown(project, text="ÄSTE") == [9]
        assert shown(project, text="pictures/") == [1, 2, 3, 4, 5, 6, 7, 9]
        assert shown(project, text="%.jp") == [1]
        assert shown(project, text="nowhere") == []


WORDS = st.text("ab%_'\"\\/ äÄß;-", min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=25)
@given(names=st.lists(WORDS, min_size=1, max_size=5), text=WORDS)
def test_text_search_is_plain_search(names: list[str], text: str) -> None:
    """Whatever is typed, found is what holds it, or holds it as an address writes it."""

    def holds(name: str) -> bool:
        return text.casefold() in name.casefold() or quote(text, safe="%_'\"\\/;-") in name

    with (
        tempfile.TemporaryDirectory() as folder,
        make(Path(folder) / "p", [Made(origins=(name,)) for name in names]) as project,
    ):
        assert shown(project, text=text) == [i for i, name in enumerate(names, 1) if holds(name)]


def test_the_final_address_is_searched_too(sample: Project) -> None:
    """What an address led to counts as well as the address itself."""
    table = open_queue(sample, "all").table()
    moved = table[table["final_address"].notna() & (table["final_address"] != table["source"])]
    if moved.empty:
        moved = table.head(1)
    row = moved.iloc[0]
    assert row["image_id"] in shown(sample, text=str(row["final_address"]).rsplit("/", 1)[1])


def test_hosts(tmp_path: Path) -> None:
    """By the whole host and port of an address; a name inside a path is none; files have none."""
    origins = [
        "https://a.org/1.jpg",
        "http://a.org/2.jpg",
        "https://a.org:8080/3.jpg",
        "https://b.org/?u=https://a.org/4.jpg",
        "https://ba.org/5.jpg",
        "folder/a.org/6.jpg",
        "https://a.org.evil.net/7.jpg",
    ]
    made = [Made(origins=(origin,)) for origin in origins]
    made.append(Made(origins=("https://a.org/8.jpg", "https://b.org/8.jpg")))
    made.append(Made(origins=("https://a.org/9.jpg",), action="delete"))
    with make(tmp_path / "project", made) as project:
        expected = {
            "a.org": [1, 2, 8],
            "a.org:8080": [3],
            "b.org": [4, 8],
            "ba.org": [5],
            "files": [6],
            "a.org.evil.net": [7],
        }
        assert {host: shown(project, host=host) for host in expected} == expected
        assert shown(project, host="org") == shown(project, host="%") == []
        with project.database.read() as connection:
            offered = hosts(connection)
    assert dict(offered) == {host: len(found) for host, found in expected.items()}
    assert [number for _, number in offered] == sorted(dict(offered).values(), reverse=True)


def test_names_of_the_pretrained_network(small: Project) -> None:
    """A part of any of its names, with at least that probability."""
    with small.database.write() as connection:
        tags.replace(connection, [(1, [("Teddy", 0.6)]), (2, [("bear", 0.5), ("teddy", 0.2)])])
    assert shown(small, tag="tedd") == [1, 2]
    assert shown(small, tag="tedd", tag_probability=0.5) == [1]
    assert shown(small, tag="%") == []


def test_each_quality_measure(sample: Project) -> None:
    """An issue narrows to what the check flags for it; among the problems the worst come first."""
    with sample.database.read() as connection:
        flagged = quality_issues(connection)
    assert flagged
    for issue in ISSUES:
        expected = flagged.get(f"{issue}_score", [])
        assert shown(sample, "problems", issue=issue) == expected
        assert shown(sample, "all", issue=issue.replace("_", " ")) == sorted(expected)


def test_what_there_is_not(small: Project) -> None:
    """Unknown values are named with those that there are; a prediction needs a run."""
    with pytest.raises(UnknownClass, match="fox"):
        shown(small, label="fox")
    with pytest.raises(NoRun):
        shown(small, predicted="cat")
    with pytest.raises(InputError, match="train, valid"):
        shown(small, split="other")
    with pytest.raises(InputError, match="dark, light"):
        shown(small, issue="ugly")
