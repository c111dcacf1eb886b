"""Features as rows that are read in slices, wherever they lie: in memory, on a disk, in shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from curator.errors import InputError

ROWS_AT_A_TIME = 8192


class Rows(Protocol):
    """Features (N, D), float32, that are read in slices of rows: an array or a memory map."""

    @property
    def shape(self) -> tuple[int, ...]:  # noqa: D102 - (N, D)
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]: ...


class Shards:
    """Rows of several arrays or memory maps (n, D), one behind the other. Raises InputError."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        widths = {part.shape[1] for part in parts}
        if len(widths) != 1:
            raise InputError(
                f"{len(parts)} shards with rows of {sorted(widths)} values do not go together.",
                "Take features of one backbone.",
            )
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self.shape = int(self._starts[-1]), widths.pop()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        start, stop, step = rows.indices(len(self))
        if stop <= start:
            return np.empty((0, self.shape[1]), np.float32)
        first, last = np.searchsorted(self._starts, [start, stop - 1], side="right") - 1
        found = [
            self._parts[number][max(0, start - self._starts[number]) : stop - self._starts[number]]
            for number in range(first, last + 1)
        ]
        joined = found[0] if len(found) == 1 else np.concatenate(found)
        return joined[::step]


class Mean:
    """The mean of two sets of rows, made piece by piece."""

    def __init__(self, first: Rows, second: Rows) -> None:
        self._first, self._second = first, second

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, D)."""
        return self._first.shape

    def __len__(self) -> int:
        return len(self._first)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        result: NDArray[np.float32] = np.add(self._first[rows], self._second[rows])
        return result / np.float32(2)


def pieces(rows: int) -> Iterator[slice]:
    """Slices that cover ``rows`` rows, few at a time."""
    for start in range(0, rows, ROWS_AT_A_TIME):
        yield slice(start, min(start + ROWS_AT_A_TIME, rows))
