"""More like this: the order is that of the cosines, whatever came, went or was altered since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.errors import InputError, NotEnoughData, UnknownImage
from curator.find.likeness import read, written
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import counts, open_queue
from tests.find.conftest import give_features
from tests.pictures import encoded, picture
from tests.review.made_up import Made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.project import Project

    Build = Callable[[list[Made], NDArray[np.float32]], Project]


def expected(features: NDArray[np.float32], asked: list[int]) -> list[int]:
    """Give the ids of the others by the cosine with the mean direction from the middle."""
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    away = units - units.mean(axis=0)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    cosines = away @ away[[key - 1 for key in asked]].mean(axis=0)
    return [int(i) + 1 for i in np.argsort(-cosines) if i + 1 not in asked]


def test_the_order_is_that_of_the_cosines(featured: Build) -> None:
    """From one image and from several; the left out are not among them, filters narrow."""
    features = np.random.default_rng(1).standard_normal((60, 8)).astype(np.float32)
    project = featured([Made(given=1 + i % 2, split="train") for i in range(60)], features)
    for asked in ([7], [3, 41, 20]):
        queue = project.similar(asked)
        assert queue.ids.tolist() == expected(features, asked)
        assert np.all(np.diff(queue.scores) <= 0)
    order = expected(features, [7])
    project.decide(order[:2], "delete")
    assert project.similar([7]).ids.tolist() == order[2:]
    narrowed = Filters(label="a", like="7")
    own = [key for key in order[2:] if key % 2 == 1]
    assert open_queue(project, "similar", narrowed).ids.tolist() == own
    assert counts(project, ["similar"], narrowed) == {"similar": len(own)}
    table = project.similar([7]).table(3)
    assert table["image_id"].tolist() == order[2:5]
    assert table["likeness"].is_monotonic_decreasing


def test_images_that_come_are_found(featured: Build) -> None:
    """Features that are computed later count at the next question; before, images are left out."""
    features = np.random.default_rng(2).standard_normal((30, 8)).astype(np.float32)
    project = featured([Made() for _ in range(30)], features[:20])
    assert set(project.similar([1]).ids.tolist()) == set(range(2, 21))
    with pytest.raises(NotEnoughData, match="Image 25 has no features yet"):
        project.similar([25])
    give_features(project, features)
    assert project.similar([25]).ids.tolist() == expected(features, [25])


@pytest.mark.slow
def test_what_cannot_be_compared(featured: Build, small: Project, tmp_path: Path) -> None:
    """No features, no such image, nothing asked, a file that is no picture: each is named."""
    with pytest.raises(NotEnoughData, match="curator check"):
        small.similar([1])
    project = featured([Made(), Made(), Made()], np.ones((3, 4), np.float32))
    assert project.similar([1]).ids.tolist() == [2, 3]  # all the same: by id
    with pytest.raises(UnknownImage, match="9"):
        project.similar([9])
    with pytest.raises(InputError, match="nothing to compare"):
        project.similar()
    with pytest.raises(InputError, match="'x' is no image"):
        open_queue(project, "similar", Filters(like="1,x"))
    with pytest.raises(InputError, match="not known here any more"):
        open_queue(project, "similar", Filters(like="ab" * 32))
    (tmp_path / "page.png").write_text("<html>")
    with pytest.raises(InputError, match="cannot be used"):
        project.similar((), tmp_path / "page.png")
    with pytest.raises(InputError, match="no file"):
        project.similar((), tmp_path / "none.png")
    with pytest.raises(InputError, match="Port 1 is not fetched"):
        project.similar((), "http://127.0.0.1:1/a.png")
    assert len(open_queue(project, "similar")) == 0


def test_what_is_asked_with_survives_as_text() -> None:
    """Ids and pictures come back from the text that an address carries, each once."""
    digest = "0f" * 32
    assert read(written([3, 1, 3], [digest])) == ([3, 1], [digest])
    with pytest.raises(InputError, match="nothing to compare"):
        read(" , ")
    with pytest.raises(InputError, match="too many"):
        read(",".join(map(str, range(1001))))


@pytest.mark.slow
def test_a_picture_from_outside(small: Project, tmp_path: Path) -> None:
    """A file or its bytes finds its twin first, is not added, and its view has an address."""
    small.check()
    twin = tmp_path / "twin.webp"
    twin.write_bytes(encoded(picture(5, 80), "WEBP", quality=90))
    for given in (twin, twin.read_bytes()):
        queue = small.similar((), given)
        assert queue.scores is not None
        assert queue.ids[0] == 6
        assert queue.scores[0] > max(0.5, queue.scores[1] + 0.1)
        assert len(queue) == 30
    assert small.status().images == 30
    assert not list(small.path.glob(".*/"))
