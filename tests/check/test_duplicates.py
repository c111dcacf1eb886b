"""Near-duplicates: copies are found through recompression and resizing, others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from curator.check.duplicates import close_pairs, confirm, groups, small_picture
from curator.project import Project
from curator.store.images import live
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path


def groups_of(project: Project) -> dict[str, int]:
    """Give the group of each image, by the name of the file that it came from."""
    with project.database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT origin, group_id FROM sources JOIN images ON images.id = image_id"
        ).all()
    return {origin.rpartition("/")[2]: group for origin, group in rows}


def test_copies_share_a_group(tmp_path: Path) -> None:
    """A copy that was recompressed and made smaller is found; other pictures stay apart."""
    folder = tmp_path / "in" / "cat"
    folder.mkdir(parents=True)
    for number in range(20):
        original = picture(number, 200)
        (folder / f"{number}.png").write_bytes(encoded(original))
        if number < 4:
            smaller = original.resize((150, 150), Image.Resampling.LANCZOS)
            (folder / f"{number}-small.jpg").write_bytes(encoded(smaller, "JPEG", quality=60))
        if number < 2:
            (folder / f"{number}-tiny.webp").write_bytes(
                encoded(original.resize((64, 64)), "WEBP", quality=70)
            )
    with Project.create(tmp_path / "p") as project:
        project.run("import", folder=str(tmp_path / "in"))
        found = project.run("check")
        group = groups_of(project)
    for number in range(4):
        assert group[f"{number}-small.jpg"] == group[f"{number}.png"]
    for number in range(2):
        assert group[f"{number}-tiny.webp"] == group[f"{number}.png"]
    assert len({group[f"{number}.png"] for number in range(20)}) == 20
    problem = next(p for p in found["problems"] if p["code"] == "near_duplicates")
    assert problem["count"] == 4 + 4 + 2
    assert "6 more than needed" in problem["problem"]


def test_a_copy_that_comes_later_joins_its_group(tmp_path: Path) -> None:
    """Only new images are compared, with all: a later copy finds its original and its split."""
    with Project.create(tmp_path / "p") as project:
        for step in range(2):
            folder = tmp_path / f"in-{step}" / "cat"
            folder.mkdir(parents=True)
            for number in range(8):
                drawn = picture(number, 200 - 50 * step)
                (folder / f"{number}-{step}.png").write_bytes(encoded(drawn))
            project.run("import", folder=str(folder.parent))
            project.run("check")
        group = groups_of(project)
        with project.database.read() as connection:
            rows = live(connection)
    assert [group[f"{n}-1.png"] for n in range(8)] == [group[f"{n}-0.png"] for n in range(8)]
    assert len(set(group.values())) == 8
    assert (rows.groupby("group_id")["split"].nunique() == 1).all()


def test_a_brighter_copy_is_a_duplicate_and_a_mirror_is_not() -> None:
    """Light and contrast do not make another picture; turning it round does."""
    original = picture(3, 128)
    values = small_picture(encoded(original, "WEBP"))
    brighter = ImageEnhance.Brightness(original).enhance(0.8)
    mirrored = original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert values @ small_picture(encoded(brighter, "WEBP")) > 0.99
    assert values @ small_picture(encoded(mirrored, "WEBP")) < 0.8
    assert np.linalg.norm(values) == np.float32(1.0) or abs(np.linalg.norm(values) - 1) < 1e-5


def test_a_flat_picture_is_like_no_other() -> None:
    """Two empty grounds have nothing to compare, so they are not called the same."""
    flat = small_picture(encoded(Image.new("RGB", (50, 50), "white"), "WEBP"))
    assert not flat.any()
    pairs = np.array([[0, 1]])
    assert len(confirm(pairs, {0: flat, 1: flat})) == 0


hashes_64 = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=25)


@given(hashes=hashes_64, data=st.data(), bits=st.integers(0, 30))
def test_close_pairs_are_those_of_counting_by_hand(
    hashes: list[int], data: st.DataObject, bits: int
) -> None:
    """Each pair with a new side and few different bits is given once, smaller position first."""
    new = data.draw(st.lists(st.booleans(), min_size=len(hashes), max_size=len(hashes)))
    found = close_pairs(np.array(hashes, dtype=np.uint64), np.array(new), bits)
    expected = [
        (a, b)
        for a in range(len(hashes))
        for b in range(a + 1, len(hashes))
        if (new[a] or new[b]) and (hashes[a] ^ hashes[b]).bit_count() <= bits
    ]
    assert sorted(map(tuple, found.tolist())) == expected


@given(size=st.integers(1, 20), data=st.data())
def test_groups_are_connected_components(size: int, data: st.DataObject) -> None:
    """Images that pairs connect, over however many steps, get the smallest id among them."""
    position = st.integers(0, size - 1)
    links = data.draw(st.lists(st.tuples(position, position), max_size=25))
    ids = data.draw(st.lists(st.integers(1, 10**6), min_size=size, max_size=size, unique=True))
    found = groups(np.array(ids), np.array(links, dtype=np.int64).reshape(-1, 2)).tolist()
    expected = list(ids)
    for _ in range(size):
        for a, b in links:
            expected[a] = expected[b] = min(expected[a], expected[b])
    assert found == expected
