"""The sample's pictures and what is wrong with them.

Handwritten digits (8 x 8 grey values, 3, 5 and 8: three that people confuse), drawn as picture
files of 160 px. The faults are those of real image searches, and for each the truth is known.

``digits.npz`` holds ``images`` (1797, 8, 8), 0..16, and ``target`` (1797,), 0..9: the test part of
"Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49), licensed CC BY 4.0, its values unchanged and in
the order in which scikit-learn gives them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

DIGITS = {3: "three", 5: "five", 8: "eight"}
CLASSES = tuple(DIGITS.values())
SIDE = 160  # pixels
WRONG_SHARE = 0.05
NO_CLASS, EXACT_COPIES, NEAR_COPIES = 12, 8, 10
TRUNCATED, PAGES, DEAD = 6, 4, 10
SLOW_SECONDS = 1.5

Fault = Literal[
    "", "wrong label", "no class", "exact copy", "near copy", "truncated", "page", "dead", "slow"
]

PAGE = b"<!doctype html><title>Sign in</title><h1>Please sign in to see this picture</h1>"


@dataclass(frozen=True)
class Item:
    """One address of the sample: what is listed, what is served, and the truth."""

    path: str  # of the address, begins with a slash
    listed: str  # the class whose list holds it
    truth: str | None  # the class it shows; None: no class, or no image at all
    fault: Fault
    body: bytes = field(repr=False)
    status: int = 200
    content_type: str = "image/png"
    delay: float = 0.0  # seconds before the answer

    @property
    def is_bad(self) -> bool:
        """Whether a reviewer should act: it shows something else than its label says."""
        return self.fault in {"wrong label", "no class"}


class Digits(NamedTuple):
    """The data set that the sample is drawn from."""

    images: NDArray[np.float64]
    """(N, 8, 8), 0..16, dark is high."""
    target: NDArray[np.int64]
    """(N,), 0..9."""


def load() -> Digits:
    """All 1,797 digits."""
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as stored:
        return Digits(stored["images"].astype(np.float64), stored["target"].astype(np.int64))


def build(seed: int = 0) -> list[Item]:
    """The whole sample, some 560 addresses; the same for the same ``seed``."""
    random = np.random.default_rng(seed)
    digits = load()
    wanted = np.flatnonzero(np.isin(digits.target, list(DIGITS)))
    random.shuffle(wanted)
    wrong = set(wanted[: round(WRONG_SHARE * len(wanted))].tolist())
    items = []
    for number, index in enumerate(wanted.tolist()):
        truth = DIGITS[int(digits.target[index])]
        others = [name for name in CLASSES if name != truth]
        listed = others[int(random.integers(2))] if index in wrong else truth
        fault: Fault = "wrong label" if index in wrong else ""
        picture = draw(digits.images[index])
        items.append(_item(f"/{listed}/{number:04}", listed, truth, fault, picture, number))
    return items + _copies(items, random) + _no_class(digits, random) + _broken(items, random)


def draw(values: NDArray[np.float64], side: int = SIDE) -> Image.Image:
    """An 8 x 8 digit, values 0..16, as dark strokes on a light ground, ``side`` px wide."""
    grey = (255 - values / 16 * 235).clip(0, 255).astype(np.uint8)
    return Image.fromarray(grey).resize((side, side), Image.Resampling.BICUBIC).convert("RGB")


def encode(picture: Image.Image, form: str, quality: int = 90) -> bytes:
    """``picture`` as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"quality": quality} if form == "JPEG" else {}))
    return buffer.getvalue()


def _item(
    path: str, listed: str, truth: str | None, fault: Fault, picture: Image.Image, number: int
) -> Item:
    # Both formats occur in a search, and addresses carry queries that must survive.
    if number % 3:
        body, kind, address = encode(picture, "JPEG"), "image/jpeg", f"{path}.jpg"
    else:
        body, kind, address = encode(picture, "PNG"), "image/png", f"{path}.png?size=large&s"
    slow = number % 90 == 0
    if slow and not fault:
        fault = "slow"
    return Item(
        address, listed, truth, fault, body, content_type=kind, delay=SLOW_SECONDS if slow else 0.0
    )


def _copies(items: list[Item], random: np.random.Generator) -> list[Item]:
    clean = [item for item in items if not item.fault]
    picked = [clean[i] for i in random.choice(len(clean), EXACT_COPIES + NEAR_COPIES, False)]
    copies = []
    for number, item in enumerate(picked):
        fault: Fault = "exact copy" if number < EXACT_COPIES else "near copy"
        body, kind = item.body, item.content_type
        if fault == "near copy":
            with Image.open(io.BytesIO(item.body)) as picture:
                smaller = picture.convert("RGB").resize((140, 140), Image.Resampling.LANCZOS)
            body, kind = encode(smaller, "JPEG", 70), "image/jpeg"
        path = f"/{item.listed}/copy-{number:02}.jpg"
        copies.append(Item(path, item.listed, item.truth, fault, body, content_type=kind))
    return copies


def _no_class(digits: Digits, random: np.random.Generator) -> list[Item]:
    others = np.flatnonzero(~np.isin(digits.target, list(DIGITS)))
    items = []
    for number in range(NO_CLASS):
        listed = CLASSES[number % len(CLASSES)]
        if number % 2:
            index = int(random.choice(others))
            picture = draw(digits.images[index])
        else:
            picture = _chart(random)
        body = encode(picture, "PNG")
        items.append(Item(f"/{listed}/other-{number:02}.png", listed, None, "no class", body))
    return items


def _chart(random: np.random.Generator) -> Image.Image:
    """A bar chart: what an image search for numbers also finds."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(picture)
    for column in range(6):
        height = int(random.integers(20, SIDE - 20))
        colour = tuple(int(value) for value in random.integers(40, 200, 3))
        left = 10 + column * 24
        pen.rectangle((left, SIDE - height, left + 18, SIDE - 10), fill=colour)
    return picture


def _broken(items: list[Item], random: np.random.Generator) -> list[Item]:
    made = []
    whole = [item for item in items if not item.fault]
    for number in range(TRUNCATED):
        body = whole[int(random.integers(len(whole)))].body
        listed = CLASSES[number % 3]
        path = f"/{listed}/cut-{number:02}.jpg"
        made.append(Item(path, listed, None, "truncated", body[: len(body) // 2]))
    for number in range(PAGES):
        listed = CLASSES[number % 3]
        path = f"/{listed}/page-{number:02}.jpg"
        made.append(Item(path, listed, None, "page", PAGE, content_type="text/html"))
    for number in range(DEAD):
        listed = CLASSES[number % 3]
        made.append(Item(f"/{listed}/gone-{number:02}.jpg", listed, None, "dead", b"", status=404))
    return made
