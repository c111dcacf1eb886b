"""Batches: questions that come together are asked together, and each gets its own answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from curator.serve.batching import Batcher


def run(questions: Sequence[int], size: int, coming: int = 100) -> tuple[list[object], list[int]]:
    """Ask all at once, 13 of which fails its batch; the answers, and the sizes of the batches."""
    sizes: list[int] = []

    def ask(batch: Sequence[int]) -> list[int]:
        sizes.append(len(batch))
        time.sleep(0.01)
        if 13 in batch:
            raise ValueError("13")
        return [10 * question for question in batch]

    async def together() -> list[object]:
        batcher = Batcher(ask, size, seconds=0.05, coming=lambda: coming)
        running = asyncio.create_task(batcher.run())
        answers = [batcher.answer(question) for question in questions]
        found = await asyncio.gather(*answers, return_exceptions=True)
        running.cancel()
        return list(found)

    return asyncio.run(together()), sizes


def test_each_gets_its_own_answer_in_full_batches() -> None:
    """Ten at once by four make batches of 4, 4 and 2."""
    assert run(range(10), size=4) == ([10 * number for number in range(10)], [4, 4, 2])


def test_a_failure_is_its_batch_s_alone() -> None:
    """Those who were asked with it are told; the batch after is answered."""
    answers, _ = run([13, 1, 2, 3], size=2)
    assert [type(answer) for answer in answers] == [ValueError, ValueError, int, int]


@pytest.mark.parametrize("coming", [1, 100])
def test_one_alone_is_answered(coming: int) -> None:
    """Whether others are on their way or not."""
    assert run([7], size=4, coming=coming) == ([70], [1])
