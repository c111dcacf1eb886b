"""Downloading many addresses: threads, fairness between hosts, and a verified file for each.

The calling thread hands out work and yields outcomes as they come; threads fetch, and
processes verify what came and put it among the originals. Memory does not grow with the
list or with the size of a file: a bounded number of addresses is looked at ahead, and nothing is
kept of those that are done. What the outcomes mean for the project is for the caller.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from curator.collect.http.body import Body
from curator.collect.http.client import (
    Answer,
    FetchFailed,
    FetchSettings,
    close_connections,
    fetch,
)
from curator.collect.http.frontier import Turns, Wanted, host_name
from curator.collect.verification.pool import Verdict, Verifiers
from curator.errors import FileError
from curator.files import temporary_folder
from curator.imaging.inspection import VerifiedImage
from curator.imaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["Outcome", "Wanted", "download"]

_TICK = 0.1  # seconds between looks at the cancel flag
_GRACE = 1.0  # seconds that stopped threads are waited for
_AT_ONCE, _PAUSE = 64, 0.01  # results taken in one go, and seconds in which they gather
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
    verifiers: int | None = None,
    seen_by: str | None = None,
    answered: Iterable[str] = (),
) -> Iterator[Outcome]:
    """Fetch, verify and keep each address; yield outcomes as they complete, in no fixed order.

    ``verifiers``: processes that decode, by default one a core; ``seen_by``: the backbone whose
    view images come with; ``answered``: hosts (:func:`~curator.collect.http.frontier.host_name`)
    that have answered before, and are given up less soon.

    ``wanted`` is read lazily and ``cancelled`` is asked about ten times a second, both by the
    calling thread only. Once ``cancelled`` says yes, the generator ends within about a second, and
    addresses that are not done yield nothing. Closing the generator does the same. Raises
    :class:`~curator.errors.FileError` when a file cannot be written.
    """
    turns = Turns(iter(wanted), settings.per_host, answered)
    asked = 0.0
    with (
        temporary_folder(originals) as folder,
        _Crew(
            folder,
            settings,
            Verifiers(originals, settings.min_side, verifiers, seen_by=lambda: seen_by),
        ) as crew,
    ):
        while True:
            if (moment := time.monotonic()) - asked >= _TICK:
                asked = moment
                if cancelled():
                    return
            turns.fill()
            for item in turns.given_up():
                yield given_up(item)
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


class _Crew:
    """The threads and the verifying processes, and the queues to and from them."""

    def __init__(self, folder: Path, settings: FetchSettings, verifiers: Verifiers) -> None:
        self._folder = folder
        self._settings = settings
        self._stop = threading.Event()
        self._work: queue.SimpleQueue[Wanted | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Wanted, _Result]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._verifiers = verifiers
        self._numbers = itertools.count()
        self.out = 0

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_: object) -> None:
        """End all threads; one that hangs is left behind, and writes nothing any more."""
        self._stop.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._work.get_nowait()
        for _thread in self._threads:
            self._work.put(None)
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._verifiers.close()
        close_connections()

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
        """Wait a moment for results. Raises what went wrong elsewhere, such as a full disk."""
        with contextlib.suppress(queue.Empty):
            found = [self._results.get(timeout=_TICK)]
            time.sleep(_PAUSE)  # each time that this thread wakes costs the others
            with contextlib.suppress(queue.Empty):
                while len(found) < _AT_ONCE:
                    found.append(self._results.get_nowait())
            self.out -= len(found)
            for item, result in found:
                if isinstance(result, BaseException):
                    raise result
                yield item, result

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            try:
                self._fetch(item)
            except BaseException as error:  # noqa: BLE001 -- raised again in the calling thread
                self._results.put((item, error))

    def _fetch(self, item: Wanted) -> None:
        """Fetch one address and hand on what came, in a thread of its own."""
        if self._stop.is_set():
            self._results.put((item, None))
            return
        path = self._folder / str(next(self._numbers))
        try:
            with Body(path) as body:
                answer = fetch(item.url, self._settings, self._stop.is_set, body)
        except FetchFailed as failure:
            path.unlink(missing_ok=True)
            self._results.put((item, _failed(item, failure)))
            return
        except OSError as error:
            raise FileError(
                f"{path.parent.parent} could not be written: {error.strerror or error}.",
                "Free some space and fetch again: what was fetched so far is kept.",
            ) from error
        self._verifiers.submit(body.content(), move=True).add_done_callback(
            lambda future: self._results.put((item, _judged(item, answer, future)))
        )


def _is_silence(outcome: Outcome) -> bool:
    """Whether the address's own host gave no answer; after a redirect it may be another one."""
    if outcome.reason not in _NO_ANSWER:
        return False
    return host_name(outcome.final_address or outcome.url) == host_name(outcome.url)


def _failed(item: Wanted, failure: FetchFailed) -> Outcome | None:
    """The outcome of an address that gave no bytes; None when it was stopped."""
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


def _judged(item: Wanted, answer: Answer, future: Future[Verdict]) -> _Result:
    """The outcome of an address whose bytes were verified."""
    if future.cancelled():
        return None
    if (error := future.exception()) is not None:
        return error
    verdict = future.result()
    return Outcome(
        key=item.key,
        url=item.url,
        reason=verdict.reason,
        detail=verdict.detail,
        final_address=answer.final_address,
        http_status=answer.http_status,
        content_type=answer.content_type,
        bytes=answer.bytes,
        attempts=answer.attempts,
        seconds=answer.seconds,
        image=verdict.image,
        file=verdict.file,
    )


def given_up(item: Wanted) -> Outcome:
    """The outcome of an address that is not asked for, since its host keeps silent."""
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
