"""Whether two pictures are one: the decision behind near-duplicates, on pairs of small grey ones.

Two tests, and passing one of them is enough; in both the second picture may be mirrored:

- *plain*: the pictures as they are correlate by at least :data:`PLAIN`. Recompression, another size
  and another brightness leave it above that.
- *aligned*: one picture is shifted and stretched onto the other, then compared block by block. The
  edges of most blocks must agree, so a watermark or a logo over some of them does no harm, and a
  crop becomes a shift and a stretch; the blocks' brightness must agree as a whole. Only pictures
  with fine detail are tried: smooth ones, such as enlarged digits, can be laid over each other
  without being the same.

The verdict depends on the two pictures alone, never on the collection, so that images which come
one after the other are judged as if they had come at once. Everything here is pure and works on
stacks of pictures, 64 x 64 pixels.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

SIDE = 64  # pixels of the pictures that are compared

PLAIN = 0.99  # correlation of the pictures at 32 x 32
# Root mean square of the Laplacian over that of the gradient, at 32 x 32: photographs have 0.75
# and more, enlarged 8 x 8 digits 0.2 to 0.35.
DETAIL = 0.5
# Correlation below which a pair is given up while it is being aligned, at 16 x 16 and 32 x 32.
HOPE = (0.6, 0.65)
STEPS = (3, 3, 2)  # of the alignment at 16 x 16, 32 x 32, 64 x 64
BLOCKS = 10  # each way
BLOCK = 6  # pixels; 10 x 6 of the 62 pixels that have a gradient
AGREEMENT = 0.6  # correlation of a block's gradients
AGREEING = 0.6  # share of the blocks with edges
BRIGHTNESS = (
    0.85  # correlation of the blocks' mean brightness: charts have like edges, not like bars
)
LEAST_BLOCKS = 10  # blocks with edges, else there is too little to compare
EDGE = 2e-4  # mean squared gradient of a block, pixel values 0..1: below it the block is flat
AT_ONCE = 256  # pairs aligned together, some 30 MB
_LARGEST_STEP = 0.1  # of one step of the alignment; coordinates run from -1 to 1
# How far a picture may be stretched and shifted: a crop of 30 %.
_STRETCH, _SHIFT = (0.7, 1.43), 0.3

Stack: TypeAlias = NDArray[Any]  # float32 (P, S, S), pixel values 0..1
Verdicts: TypeAlias = NDArray[np.bool_]  # (P,)


def same(pictures: NDArray[np.uint8], pairs: NDArray[np.int64]) -> Verdicts:
    """Which pairs of grey ``pictures`` (M, 64, 64) show the same: (P,).

    ``pairs``: (P, 2) positions in ``pictures``.
    """
    stack = pictures.astype(np.float32) / 255
    found = plain(stack, pairs) >= PLAIN
    rest = np.flatnonzero(~found & detailed(stack)[pairs].all(axis=1))
    for start in range(0, len(rest), AT_ONCE):
        some = rest[start : start + AT_ONCE]
        found[some] = _aligned(stack[pairs[some, 0]], stack[pairs[some, 1]])
    return found


def plain(pictures: Stack, pairs: NDArray[np.int64]) -> NDArray[Any]:
    """Correlation of each pair at 32 x 32, as they are or mirrored, the larger: (P,), -1..1.

    A flat picture is like no other: 0.
    """
    small = _unit(_halved(pictures))
    flat = small.reshape(len(small), -1)  # (M, 1024)
    turned = small[:, :, ::-1].reshape(len(small), -1)
    left, right = flat[pairs[:, 0]], pairs[:, 1]
    larger: NDArray[Any] = np.maximum(
        np.einsum("ij,ij->i", left, flat[right]), np.einsum("ij,ij->i", left, turned[right])
    )
    return larger


def detailed(pictures: Stack) -> Verdicts:
    """Whether each picture has fine detail at 32 x 32; see :data:`DETAIL`."""
    small = _halved(pictures)
    across, down = _gradient(small)
    edges = (across**2 + down**2).mean(axis=(1, 2))
    middle = small[:, 1:-1, 1:-1]
    beside = small[:, 1:-1, 2:] + small[:, 1:-1, :-2] + small[:, 2:, 1:-1] + small[:, :-2, 1:-1]
    laplacian = ((4 * middle - beside) ** 2).mean(axis=(1, 2))
    fine: Verdicts = laplacian > DETAIL**2 * np.maximum(edges, 1e-9)
    return fine


def _aligned(first: Stack, second: Stack) -> Verdicts:
    """The second test: from coarse to fine, hopeless pairs given up on the way."""
    found = np.zeros(len(first), dtype=bool)
    where = np.arange(len(first))
    middle = _halved(first), _halved(second)
    coarse = _halved(middle[0]), _halved(middle[1])
    start = np.tile(np.array([1, 0, 1, 0], dtype=np.float32), (len(first), 1))
    straight = _align(coarse[0], coarse[1], start, STEPS[0])
    turned = _align(coarse[0], coarse[1][:, :, ::-1], start, STEPS[0])
    mirrored = turned[1] > straight[1]
    placed = np.where(mirrored[:, None], turned[0], straight[0])
    hope = np.maximum(turned[1], straight[1]) >= HOPE[0]
    where, placed = where[hope], placed[hope]

    def pair(pictures: tuple[Stack, Stack]) -> tuple[Stack, Stack]:
        right = pictures[1][where]
        turn = mirrored[where][:, None, None]
        return pictures[0][where], np.where(turn, right[:, :, ::-1], right)

    placed, score = _align(*pair(middle), placed, STEPS[1])
    hope = score >= HOPE[1]
    where, placed = where[hope], placed[hope]
    left, right = pair((first, second))
    placed, _ = _align(left, right, placed, STEPS[2])
    found[where] = _blocks_agree(left, *_placed(right, placed))
    return found


def _align(
    first: Stack, second: Stack, placement: NDArray[np.float32], steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Improve the placement of ``second`` on ``first``; return it (P, 4) with the correlation (P,).

    A placement is stretch and shift across, stretch and shift down: pixel x of the first picture is
    at ``stretch * x + shift`` of the second, coordinates -1..1. Gauss-Newton steps on the squared
    difference, with brightness and contrast as two further unknowns (Lucas and Kanade 1981).
    """
    side = first.shape[1]
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    for _ in range(steps):
        moved, inside = _placed(second, placement)
        target, own = _centred(first, inside), _centred(moved, inside)
        down, across = (np.gradient(moved, 2 / (side - 1), axis=a) * inside for a in (1, 2))
        columns = [own, inside, across * axis, across, down * axis[:, None], down]
        basis = np.stack(columns, axis=1).reshape(-1, 6, side**2)  # (P, 6, S * S)
        normal = basis @ basis.transpose(0, 2, 1)  # (P, 6, 6)
        # A little of the diagonal keeps flat pictures from dividing by zero.
        ridge = 1e-3 * np.trace(normal, axis1=1, axis2=2) / 6 + 1e-6
        normal += np.eye(6, dtype=np.float32) * ridge[:, None, None]
        answer = np.linalg.solve(normal, basis @ target.reshape(-1, side**2, 1))[..., 0]
        contrast = np.maximum(answer[:, :1], 0.3)
        step = np.clip(answer[:, 2:] / contrast, -_LARGEST_STEP, _LARGEST_STEP)
        low, high = _STRETCH
        placement = np.clip(
            placement + step, [low, -_SHIFT, low, -_SHIFT], [high, _SHIFT, high, _SHIFT]
        ).astype(np.float32)
    moved, inside = _placed(second, placement)
    target, own = _centred(first, inside), _centred(moved, inside)
    return placement, _correlation(target, own)


def _blocks_agree(first: Stack, second: Stack, inside: Stack) -> Verdicts:
    """Whether most blocks that have edges in one of the pictures have the same in the other.

    And whether the blocks' mean brightness correlates. ``inside``: 1 where both have pixels.
    """
    whole = _block_sums(inside[:, 1:-1, 1:-1]) == BLOCK**2  # (P, 100)
    left, right = _gradient(first), _gradient(second)
    product = _block_sums(left[0] * right[0] + left[1] * right[1])
    own = _block_sums(left[0] ** 2 + left[1] ** 2)
    other = _block_sums(right[0] ** 2 + right[1] ** 2)
    edges = whole & (np.maximum(own, other) > EDGE * BLOCK**2)
    agree = edges & (product >= AGREEMENT * np.sqrt(own * other)) & (product > 0)
    count = edges.sum(axis=1)
    bright = [
        _centred(_block_sums(values[:, 1:-1, 1:-1])[:, None], whole[:, None])
        for values in (first, second)
    ]
    alike: Verdicts = (
        (count >= LEAST_BLOCKS)
        & (agree.sum(axis=1) >= AGREEING * count)
        & (_correlation(bright[0], bright[1]) >= BRIGHTNESS)
    )
    return alike


def _placed(pictures: Stack, placement: NDArray[np.float32]) -> tuple[Stack, Stack]:
    """The pictures moved and stretched, linearly interpolated, and 1 where they have pixels."""
    side = pictures.shape[1]
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    across = placement[:, 0:1] * axis + placement[:, 1:2]  # (P, S)
    down = placement[:, 2:3] * axis + placement[:, 3:4]
    moved = _weights(down) @ pictures @ _weights(across).transpose(0, 2, 1)
    inside = (np.abs(down) <= 1)[:, :, None] & (np.abs(across) <= 1)[:, None, :]
    return moved, inside.astype(np.float32)


def _weights(places: NDArray[np.float32]) -> Stack:
    """Weights of linear interpolation at coordinates (P, S) in -1..1: (P, S, S)."""
    side = places.shape[1]
    pixels = (places + 1) * ((side - 1) / 2)
    grid = np.arange(side, dtype=np.float32)
    weights: Stack = np.maximum(0, 1 - np.abs(pixels[:, :, None] - grid))
    return weights


def _centred(pictures: Stack, inside: Stack) -> Stack:
    """With mean 0 over the pixels ``inside``, and 0 elsewhere."""
    number = np.maximum(inside.sum(axis=(1, 2), keepdims=True), 1)
    mean = (pictures * inside).sum(axis=(1, 2), keepdims=True) / number
    centred: Stack = (pictures - mean) * inside
    return centred


def _correlation(first: Stack, second: Stack) -> NDArray[Any]:
    """Of pairs of centred pictures: (P,), -1..1; 0 where one is flat."""
    length = np.sqrt((first**2).sum(axis=(1, 2)) * (second**2).sum(axis=(1, 2)))
    share: NDArray[Any] = (first * second).sum(axis=(1, 2)) / np.maximum(length, 1e-6)
    return share


def _unit(pictures: Stack) -> Stack:
    """With mean 0 and length 1; a flat picture is all 0."""
    values: Stack = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((values**2).sum(axis=(1, 2), keepdims=True))
    flat = length < 1e-3
    return np.where(flat, 0, values / np.where(flat, 1, length)).astype(np.float32)


def _gradient(pictures: Stack) -> tuple[Stack, Stack]:
    """Central differences across and down, without the frame."""
    across = pictures[:, 1:-1, 2:] - pictures[:, 1:-1, :-2]
    down = pictures[:, 2:, 1:-1] - pictures[:, :-2, 1:-1]
    return across, down


def _block_sums(values: Stack) -> NDArray[Any]:
    """Sums of each block: (P, 62, 62) in, (P, 100) out."""
    length = BLOCKS * BLOCK
    parts = values[:, :length, :length].reshape(-1, BLOCKS, BLOCK, BLOCKS, BLOCK)
    sums: NDArray[Any] = parts.sum(axis=(2, 4)).reshape(-1, BLOCKS**2)
    return sums


def _halved(pictures: Stack) -> Stack:
    """Half the side: means of 2 x 2 pixels."""
    side = pictures.shape[1] // 2
    halved: Stack = pictures.reshape(-1, side, 2, side, 2).mean(axis=(2, 4))
    return halved
