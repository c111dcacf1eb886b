"""What adding would do is seen before, and embedded pictures go into the inbox."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from curator.errors import BadClassName, BadList, UnknownClass
from curator.project import Project
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PICTURE = encoded(picture(1))
EMBEDDED = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
LIST = f"""https://a.example/1.jpg
https://a.example/2.jpg
https://b.example/3.jpg
{EMBEDDED}
https://a.example/1.jpg
rubbish
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make an empty project with two classes."""
    with Project.create(tmp_path / "project", ["black", "teddys"]) as made:
        yield made


def sources(project: Project) -> list[tuple[str, str, str]]:
    """Give kind, origin and state of every source."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT kind, origin, state FROM sources ORDER BY id")
        return [(row[0], row[1], row[2]) for row in rows]


def test_a_preview_says_what_adding_does(project: Project) -> None:
    """The preview has the figures of the adding that follows, and writes nothing."""
    project.add("teddys", "https://b.example/3.jpg")
    before = sources(project)
    preview = project.preview("black", LIST)

    assert (preview.new, preview.known, preview.twice, preview.other_class) == (4, 0, 1, 1)
    assert preview.hosts == (("a.example", 2), ("b.example", 1))
    assert preview.first[0] == "https://a.example/1.jpg"
    assert (preview.embedded, [item.line for item in preview.refused]) == (1, [6])
    assert (sources(project), project.inbox.exists()) == (before, False)

    assert asdict(project.add("BLACK", LIST)) == asdict(preview)
    again = project.preview("black", LIST)
    assert (again.new, again.known, again.hosts) == (0, 4, ())
    assert project.add("black", LIST).new == 0


def test_embedded_pictures_go_into_the_inbox(project: Project) -> None:
    """Their bytes lie there under their hash; the project knows them by header and hash."""
    project.add("black", LIST)
    digest = sha256(PICTURE).hexdigest()
    assert {path.name: path.read_bytes() for path in project.inbox.iterdir()} == {digest: PICTURE}
    assert sources(project)[-1] == ("data", f"data:image/png;sha256,{digest}", "pending")

    added = project.add("teddys", EMBEDDED)
    assert (added.new, added.other_class) == (1, 1)
    assert len(list(project.inbox.iterdir())) == 1


def test_a_saved_page_is_named_as_one(project: Project) -> None:
    """The sentence tells a page from a list, and the notes what was left out."""
    data = html.escape(json.dumps({"murl": "https://a.example/1.jpg", "turl": "https://t/1"}))
    page = f'<html><a m="{data}"><img src=https://t/1></a><img src=/x.jpg><img src=y.jpg></html>'
    added = project.add("black", page.encode("utf-16"))
    assert added.sentence == "A web page with 1 image address: 1 new for black."
    assert [note.split()[0] for note in added.notes] == ["2", "2"]
    assert json.loads(json.dumps(added.to_dict()))["found"] == "a web page with 1 image address"


def test_a_preview_for_a_class_to_come(project: Project) -> None:
    """A new class needs a valid, free name; the preview does not make it."""
    assert project.preview("brown", LIST, new_class=True).new == 4
    assert project.class_names() == ["black", "teddys"]
    with pytest.raises(BadClassName):
        project.preview("Black", LIST, new_class=True)
    with pytest.raises(UnknownClass):
        project.preview("brown", LIST)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html><img src=/1.jpg>", "a web page with 0 image addresses.*1 relative"),
        ("data:image/png;base64,A", "Line 1: .*damaged"),
        (b"\xff\xd8\xff\xe0", "an image, not a list"),
    ],
)
def test_nothing_usable(project: Project, text: str | bytes, said: str) -> None:
    """A list without anything usable is an error that says how it was read, in both verbs."""
    for verb in (project.preview, project.add):
        with pytest.raises(BadList, match=said):
            verb("black", text)
    assert sources(project) == []


@pytest.mark.slow
def test_many_addresses(project: Project) -> None:
    """A long list is added and recognised again, whatever number one SQL statement can hold."""
    text = "\n".join(f"https://host{n % 20}.example/{n}.jpg" for n in range(20_000))
    added = project.add("black", text)
    assert (added.new, len(added.hosts), added.hosts[0][1]) == (20_000, 10, 1000)
    assert project.add("black", text).known == 20_000
