"""Hashes and numbers drawn from them: alike on every machine, in every version.

Splits, folds and the names of files rest on them, so what comes out here may never change.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_PIECE = 1 << 20  # bytes


def sha256(*pieces: bytes | memoryview) -> str:
    """SHA-256 of the pieces one after the other, as 64 hex digits."""
    return sha256_of_all(pieces)


def sha256_of_all(pieces: Iterable[bytes | memoryview]) -> str:
    """SHA-256 of the pieces one after the other, as 64 hex digits; one is held at a time."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content as 64 hex digits, read in pieces of 1 MiB. Raises OSError."""
    with path.open("rb") as stream:
        return sha256_of_all(iter(lambda: stream.read(_PIECE), b""))


def sha256_of_json(value: object) -> str:
    """SHA-256 of a value's JSON, its keys sorted, as 64 hex digits."""
    return sha256(json.dumps(value, sort_keys=True).encode())


def place(seed: int, digest: str) -> str:
    """Where an image of that SHA-256 comes in an order drawn from ``seed``: 64 hex digits."""
    return sha256(f"{seed}:{digest}".encode())


def number_of(digest: str) -> int:
    """A number of 60 bits that an image of that SHA-256 keeps for life."""
    return int(digest[:15], 16)


def draws(numbers: NDArray[np.integer], seed: int) -> NDArray[np.uint64]:
    """A number of 64 bits for each (N,), drawn from it and ``seed``; it looks random.

    The finaliser of SplitMix64 (Steele and others, 2014).
    """
    import numpy as np

    offset = (seed + 1) * 0x9E3779B97F4A7C15 % 2**64
    mixed = numbers.astype(np.uint64) + np.uint64(offset)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result
