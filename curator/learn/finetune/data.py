"""What is learnt from: pictures, labels, and which rows are held out; batches on the device.

Pictures are uint8 squares, larger than the network's input. Where they fit, all of them lie on the
GPU and batches are picked there; else a thread reads the next batch while the device computes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from curator.errors import InputError, NotEnoughData
from curator.hashing import sha256

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone

# Of the GPU's free memory; the rest is for the network and its activations.
_RESIDENT_SHARE = 0.4
_FILL_ROWS = 256


class Pixels(Protocol):
    """N square pictures."""

    side: int
    """Pixels along an edge."""
    identity: str
    """Names the content: equal for equal pictures in equal order."""

    def __len__(self) -> int: ...

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures of those rows, (len(rows), 3, side, side)."""


class ArrayPixels:
    """Pictures in memory, uint8 (N, 3, S, S)."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[1] != 3:
            raise InputError(
                f"Pictures are uint8 (N, 3, S, S), not {array.dtype} {array.shape}.",
                "Convert them first.",
            )
        if array.shape[2] != array.shape[3]:
            raise InputError(f"{array.shape[2:]} is no square.", "Crop the pictures to squares.")
        self._array = array
        self.side = array.shape[2]
        self.identity = sha256(np.ascontiguousarray(array).data)

    def __len__(self) -> int:
        return len(self._array)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Pictures of those rows, copied."""
        return self._array[rows]


@dataclass(frozen=True)
class Frame:
    """What the network expects to see."""

    size: int
    """Side in pixels."""
    mean: tuple[float, float, float]
    """Per channel, of values scaled to 0..1."""
    std: tuple[float, float, float]
    """Per channel, of values scaled to 0..1."""

    @classmethod
    def of(cls, backbone: Backbone) -> Frame:
        """The frame that ``backbone`` was pretrained with."""
        return cls(backbone.size, backbone.mean, backbone.std)


@dataclass(frozen=True)
class Data:
    """N labelled pictures, some to learn from and some held out.

    Raises :class:`~curator.errors.InputError` for what does not fit together and
    :class:`~curator.errors.NotEnoughData` for fewer than two training rows.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    """(N,), 0..K-1."""
    train: NDArray[np.int64]
    """Rows to learn from."""
    valid: NDArray[np.int64]
    """Rows that are only predicted; may be none."""
    frame: Frame
    classes: int
    """K."""

    def __post_init__(self) -> None:
        count = len(self.pixels)
        if len(self.labels) != count:
            raise InputError(
                f"{len(self.labels)} labels for {count} pictures.", "Pass one label per picture."
            )
        used = np.concatenate([self.train, self.valid])
        if len(used) and not 0 <= used.min() <= used.max() < count:
            raise InputError(
                f"Rows run from {used.min()} to {used.max()}, but there are {count} pictures.",
                f"Use rows 0 to {count - 1}.",
            )
        found = self.labels[used]
        if len(found) and not 0 <= found.min() <= found.max() < self.classes:
            raise InputError(
                f"Labels run from {found.min()} to {found.max()}, but there are {self.classes}"
                " classes.",
                f"Use labels 0 to {self.classes - 1}.",
            )
        shared = np.intersect1d(self.train, self.valid)
        if len(shared):
            raise InputError(
                f"{len(shared)} rows are both learnt from and held out, row {shared[0]} among"
                " them.",
                "Hold them out, or learn from them, not both.",
            )
        if len(self.train) < 2:
            raise NotEnoughData(
                f"There are {len(self.train)} images to learn from; fine-tuning needs at least 2,"
                " and 20 a class to mean anything.",
                "Add images, or use the instant recipe.",
            )
        if self.frame.size > self.pixels.side:
            raise InputError(
                f"The network sees {self.frame.size} px, but the pictures have"
                f" {self.pixels.side} px.",
                "Make the pictures at least as large as the network's input.",
            )

    @property
    def part(self) -> float:
        """Side of the centre crop over the side of the pictures, above 0, at most 1."""
        return self.frame.size / self.pixels.side

    def identity(self) -> str:
        """Names what is learnt: pictures, labels, split and frame."""
        parts = (self.labels, self.train, self.valid)
        return sha256(
            self.pixels.identity.encode(),
            *(np.ascontiguousarray(part, dtype="<i8").tobytes() + b"|" for part in parts),
            f"{self.frame}|{self.classes}".encode(),
        )


class Feed:
    """Batches of pictures on a device, for a ``with`` statement.

    ``resident``: keep all pictures on the GPU where they fit; pays off when they are asked for more
    than once.
    """

    def __init__(self, pixels: Pixels, device: str, *, resident: bool = True) -> None:
        self._pixels = pixels
        self._device = device
        # One thread alone reads: a feature cache serves one thread.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="pixels")
        self._resident = self._load() if resident and self._fits() else None

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.shutdown(cancel_futures=True)

    @property
    def resident(self) -> bool:
        """Whether all pictures lie on the GPU."""
        return self._resident is not None

    def batches(self, rows: Sequence[NDArray[np.int64]]) -> Iterator[torch.Tensor]:
        """The pictures of each array of rows: uint8 (len, 3, side, side) on the device."""
        import torch

        if self._resident is not None:
            for batch in rows:
                yield self._resident[torch.from_numpy(batch).to(self._device)]
            return
        waiting = self._reader.submit(self._pixels.read, rows[0]) if len(rows) else None
        for number in range(len(rows)):
            assert waiting is not None
            pictures = torch.from_numpy(waiting.result())
            if number + 1 < len(rows):
                waiting = self._reader.submit(self._pixels.read, rows[number + 1])
            if self._device == "cuda":
                pictures = pictures.pin_memory()
            yield pictures.to(self._device, non_blocking=True)

    def _fits(self) -> bool:
        if self._device != "cuda":
            return False
        import torch

        free, _ = torch.cuda.mem_get_info()
        return 3 * self._pixels.side**2 * len(self._pixels) <= _RESIDENT_SHARE * free

    def _load(self) -> torch.Tensor:
        import torch

        side, count = self._pixels.side, len(self._pixels)
        every = torch.empty((count, 3, side, side), dtype=torch.uint8, device=self._device)
        for start in range(0, count, _FILL_ROWS):
            rows = np.arange(start, min(start + _FILL_ROWS, count))
            every[start : start + len(rows)] = torch.from_numpy(self._pixels.read(rows))
        return every


def batches_of(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Cut ``rows`` into batches of at most ``size`` that differ by at most one row.

    A small rest would get as much weight as a full batch, and one image alone has no spread for
    batch normalisation.
    """
    return np.array_split(rows, -(-len(rows) // size)) if len(rows) else []


def order_of_epoch(random: np.random.Generator, data: Data, *, balance: bool) -> NDArray[np.int64]:
    """The training rows in random order; with ``balance``, drawn so that classes are even.

    A balanced epoch is as long as a plain one: rare images come more than once, some of the
    frequent ones wait for another epoch.
    """
    if not balance:
        return random.permutation(data.train)
    labels = data.labels[data.train]
    weight = 1 / np.bincount(labels, minlength=data.classes)[labels]
    return random.choice(data.train, len(data.train), p=weight / weight.sum())
