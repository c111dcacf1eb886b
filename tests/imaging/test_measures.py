"""Measures of images: known values for known pictures, bounds for any, and the right direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_image

from curator.check.quality import BLURRY
from curator.imaging.inspection import verify
from curator.imaging.measures import measure, perceptual_hash, quality_scores
from curator.store import schema
from tests.pictures import encoded, picture

SCORES = {
    "dark_score",
    "light_score",
    "low_information_score",
    "blurry_score",
    "odd_aspect_ratio_score",
    "grayscale_score",
}


def scores(image: Image.Image) -> dict[str, float]:
    """Give the scores of an image in its full size."""
    return quality_scores(image, *image.size)


def noise(width: int = 240, height: int = 200, seed: int = 0) -> Image.Image:
    """Draw coloured noise: every measure finds it good."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def checkerboard(side: int, square: int) -> Image.Image:
    """Draw black and white squares."""
    rows = np.arange(side) // square % 2
    return Image.fromarray((rows[:, None] ^ rows[None, :]).astype(np.uint8) * 255).convert("RGB")


def photograph(name: str) -> Image.Image:
    """Give one of scikit-learn's two photographs at 256 pixels."""
    image = Image.fromarray(load_sample_image(name))
    image.thumbnail((256, 256), Image.Resampling.HAMMING)
    return image


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Blur as a lens out of focus does, by ``radius`` pixels."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def darkened(image: Image.Image, factor: float) -> Image.Image:
    """Multiply every level."""
    return image.point(lambda level: int(level * factor))


def test_columns() -> None:
    """There is a column for each measure, and each is a number that JSON can hold."""
    found = scores(picture(1))
    assert set(found) == SCORES | {"sharpness"}
    assert set(found) <= set(schema.images.c.keys())
    assert {type(value) for value in found.values()} == {float}


def test_black_white_and_plain() -> None:
    """Plain pictures have the scores that their level and their single colour give them."""
    black, white, red = (
        scores(Image.new("RGB", (200, 160), colour)) for colour in ("black", "white", "red")
    )
    assert (black["dark_score"], black["light_score"]) == pytest.approx((0, 1), abs=1e-6)
    assert (white["dark_score"], white["light_score"]) == pytest.approx((1, 0), abs=1e-6)
    assert red["dark_score"] == pytest.approx(0.241**0.5)
    assert black["low_information_score"] == white["low_information_score"] == 0
    # One level in each of three channels: log2(3) bits.
    assert red["low_information_score"] == pytest.approx(0.1 * np.log2(3))
    assert (black["grayscale_score"], white["grayscale_score"], red["grayscale_score"]) == (0, 0, 1)
    assert black["sharpness"] == white["sharpness"] == red["sharpness"] == 0
    assert black["blurry_score"] > 0.8  # a plain ground is empty, not blurred


@pytest.mark.parametrize(("side", "square"), [(256, 1), (256, 2), (256, 4), (200, 8), (64, 1)])
def test_checkerboard(side: int, square: int) -> None:
    """Half black and half white is neither dark nor light, however fine the pattern."""
    found = scores(checkerboard(side, square))
    assert (found["dark_score"], found["light_score"]) == pytest.approx((1, 1), abs=1e-6)
    assert found["low_information_score"] == pytest.approx(0.1, abs=1e-6)  # one bit
    assert found["grayscale_score"] == 0


def test_good_picture() -> None:
    """Noise is nowhere suspicious."""
    found = scores(noise())
    assert all(found[name] > 0.5 for name in SCORES)


def test_percentiles_are_those_of_all_pixels() -> None:
    """One pixel in a hundred does not decide; the sample agrees with the formula on all pixels."""
    image = blurred(noise(256, 256), 3)
    values = np.asarray(image, dtype=np.float64) ** 2 @ (0.241, 0.691, 0.068)
    low, high = np.percentile(np.sqrt(values) / 255, [5, 99])
    found = scores(image)
    assert found["dark_score"] == pytest.approx(high, abs=0.01)
    assert found["light_score"] == pytest.approx(1 - low, abs=0.01)
    lamp = Image.new("RGB", (200, 200))
    lamp.paste("white", (0, 0, 18, 18))  # 0.8 % of the pixels
    assert scores(lamp)["dark_score"] == 0


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_blurred_versions_are_in_order(name: str) -> None:
    """The stronger a photograph is blurred, the lower its blurry score and its sharpness."""
    found = [scores(blurred(photograph(name), radius)) for radius in (0, 1, 2, 4, 8)]
    for column in ("blurry_score", "sharpness"):
        values = [row[column] for row in found]
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == len(values)


def test_a_blurred_photograph_is_below_the_threshold() -> None:
    """What is out of focus is blurry; the drawing of one line on a plain ground is not."""
    flower = photograph("flower.jpg")
    drawing = Image.new("RGB", (256, 192), "white")
    drawing.paste("black", (40, 90, 200, 96))
    assert scores(blurred(flower, 8))["blurry_score"] < BLURRY < scores(flower)["blurry_score"]
    assert scores(drawing)["blurry_score"] > 0.8


@given(st.integers(0, 50), st.floats(0.05, 0.9))
def test_darkening_lowers_the_dark_score(seed: int, factor: float) -> None:
    """A darker version has a lower dark score and a light score that is not lower."""
    image = picture(seed, 48)
    before, after = scores(image), scores(darkened(image, factor))
    assert after["dark_score"] < before["dark_score"]
    assert after["light_score"] >= before["light_score"]


@given(st.integers(0, 50), st.floats(2, 12))
def test_blurring_lowers_the_sharpness(seed: int, radius: float) -> None:
    """A blurred version is less sharp."""
    image = noise(90, 70, seed)
    assert scores(blurred(image, radius))["sharpness"] < scores(image)["sharpness"]


def test_of_two_sizes_the_larger_is_the_sharper() -> None:
    """A small copy is compared at the size of the large one, where its detail is missing."""
    large = checkerboard(256, 8)
    small = large.resize((64, 64), Image.Resampling.BOX)
    assert scores(small)["sharpness"] < scores(large)["sharpness"]


def test_grey() -> None:
    """A grey picture is found in every format; one coloured pixel makes it a coloured one."""
    grey = noise().convert("L").convert("RGB")
    for form in ("PNG", "JPEG", "WEBP"):
        assert verify(encoded(grey, form)).scores["grayscale_score"] == 0
    assert scores(grey)["grayscale_score"] == 0
    # Its entropy is that of its one channel, as if it were stored as a grey image.
    assert scores(grey)["low_information_score"] == pytest.approx(0.1 * grey.convert("L").entropy())
    grey.putpixel((101, 101), (90, 100, 90))
    assert scores(grey)["grayscale_score"] == 1


def test_aspect_ratio() -> None:
    """The shape is that of the full image, whatever the small version's."""
    assert quality_scores(noise(), 1000, 100)["odd_aspect_ratio_score"] == 0.1
    assert quality_scores(noise(), 100, 1000)["odd_aspect_ratio_score"] == 0.1
    assert quality_scores(noise(), 77, 77)["odd_aspect_ratio_score"] == 1


@settings(max_examples=150)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(0, 2**32 - 1),
    st.integers(1, 256),
    st.integers(1, 20),
)
def test_scores_stay_in_range(
    width: int, height: int, seed: int, levels: int, enlarged: int
) -> None:
    """All scores are between 0 and 1 and sharpness is not negative, for any image and size."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, levels, (height, width, 3), dtype=np.uint8))
    found = quality_scores(image, width * enlarged, height * enlarged)
    assert all(0 <= found[name] <= 1 for name in SCORES)
    assert 0 <= found["sharpness"] < float("inf")


def test_hash_of_near_duplicates() -> None:
    """Another size, format and quality change few bits; another picture many."""

    def bits(one: str, other: str) -> int:
        return (int(one, 16) ^ int(other, 16)).bit_count()

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    large = coarse.resize((800, 600), Image.Resampling.BICUBIC)
    original = verify(encoded(large)).phash
    smaller = verify(encoded(large.resize((320, 240)), "JPEG", quality=40)).phash
    turned = perceptual_hash(large.transpose(Image.Transpose.ROTATE_180))

    assert len(original) == 16
    assert bits(original, smaller) <= 4
    assert bits(original, turned) > 16


def reference_hash(image: Image.Image) -> str:
    """Give the hash by its definition, without short cuts."""
    small = image.convert("L").resize((32, 32), Image.Resampling.BOX)
    at = np.arange(32)
    basis = np.cos(np.pi * np.arange(8)[:, None] * (2 * at + 1) / 64)
    low = np.round(basis @ np.asarray(small, dtype=np.float64) @ basis.T, 3)
    bits = "".join("01"[int(value > np.median(low))] for value in low.ravel())
    return f"{int(bits, 2):016x}"


def test_hash_keeps_its_definition() -> None:
    """Stored hashes stay comparable: flat, regular and natural pictures hash by the definition."""
    images = [
        Image.new("RGB", (64, 64), "grey"),
        Image.new("RGB", (3, 90), "white"),
        Image.new("RGB", (1, 1)),
        checkerboard(256, 32),
        noise(),
        *(picture(number, 100) for number in range(30)),
    ]
    assert [perceptual_hash(image) for image in images] == [reference_hash(i) for i in images]
    assert perceptual_hash(images[0]) == "8000000000000000"


def test_measuring_in_one_go_is_the_same() -> None:
    """`measure` gives what the hash and the scores give one by one."""
    image = picture(7, 200)
    assert measure(image, 400, 400) == (perceptual_hash(image), quality_scores(image, 400, 400))
