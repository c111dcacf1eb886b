"""Where a reviewer is in a queue: the order of its images, the page, and what the browser holds.

The order is fixed while they look: an array of ids, 8 bytes an image; everything else is read a
page at a time. Ranking anew moves only what the reviewer has not come to yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

SMALLEST, LARGEST = 1, 480  # images on a page; widgets/static/gallery_fit.js fills it

Key = TypeVar("Key", bound=int | str)
"""An image's id, or the SHA-256 of a picture that is none of the project's."""


class Pager:
    """A position in an order of N images."""

    def __init__(self, ids: NDArray[np.int64], size: int) -> None:
        self.ids = ids
        self.size = size
        self.offset = 0
        self.seen = 0
        """How many images, from the front, were on a page that was shown."""
        self._show()

    def __len__(self) -> int:
        return len(self.ids)

    def page(self) -> list[int]:
        """Ids of the present page."""
        return self._slice(self.offset, self.offset + self.size)

    def following(self) -> list[int]:
        """Ids of the page after it."""
        return self._slice(self.offset + self.size, self.offset + 2 * self.size)

    def turn(self, by: int) -> bool:
        """Go ``by`` pages on, or back if negative; False when there is none."""
        target = self.offset + by * self.size
        if target >= len(self.ids) or (by < 0 and self.offset == 0):
            return False
        self.offset = max(0, target)
        self._show()
        return True

    def go(self, first: int) -> None:
        """Begin the page at the image of that place, from 1 on; at the last if there are fewer."""
        self.offset = max(0, min(first, len(self.ids)) - 1)
        self._show()

    def resize(self, size: int) -> None:
        """Show pages of ``size`` images; the first of the present page stays first."""
        self.size = max(SMALLEST, min(LARGEST, size))
        self._show()

    def seek(self, page: Sequence[int]) -> None:
        """Show again what is left of a page of images; without any of them, start at the front.

        Where the order has not changed, that is their place in it. Where it has, they come first,
        in the order in which they were shown, and then the others.
        """
        there = set(self.ids[np.isin(self.ids, np.array(page, dtype=np.int64))].tolist())
        left = np.array([image_id for image_id in page if image_id in there], dtype=np.int64)
        place = int(np.flatnonzero(self.ids == left[0])[0]) if len(left) else 0
        if not np.array_equal(self.ids[place : place + len(left)], left):
            self.ids = np.concatenate([left, self.ids[~np.isin(self.ids, left)]])
            place = 0
        self.offset = place
        self._show()

    def rerank(self, fresh: NDArray[np.int64]) -> None:
        """Put what was not seen yet into the order of ``fresh``."""
        kept = self.ids[: self.seen]
        self.ids = np.concatenate([kept, fresh[~np.isin(fresh, kept)]])

    def _show(self) -> None:
        self.seen = max(self.seen, min(len(self.ids), self.offset + self.size))

    def _slice(self, start: int, stop: int) -> list[int]:
        return [int(i) for i in self.ids[start:stop]]


class Sent:
    """Which thumbnails a browser holds: those of the page and the next, never sent twice."""

    def __init__(self) -> None:
        self._held: set[int | str] = set()

    def forget(self) -> None:
        """Another browser page is looking, and it holds nothing."""
        self._held = set()

    def fresh(self, wanted: Iterable[Key]) -> list[Key]:
        """Those of ``wanted`` that have to be sent; the rest of what was held is dropped."""
        asked = list(wanted)
        found = [image_id for image_id in asked if image_id not in self._held]
        self._held = set(asked)
        return found
