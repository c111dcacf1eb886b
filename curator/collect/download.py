"""Downloading many addresses: threads, fairness between hosts, and a verified file for each.

The calling thread hands out work and yields outcomes as they come; the threads fetch, verify and
write. Memory does not grow with the list: a bounded number of addresses is looked at ahead, and
nothing is kept of those that are done. What the outcomes mean for the project is for the caller.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from curator.collect.decoding import Rejected
from curator.collect.network import FetchFailed, FetchSettings, fetch
from curator.collect.reasons import Reason
from curator.collect.turns import Turns, Wanted, host_name
from curator.collect.verify import VerifiedImage, verify
from curator.files import store_once
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

__all__ = ["Outcome", "Wanted", "download"]

_TICK = 0.1  # seconds between looks at the cancel flag
_GRACE = 1.0  # seconds that a stopped thread is waited for
_NO_ANSWER = frozenset({Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.UNKNOWN_HOST})


@dataclass(frozen=True)
class Outcome:
    """What became of one address: either ``image`` and ``file``, or a ``reason``.

    ``file``: relative to the folder of originals. ``seconds``: all attempts and waits together.
    """

    key: int
    url: str
    reason: Reason | None
    detail: str
    final_address: str | None
    http_status: int | None
    content_type: str | None
    bytes: int | None
    attempts: int
    seconds: float
    image: VerifiedImage | None
    file: str | None


_Result: TypeAlias = Outcome | BaseException | None


def download(
    wanted: Iterable[Wanted],
    originals: Path,
    settings: FetchSettings,
    cancelled: Callable[[], bool],
) -> Iterator[Outcome]:
    """Fetch, verify and keep each address; yield outcomes as they complete, in no fixed order.

    ``wanted`` is read lazily and ``cancelled`` is asked about ten times a second, both by the
    calling thread only. Once ``cancelled`` says yes, the generator ends within about a second, and
    addresses that are not done yield nothing. Closing the generator does the same. Raises
    :class:`~curator.errors.FileError` when a file cannot be written.
    """
    turns = Turns(iter(wanted), settings.per_host)
    crew = _Crew(originals, settings)
    asked = 0.0
    try:
        while True:
            if (moment := time.monotonic()) - asked >= _TICK:
                asked = moment
                if cancelled():
                    return
            turns.fill()
            for item in turns.given_up():
                yield _given_up(item)
            while crew.has_room and (following := turns.take()) is not None:
                crew.send(following)
            if crew.out == 0:
                if turns.over:
                    return
                continue
            for item, outcome in crew.receive():
                turns.done(item, outcome is not None and _is_silence(outcome))
                if outcome is not None:
                    yield outcome
    finally:
        crew.stop()


class _Crew:
    """The threads, started as they are needed, and the queues to and from them."""

    def __init__(self, originals: Path, settings: FetchSettings) -> None:
        self._originals = originals
        self._settings = settings
        self._stop = threading.Event()
        self._work: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Wanted, _Result]] = queue.SimpleQueue()
        # Decoding is what takes memory and processors: no more at a time than there are cores.
        self._decoders = threading.BoundedSemaphore(cpu_count())
        self._threads: list[threading.Thread] = []
        self.out = 0

    @property
    def has_room(self) -> bool:
        """Two addresses for each thread: none runs dry while the caller is busy."""
        return self.out < 2 * self._settings.threads

    def send(self, item: Wanted) -> None:
        self._work.put(item)
        self.out += 1
        if len(self._threads) < min(self.out, self._settings.threads):
            # Daemons: one that hangs in a connection attempt must not hold up the program's end.
            thread = threading.Thread(target=self._serve, name="fetch", daemon=True)
            thread.start()
            self._threads.append(thread)

    def receive(self) -> Iterator[tuple[Wanted, Outcome | None]]:
        """Wait a moment for a result. Raises what went wrong in the thread, such as a full disk."""
        try:
            item, result = self._results.get(timeout=_TICK)
        except queue.Empty:
            return
        self.out -= 1
        if isinstance(result, BaseException):
            raise result
        yield item, result

    def stop(self) -> None:
        """End all threads; one that hangs is left behind, and writes nothing any more."""
        self._stop.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            result: _Result
            try:
                result = _one(
                    item, self._originals, self._settings, self._stop.is_set, self._decoders
                )
            except BaseException as error:  # noqa: BLE001 -- raised again in the calling thread
                result = error
            self._results.put((item, result))


def _is_silence(outcome: Outcome) -> bool:
    """Whether the address's own host gave no answer; after a redirect it may be another one."""
    if outcome.reason not in _NO_ANSWER:
        return False
    return host_name(outcome.final_address or outcome.url) == host_name(outcome.url)


def _one(
    item: Wanted,
    originals: Path,
    settings: FetchSettings,
    stopped: Callable[[], bool],
    decoders: threading.BoundedSemaphore,
) -> Outcome | None:
    """Fetch, verify and keep one address, in a thread of its own; None when stopped before."""
    if stopped():
        return None
    try:
        answer = fetch(item.url, settings, stopped)
    except FetchFailed as failure:
        if failure.reason is Reason.CANCELLED:
            return None
        return Outcome(
            key=item.key,
            url=item.url,
            reason=failure.reason,
            detail=failure.detail,
            final_address=failure.final_address,
            http_status=failure.http_status,
            content_type=failure.content_type,
            bytes=None,
            attempts=failure.attempts,
            seconds=failure.seconds,
            image=None,
            file=None,
        )
    image, file, reason, detail = None, None, None, ""
    try:
        with decoders:
            if stopped():
                return None
            image = verify(answer.data, settings.min_side)
        file = store_once(originals, answer.data, image.sha256, image.suffix)
    except Rejected as rejected:
        reason, detail = rejected.reason, rejected.detail
    return Outcome(
        key=item.key,
        url=item.url,
        reason=reason,
        detail=detail,
        final_address=answer.final_address,
        http_status=answer.http_status,
        content_type=answer.content_type,
        bytes=len(answer.data),
        attempts=answer.attempts,
        seconds=answer.seconds,
        image=image,
        file=file,
    )


def _given_up(item: Wanted) -> Outcome:
    return Outcome(
        key=item.key,
        url=item.url,
        reason=Reason.HOST_GIVEN_UP,
        detail=f"{host_name(item.url)} did not answer several times in a row.",
        final_address=None,
        http_status=None,
        content_type=None,
        bytes=None,
        attempts=0,
        seconds=0.0,
        image=None,
        file=None,
    )
