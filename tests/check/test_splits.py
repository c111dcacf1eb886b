"""The split: properties that must hold for any images, groups and labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.check.splits import assign
from curator.store import schema
from curator.store.schema import TEST, TRAIN, VALID
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

SHARE = 0.2


@dataclass(frozen=True)
class Image:
    """What the split knows of an image; ``digest`` is its content."""

    digest: str
    label: int
    group: int


def split(
    images: list[Image],
    known: dict[str, str] | None = None,
    seed: int = 42,
    test_share: float = 0.0,
) -> dict[str, str]:
    """Give the split of every image, by content; ``known`` have theirs already."""
    known = known or {}
    decided = assign(
        list(range(1, len(images) + 1)),
        [image.label for image in images],
        [image.group for image in images],
        [image.digest for image in images],
        [known.get(image.digest) for image in images],
        seed,
        SHARE,
        test_share,
    )
    fresh = {images[image_id - 1].digest: part for image_id, part in decided.items()}
    assert not set(fresh) & set(known), "an existing split was decided again"
    return known | fresh


contents = st.integers(0, 2**64).map(lambda number: f"{number:064x}")


@st.composite
def collections(draw: st.DrawFn, largest_group: int = 4) -> list[Image]:
    """Draw images of up to four classes, in near-duplicate groups of one class each."""
    images = []
    digests = draw(st.lists(contents, min_size=1, max_size=60, unique=True))
    group = 0
    while digests:
        group += 1
        label = draw(st.integers(0, 3))
        size = draw(st.integers(1, largest_group))
        images += [Image(digest, label, group) for digest in digests[:size]]
        digests = digests[size:]
    return images


@given(images=collections(), seed=st.integers(0, 9))
def test_groups_never_straddle_the_split(images: list[Image], seed: int) -> None:
    """All near-duplicates of an image are on its side."""
    parts = split(images, seed=seed)
    assert set(parts) == {image.digest for image in images}
    sides: dict[int, set[str]] = {}
    for image in images:
        sides.setdefault(image.group, set()).add(parts[image.digest])
    assert all(len(side) == 1 for side in sides.values())


@given(images=collections(), seed=st.integers(0, 9), share=st.sampled_from([0.1, 0.3, 0.5]))
def test_test_images_are_drawn_apart(images: list[Image], seed: int, share: float) -> None:
    """Groups stay together, a class of three groups has all three splits, and nothing moves later.

    What has its split keeps it, and without a share there is no test image.
    """
    parts = split(images, seed=seed, test_share=share)
    sides: dict[int, set[str]] = {}
    for image in images:
        sides.setdefault(image.group, set()).add(parts[image.digest])
    assert all(len(side) == 1 for side in sides.values())
    for label in {image.label for image in images}:
        own = [image for image in images if image.label == label]
        groups = {image.group for image in own}
        if len(groups) == len(own) > 2:
            most = min(round(len(own) * share), len(own) - 2)
            assert Counter(parts[i.digest] for i in own)[TEST] == max(1, most)
            assert {parts[i.digest] for i in own} >= {TEST, VALID}
    assert split(images, parts, seed, share) == parts
    assert TEST not in split(images, seed=seed).values()


@given(images=collections(largest_group=1), seed=st.integers(0, 9))
def test_without_groups_each_class_gives_a_fifth(images: list[Image], seed: int) -> None:
    """Of n images of a class round(n / 5) are for validation, at least one from two on."""
    parts = split(images, seed=seed)
    sizes = Counter(image.label for image in images)
    valid = Counter(image.label for image in images if parts[image.digest] == VALID)
    for label, size in sizes.items():
        assert valid[label] == (max(1, round(size * SHARE)) if size > 1 else 0)


@given(images=collections(largest_group=25))
def test_large_groups_do_not_swell_validation(images: list[Image]) -> None:
    """A class has at most its fifth in validation, or one smallest group where none fits."""
    parts = split(images)
    for label in {image.label for image in images}:
        own = [image for image in images if image.label == label]
        groups = Counter(image.group for image in own)
        valid = sum(parts[image.digest] == VALID for image in own)
        wanted = max(1, round(len(own) * SHARE))
        if len(groups) == 1:
            assert valid == (len(own) if parts[own[0].digest] == VALID else 0)
        else:
            assert 0 < valid < len(own)
            assert valid <= wanted or valid == min(groups.values())


@given(images=collections(), data=st.data())
def test_the_order_of_coming_does_not_matter(images: list[Image], data: st.DataObject) -> None:
    """The same images split alike in every project, in whatever order they came."""
    shuffled = data.draw(st.permutations(images))
    renamed = [Image(image.digest, image.label, 1000 - image.group) for image in shuffled]
    assert split(renamed) == split(images)


@given(images=collections(), more=collections())
def test_an_image_keeps_its_split_for_ever(images: list[Image], more: list[Image]) -> None:
    """More images, in old groups or new ones, change no split that is there; groups stay whole."""
    first = split(images)
    taken = {image.digest for image in images}
    later = [image for image in more if image.digest not in taken]
    parts = split(images + later, known=first)
    assert {digest: parts[digest] for digest in first} == first
    sides: dict[int, set[str]] = {}
    for image in images + later:
        sides.setdefault(image.group, set()).add(parts[image.digest])
    assert all(len(side) == 1 for side in sides.values())


@pytest.mark.slow
@given(images=collections(largest_group=1), more=collections(largest_group=1))
def test_a_class_that_grows_stays_at_a_fifth(images: list[Image], more: list[Image]) -> None:
    """New images fill validation up to the fifth of what is there now, and not beyond."""
    first = split(images)
    taken = {image.digest for image in images}
    every = images + [
        Image(image.digest, image.label, 1000 + image.group)
        for image in more
        if image.digest not in taken
    ]
    parts = split(every, known=first)
    for label, size in Counter(image.label for image in every).items():
        valid = sum(parts[i.digest] == VALID for i in every if i.label == label)
        assert valid == (max(1, round(size * SHARE)) if size > 1 else 0)


def test_another_seed_is_another_split() -> None:
    """The seed decides which images are for validation, not how many."""
    images = [Image(f"{number:064x}", 0, number) for number in range(100)]
    first, second = split(images, seed=1), split(images, seed=2)
    assert Counter(first.values()) == Counter(second.values()) == {TRAIN: 80, VALID: 20}
    assert first != second


def test_a_group_goes_where_an_old_member_is() -> None:
    """A new near-duplicate of a validation image is for validation, however full that is."""
    images = [Image(f"{number:064x}", 0, number) for number in range(10)]
    known = split(images)
    target = next(image for image in images if known[image.digest] == VALID)
    copies = [Image(f"{number:064x}", 0, target.group) for number in range(100, 120)]
    parts = split(images + copies, known=known)
    assert {parts[copy.digest] for copy in copies} == {VALID}


def splits_of(project: Project) -> dict[str, str]:
    """Give the split of every image of a project, by content."""
    with project.database.read() as connection:
        rows = connection.execute(
            schema.images.select().with_only_columns(schema.images.c.sha256, schema.images.c.split)
        )
        return {row.sha256: row.split for row in rows}


@pytest.mark.slow
def test_decisions_never_reshuffle(small: Project, tmp_path: Path) -> None:
    """Deleting, relabelling and new images leave every split as it is."""
    small.check()
    before = splits_of(small)
    assert Counter(before.values())[VALID] == 2 + 2 + 2
    small.decide(list(range(1, 9)), "delete")
    small.decide(list(range(9, 16)), "relabel", "owl")
    small.import_files(write_folders(tmp_path / "more", {"cat": 5}, start=500))
    small.check()
    after = splits_of(small)
    assert len(after) == 35
    assert {digest: after[digest] for digest in before} == before
    assert set(after.values()) == {TRAIN, VALID}


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [{"cat": 1}, {"cat": 2}, {"cat": 1, "dog": 3}])
def test_tiny_classes(sizes: dict[str, int], tmp_path: Path, small: Project) -> None:
    """One image of a class is for training; two or more give one to each side."""
    from curator.project import Project as Made

    with Made.create(tmp_path / "tiny") as project:
        project.import_files(write_folders(tmp_path / "in", sizes))
        rows = {row.label: row for row in project.check().classes}
    for name, size in sizes.items():
        assert rows[name].images == size
        assert rows[name].valid == (1 if size > 1 else 0)
