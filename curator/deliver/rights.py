"""What is known of the pictures' licences, and what is not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def licences(images: pd.DataFrame) -> list[tuple[str, int]]:
    """(licence as a list named it, images), the most frequent first; "" where none was named."""
    counted = Counter(images["license"])
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def licence_of_all(images: pd.DataFrame) -> str:
    """The licence that every image names; "" where they differ or one names none."""
    every = licences(images)
    return every[0][0] if len(every) == 1 else ""
