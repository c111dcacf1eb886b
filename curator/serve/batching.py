"""Questions that come together are asked together: a network answers 16 in the time of 8."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Batcher(Generic[Question, Answer]):
    """Collects up to ``size`` questions for at most ``seconds``, and asks them in one thread.

    ``ask`` gives an answer for each question; what it raises, each of them raises. ``coming``: how
    many questions are on their way; when there are none, nothing is waited for.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Question]], Sequence[Answer]],
        size: int,
        seconds: float,
        coming: Callable[[], int],
    ) -> None:
        self._ask = ask
        self._size = size
        self._seconds = seconds
        self._coming = coming
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._wake = asyncio.Event()

    async def answer(self, question: Question) -> Answer:
        """Wait for the answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Answer until cancelled."""
        with ThreadPoolExecutor(1, "network") as thread:
            while True:
                await self._wake.wait()
                if len(self._waiting) < self._size and self._coming() > len(self._waiting):
                    await asyncio.sleep(self._seconds)
                batch = self._waiting[: self._size]
                del self._waiting[: self._size]
                if not self._waiting:
                    self._wake.clear()
                await self._answer(batch, thread)

    async def _answer(
        self, batch: list[tuple[Question, asyncio.Future[Answer]]], thread: ThreadPoolExecutor
    ) -> None:
        questions = [question for question, _ in batch]
        try:
            loop = asyncio.get_running_loop()
            answers = await loop.run_in_executor(thread, self._ask, questions)
        except Exception as error:  # noqa: BLE001  whoever asked is told
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
