"""The decision on a pair: copies through what people do to them are one, other pictures are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.check.duplicates.matching import SIDE, detailed, plain, same
from curator.check.duplicates.thumbnails import small_picture
from tests.check.photos import CHANGES, cropped, mirrored, photo, recompressed
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = 12


def small(*images: Image.Image) -> np.ndarray:
    """Give pictures as they are compared: (N, 64, 64)."""
    rows = [small_picture(encoded(image.convert("RGB"), "WEBP", quality=80)) for image in images]
    return np.stack(rows).reshape(-1, SIDE, SIDE)


def each_with_next(number: int) -> np.ndarray:
    """Give the pairs 0-1, 2-3 and so on: (number, 2)."""
    return np.arange(2 * number).reshape(-1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_copy_is_the_same(change: Callable[[Image.Image], Image.Image]) -> None:
    """Each change leaves a picture the same, whichever of the two comes first."""
    images = [image for n in range(NUMBER) for image in (photo(n), change(photo(n)))]
    pairs = each_with_next(NUMBER)
    assert same(small(*images), pairs).all()
    assert same(small(*images), pairs[:, ::-1]).all()


def test_changes_add_up() -> None:
    """A mirrored crop of a recompressed picture is still found."""
    images = [
        image
        for n in range(NUMBER)
        for image in (photo(n), mirrored(cropped(recompressed(photo(n)))))
    ]
    assert same(small(*images), each_with_next(NUMBER)).all()


def test_other_pictures_are_not_the_same() -> None:
    """Of thirty pictures with and without detail no two are one, mirrored neither."""
    images = [photo(n) for n in range(15)] + [picture(n, 200) for n in range(15)]
    pairs = np.stack(np.triu_indices(30, 1), axis=1)
    assert not same(small(*images), pairs).any()


def test_the_same_place_with_another_subject_is_not_the_same() -> None:
    """Two shots that share a strip at the side only are two pictures."""
    first, second = photo(1), photo(2)
    second.paste(first.crop((0, 0, 70, first.height)), (0, 0))
    assert not same(small(first, second), each_with_next(1)).any()


def test_smooth_pictures_must_be_the_same_as_they_are() -> None:
    """Without fine detail a crop is not looked for, so that digits are not laid over each other."""
    assert not detailed(small(*(picture(n, 200) for n in range(9))) / 255).any()
    assert detailed(small(*(photo(n) for n in range(9))) / 255).all()
    whole = picture(5, 200)
    images = small(whole, cropped(whole), whole, mirrored(whole))
    assert same(images, each_with_next(2)).tolist() == [False, True]


def test_a_flat_picture_is_like_no_other() -> None:
    """Two empty grounds have nothing to compare, so they are not called the same."""
    flat = small(*(Image.new("RGB", (50, 50), colour) for colour in ("white", "white", "black")))
    pairs = np.array([[0, 1], [0, 2]])
    assert plain(flat / 255, pairs).tolist() == [0, 0]
    assert not same(flat, pairs).any()


def test_no_pairs() -> None:
    """Nothing to decide is decided."""
    assert same(small(photo(0)), np.empty((0, 2), dtype=np.int64)).shape == (0,)
