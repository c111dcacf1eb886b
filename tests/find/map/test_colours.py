"""What dots are coloured by, and what a region says of its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.errors import InputError
from curator.find.map import colours, region
from tests.find.test_subsets import clusters
from tests.review.made_up import Made, make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.find.test_likeness import Build

SURE, DOUBTFUL = (0.9, 0.06, 0.04), (0.1, 0.7, 0.2)


def test_every_colour(featured: Build) -> None:
    """Each is of one kind, with a code or a value for every image, unknown where it is."""
    made = [
        Made(shares=SURE, origins=("https://one.example/a.jpg",), dark=0.2),
        Made(shares=DOUBTFUL, origins=("https://two.example:8080/b.jpg",), split="valid"),
        Made(given=2, action="keep"),
        Made(given=2, action="relabel", label=1, shares=DOUBTFUL, seen_as=2),
    ]
    project = featured(made, clusters([4]))
    ids = np.arange(1, 5)

    def named(by: str) -> list[str]:
        found = project.colouring(ids, by)
        assert (len(found.values), len(found.codes)) == (0, 4)
        return [found.names[code] for code in found.codes.tolist()]

    assert named("class") == ["a", "a", "b", "a"]
    assert named("prediction") == ["a", "b", "unknown", "b"]
    assert named("split") == ["train", "valid", "train", "train"]
    assert named("decision") == ["undecided", "undecided", "kept", "kept"]
    assert named("host")[:2] == ["one.example", "two.example:8080"]
    suspicion = project.colouring(ids, "suspicion")
    assert suspicion.names == ()
    # The relabelled one is judged by its present label, the unseen one not at all.
    assert suspicion.values[[0, 1, 3]] == pytest.approx([0.1, 0.9, 0.9], abs=1e-5)
    assert np.isnan(suspicion.values[2])
    quality = project.colouring(ids, "quality").values
    assert quality[0] > quality[1]
    project.add_concept("drawings", [1], [2])
    assert colours.choices(project)[-1] == "concept:drawings"
    shown = project.colouring(ids, "concept:drawings").values
    assert shown[:2].tolist() == [1, 0]
    assert ((shown[2:] > 0) & (shown[2:] < 1)).all()
    for wrong in ("beauty", "concept:nothing"):
        with pytest.raises(InputError):
            project.colouring(ids, wrong)


def test_many_names_become_others(tmp_path: Path) -> None:
    """Twenty hosts have their own colour; what is beyond is one."""
    hosts = [f"https://h{i % 25}.example/{i}.jpg" for i in range(80)]
    with make(tmp_path / "p", [Made(origins=(host,)) for host in hosts]) as project:
        found = project.colouring(np.arange(1, 81), "host")
    assert (len(found.names), found.names[-1]) == (21, "others")
    assert found.codes.max() == 20
    assert (found.codes == 20).sum() == 15  # five hosts of three images


def test_inside_a_polygon() -> None:
    """A concave lasso holds what lies in its arms and not what lies between them."""
    lasso = np.array([[0, 0], [4, 0], [4, 4], [3, 4], [3, 1], [1, 1], [1, 4], [0, 4]])
    points = np.array([[0.5, 3], [2, 3], [3.5, 3], [2, 0.5], [5, 0.5], [-1, 0.5]])
    assert region.inside(points, lasso).tolist() == [True, False, True, True, False, False]
    assert region.inside(np.empty((0, 2)), lasso).tolist() == []
    for corners in (lasso[:2], np.zeros((4, 3)), np.full((3, 2), np.nan)):
        with pytest.raises(InputError):
            region.inside(points, corners)


def test_wrong_labels_of_a_region(tmp_path: Path) -> None:
    """Decided and deleted images are known; answers move the number; without a run none is told."""
    made = [Made(shares=SURE)] * 30 + [Made(shares=DOUBTFUL)] * 30
    with make(tmp_path / "p", made) as project:
        sure = project.wrong_within(range(1, 31))
        doubtful = project.wrong_within(range(31, 61))
        assert (sure.images, sure.judged, sure.decided) == (30, 30, 0)
        assert sure.wrong is not None
        assert doubtful.wrong is not None
        assert sure.wrong < doubtful.wrong
        assert f"{doubtful.low} to {doubtful.high}" in doubtful.sentence
        project.decide([60], "delete")
        project.decide(list(range(31, 51)), "keep")
        after = project.wrong_within(range(31, 61))
        assert (after.images, after.decided, after.judged) == (29, 20, 9)
        assert after.wrong is not None
        assert after.wrong / 9 < 0.6 * doubtful.wrong / 30
        assert "no image" in project.wrong_within([]).sentence
    with make(tmp_path / "q", [Made()]) as unseen:
        told = unseen.wrong_within([1])
        assert (told.wrong, "judged none" in told.sentence) == (None, True)
