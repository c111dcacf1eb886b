"""Near-duplicates: copies share a group however they came, others do not."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curator.check.duplicates.candidates import close_hashes, groups
from curator.check.report import report
from curator.project import Project
from curator.store.images import live
from tests.check.photos import CHANGES, cropped, mirrored, photo, recompressed
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


def write(folder: Path, images: dict[str, Image.Image], label: str = "cat") -> Path:
    """Write pictures as files of a class; give the folder to import."""
    (folder / label).mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        (folder / label / name).write_bytes(encoded(image.convert("RGB")))
    return folder


def check(project: Project, folder: Path) -> dict[str, int]:
    """Take a folder in, check, and give the groups."""
    project.import_files(folder)
    project.check()
    return groups_of(project)


def copies(first: int, last: int) -> dict[str, Image.Image]:
    """Give pictures first..last-1, each with all its changed copies."""
    made = {f"{n}.png": photo(n) for n in range(first, last)}
    made |= {
        f"{n}-{change.__name__}.png": change(photo(n))
        for n in range(first, last)
        for change in CHANGES
    }
    return made


@pytest.mark.slow
def test_changed_copies_share_a_group(tmp_path: Path) -> None:
    """Recompressed, smaller, cropped, brighter, marked and mirrored copies join their original."""
    with Project.create(tmp_path / "p") as project:
        group = check(project, write(tmp_path / "in", copies(0, 6)))
    originals = [group[f"{n}.png"] for n in range(6)]
    assert len(set(originals)) == 6
    for change in CHANGES:
        assert [group[f"{n}-{change.__name__}.png"] for n in range(6)] == originals


@pytest.mark.slow
def test_smooth_copies_share_a_group(tmp_path: Path) -> None:
    """Pictures without detail: a copy that was recompressed and made smaller is found."""
    made = {f"{n}.png": picture(n, 200) for n in range(20)}
    made |= {f"{n}-small.png": recompressed(picture(n, 150)) for n in range(4)}
    made |= {f"{n}-tiny.png": picture(n, 200).resize((64, 64)) for n in range(2)}
    with Project.create(tmp_path / "p") as project:
        project.import_files(write(tmp_path / "in", made))
        found = project.check()
        group = groups_of(project)
    assert all(group[f"{n}-small.png"] == group[f"{n}.png"] for n in range(4))
    assert all(group[f"{n}-tiny.png"] == group[f"{n}.png"] for n in range(2))
    assert len({group[f"{n}.png"] for n in range(20)}) == 20
    problem = next(p for p in found.problems if p.code == "near_duplicates")
    assert problem.count == 4 + 4 + 2
    assert problem.queue == "duplicates"
    assert "6 more than needed" in problem.problem


@pytest.mark.slow
def test_one_after_the_other_is_as_all_at_once(tmp_path: Path) -> None:
    """Images that come in four parts are grouped as if they had come together.

    Two copies whose original comes later may have got different splits: they keep them, and the
    leak is named.
    """
    made = copies(0, 5)
    names = sorted(made)
    np.random.default_rng(1).shuffle(names)
    with Project.create(tmp_path / "at-once") as project:
        expected = check(project, write(tmp_path / "all", made))
    with Project.create(tmp_path / "parts") as project:
        for part in range(4):
            before = splits_of(project)
            some = {name: made[name] for name in names[part::4]}
            found = check(project, write(tmp_path / f"part-{part}", some))
            assert before.items() <= splits_of(project).items()
        codes = {problem.code for problem in report(project).problems}
        with project.database.read() as connection:
            sides = live(connection).groupby("group_id")["split"].nunique()
    assert as_sets(found) == as_sets(expected)
    assert len(as_sets(found)) == 5
    assert (sides > 1).sum() == 1
    assert "near_duplicates_across_splits" in codes


def splits_of(project: Project) -> dict[int, str]:
    """Give the split of every image."""
    with project.database.read() as connection:
        return dict(live(connection).set_index("image_id")["split"])


def as_sets(group: dict[str, int]) -> set[frozenset[str]]:
    """Give the groups as sets of names, whatever their numbers."""
    return {frozenset(n for n in group if group[n] == number) for number in group.values()}


@pytest.mark.slow
def test_a_copy_that_comes_later_joins_its_group_and_split(tmp_path: Path) -> None:
    """A crop, which only the features find, goes where its original is."""
    with Project.create(tmp_path / "p") as project:
        check(project, write(tmp_path / "a", {f"{n}.png": photo(n) for n in range(10)}))
        later = {f"{n}-crop.png": mirrored(cropped(photo(n))) for n in range(10)}
        group = check(project, write(tmp_path / "b", later))
        with project.database.read() as connection:
            table = live(connection)
    assert [group[f"{n}-crop.png"] for n in range(10)] == [group[f"{n}.png"] for n in range(10)]
    assert (table.groupby("group_id")["split"].nunique() == 1).all()


@pytest.mark.slow
def test_nothing_new_is_not_compared_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a check, another one decides no pair."""
    with Project.create(tmp_path / "p") as project:
        group = check(project, write(tmp_path / "in", copies(0, 2)))
        monkeypatch.setattr("curator.check.job.grouped", None)
        project.check()
        assert groups_of(project) == group


hashes_64 = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=25)


@given(hashes=hashes_64, data=st.data(), bits=st.integers(0, 30))
def test_close_hashes_are_those_of_counting_by_hand(
    hashes: list[int], data: st.DataObject, bits: int
) -> None:
    """Each pair with a new side and few different bits is given once, smaller position first."""
    new = data.draw(st.lists(st.booleans(), min_size=len(hashes), max_size=len(hashes)))
    found = close_hashes(np.array(hashes, dtype=np.uint64), np.array(new), bits)
    expected = [
        (a, b)
        for a in range(len(hashes))
        for b in range(a + 1, len(hashes))
        if (new[a] or new[b]) and (hashes[a] ^ hashes[b]).bit_count() <= bits
    ]
    assert list(map(tuple, found.tolist())) == expected


@given(size=st.integers(1, 20), data=st.data())
def test_groups_are_close_to_their_centre(size: int, data: st.DataObject) -> None:
    """Whatever the links: a group's name is its smallest id, and some member is near all others."""
    position = st.integers(0, size - 1)
    links = data.draw(st.lists(st.tuples(position, position), max_size=40))
    ids = data.draw(st.lists(st.integers(1, 10**6), min_size=size, max_size=size, unique=True))
    found = groups(np.array(ids), np.array(links, dtype=np.int64).reshape(-1, 2)).tolist()
    near = {p: {p} for p in range(size)}
    for a, b in links:
        near[a].add(b)
        near[b].add(a)
    for name in set(found):
        members = {p for p in range(size) if found[p] == name}
        assert name == min(ids[p] for p in members)
        assert any(
            all(p in near[c] or len(near[p] & near[c] - {c}) > 1 for p in members) for c in members
        )
    for p in range(size):
        if near[p] == {p}:
            assert found[p] == ids[p]


def test_a_chain_is_not_one_group() -> None:
    """Where each is like the next only, first and last are apart; two links hold a group."""
    ids = np.arange(10, 20)
    chain = np.array([(p, p + 1) for p in range(9)])
    assert len(set(groups(ids, chain).tolist())) > 2
    cycle = np.array([(0, 1), (1, 2), (2, 3), (3, 0)])
    assert groups(ids, cycle).tolist() == [10] * 4 + list(range(14, 20))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_images() -> None:
    """A thousand new ones among 100,000 are compared in pieces, and those alike are found."""
    hashes = np.random.default_rng(1).integers(0, 1 << 63, 100_000, dtype=np.uint64)
    hashes[70_000] = hashes[99_500]
    new = np.arange(len(hashes)) >= 99_000
    tracemalloc.start()
    found = close_hashes(hashes, new, bits=1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [70_000, 99_500] in found.tolist()
    assert most < 150 << 20
