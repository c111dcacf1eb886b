"""The embedded sample: the same in every run, with the faults that it promises."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from curator.imaging.decoding import Rejected, decode
from curator.project import Project
from curator.sample.digits import (
    CLASSES,
    DEAD,
    EXACT_COPIES,
    NEAR_COPIES,
    NO_CLASS,
    PAGES,
    SIDE,
    TRUNCATED,
    Item,
    build,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Build the sample once."""
    return build()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_sample(items: list[Item]) -> None:
    """Addresses, bytes and truth are equal in every run; another seed gives others."""
    assert build() == items
    other = build(seed=1)
    assert len(other) == len(items)
    assert [item.body for item in other] != [item.body for item in items]


def test_the_faults_are_as_many_as_promised(items: list[Item]) -> None:
    """Each kind of fault is planted in its number."""
    counted = Counter(item.fault for item in items)
    assert {name: counted[name] for name in counted if name != ""} == {
        "wrong label": 27,
        "slow": counted["slow"],
        "no class": NO_CLASS,
        "exact copy": EXACT_COPIES,
        "near copy": NEAR_COPIES,
        "truncated": TRUNCATED,
        "page": PAGES,
        "dead": DEAD,
    }
    assert 3 <= counted["slow"] <= 7
    assert len(items) == 589
    assert len({item.path for item in items}) == len(items)


def test_the_truth_is_consistent(items: list[Item]) -> None:
    """Wrong labels and strangers are what a reviewer should find, and nothing else is."""
    for item in items:
        assert item.listed in CLASSES
        assert item.path.startswith(f"/{item.listed}/")
        if item.fault == "wrong label":
            assert item.truth in CLASSES
            assert item.truth != item.listed
        elif item.fault in {"no class", "truncated", "page", "dead"}:
            assert item.truth is None
        else:
            assert item.truth == item.listed
        assert item.is_bad == (item.fault in {"wrong label", "no class"})


def test_pictures_open_and_broken_ones_do_not(items: list[Item]) -> None:
    """What should be a picture is one of the right size; what is cut or a page is refused."""
    for item in items[::7] + [item for item in items if item.fault]:
        if item.fault in {"truncated", "page"}:
            with pytest.raises(Rejected):
                decode(item.body)
        elif item.fault != "dead":
            with Image.open(io.BytesIO(item.body)) as image:
                expected = 140 if item.fault == "near copy" else SIDE
                assert image.size == (expected, expected)


def test_copies_are_copies(items: list[Item]) -> None:
    """Exact copies have the bytes of another address; near copies have bytes of their own."""
    bodies = Counter(item.body for item in items if item.status == 200)
    for item in items:
        if item.fault == "exact copy":
            assert bodies[item.body] >= 2
        if item.fault == "near copy":
            assert bodies[item.body] == 1


def test_the_job_fills_a_project(sample: Project, items: list[Item]) -> None:
    """Fetched over HTTP, each address ended as its truth says."""
    fault_of = {item.path: item.fault for item in items}
    expected = {"dead": "dead", "page": "page_not_image", "truncated": "broken"}
    with sample.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT origin, state, reason FROM sources").all()
    assert len(rows) == len(items)
    for origin, state, reason in rows:
        fault = fault_of["/" + origin.split("/", 3)[3]]
        assert reason == expected.get(fault)
        assert state == ("failed" if fault in expected else "fetched")


@pytest.mark.slow
def test_the_sample_joins_a_project_with_classes(tmp_path: Path) -> None:
    """A project that has one of the classes gets the others, in order."""
    with Project.create(tmp_path / "p", ["five", "other"]) as project:
        answer = project.take_sample()
        assert project.class_names() == ["five", "other", "three", "eight"]
        assert answer.images == 561
        assert answer.same == EXACT_COPIES
