"""Class names: what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.errors import BadClassName, UnknownClass
from curator.project import Project
from curator.store.class_names import LONGEST_NAME, validated_name
from curator.store.classes import find_class

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.on_server_too

BAD = {
    "": "empty",
    "   ": "empty",
    "a/b": "/",
    "a\\b": "\\",
    "..": "dot",
    ".hidden": "dot",
    "ends.": "dot",
    "tab\there": "unprintable",
    "bell\x07": "unprintable",
    "line\nbreak": "unprintable",
    "zero\u200bwidth": "unprintable",
    "what?": "?",
    "a:b": ":",
    "star*": "*",
    "con": "Windows",
    "NUL": "Windows",
    "Lpt1.jpg": "Windows",
    "x" * (LONGEST_NAME + 1): str(LONGEST_NAME + 1),
}


@pytest.mark.parametrize(("name", "said"), BAD.items(), ids=[repr(name[:12]) for name in BAD])
def test_names_that_cannot_be_folders_are_refused(name: str, said: str) -> None:
    """A name that could not be a folder's everywhere is refused, and the error says why."""
    with pytest.raises(BadClassName) as caught:
        validated_name(name)
    assert said in caught.value.problem
    assert caught.value.fix


@pytest.mark.parametrize(
    "name", ["black bear", "Bär", "熊", "a-b_c", "3", "x" * LONGEST_NAME, "v1.2"]
)
def test_ordinary_names_are_taken_as_they_are(name: str) -> None:
    """Blanks inside, digits, dots inside and letters of any script are fine."""
    assert validated_name(name) == name


def test_blanks_around_a_name_are_dropped() -> None:
    """What people paste often carries blanks at its ends."""
    assert validated_name("  bear ") == "bear"


@pytest.mark.parametrize(
    "names", [["bear", "BEAR"], ["bear", "bear"], ["straße", "STRASSE"], ["Ä", "ä"]]
)
def test_twins_are_refused_at_creation(names: list[str], tmp_path: Path) -> None:
    """Two classes that differ only by case are refused, and no half-made project stays behind."""
    folder = tmp_path / "project"
    with pytest.raises(BadClassName, match=f"{names[1]!r}"):
        Project.create(folder, names)
    assert not folder.exists()
    Project.create(folder, ["bear"]).close()


@pytest.mark.slow
def test_a_twin_is_refused_later(small: Project) -> None:
    """A class that exists in another case is not added, nor are those named beside it."""
    before = small.class_names()
    with pytest.raises(BadClassName, match="only by case"):
        small.add_class("fox", "CAT")
    assert small.class_names() == before


def test_classes_keep_their_order(small: Project) -> None:
    """New classes come last: the order of the model's outputs is that of their coming."""
    small.add_class("bee", "ant")
    assert small.class_names() == ["cat", "dog", "owl", "bee", "ant"]


def test_a_class_is_found_in_any_case(small: Project) -> None:
    """Typing a class name in another case finds it; an unknown name lists the known ones."""
    with small.database.read() as connection:
        assert find_class(connection, " DOG ").name == "dog"
        with pytest.raises(UnknownClass, match="cat, dog, owl"):
            find_class(connection, "wolf")
