"""Verifying files in processes of their own, so that no file can take the program down with it.

A hostile image may crash its decoder, hang it or fill the memory. The process that decodes has a
limit of memory and is ended when one file takes too long; that file is refused, the next goes on
in a new process. Each file is read once: decoded, measured, hashed and put among the originals.

Starting a process takes some 0.4 s: one that has answered all it was asked is kept for a moment,
for the import that often follows a fetch.
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import sys
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from curator.collect.verification.process import Verdict, VerifyingProcess
from curator.errors import FileError, JobError
from curator.imaging.inspection import MIN_SIDE
from curator.imaging.reasons import Reason
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Verdict", "Verifiers"]

SECONDS = 60.0  # for one file; the largest that is decoded takes about 3
_AHEAD = 16  # files sent to a process before the answer to the first has come
_TICK = 0.5  # seconds between looks at the time limit
_GRACE = 5.0  # seconds that the end of a killed process is waited for
_KEPT_SECONDS = 10.0  # an idle process holds some 40 MB


@dataclass(frozen=True)
class _Task:
    content: Path | bytes
    move: bool
    future: Future[Verdict]


@dataclass
class _Line:
    """The tasks of one thread. ``one_by_one``: a process died over one of those that wait."""

    waiting: deque[_Task] = field(default_factory=deque)
    asked: deque[_Task] = field(default_factory=deque)  # not answered yet, in order
    one_by_one: bool = False


class Verifiers:
    """Up to ``count`` processes (by default one a core), started as they are needed.

    Accepted files are put below ``originals`` under their hash. ``min_side``: shortest side in
    pixels of an accepted image; ``seconds``: time limit for one file. ``seen_by``: which
    backbone's view accepted images come with, None for none; asked again for each few files
    (:func:`curator.encode.preprocess.view_of`).
    """

    module: ClassVar[str] = VerifyingProcess.__module__  # whose ``main`` the processes run

    def __init__(
        self,
        originals: Path,
        min_side: int = MIN_SIDE,
        count: int | None = None,
        seconds: float = SECONDS,
        seen_by: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._terms: dict[str, Any] = {"originals": str(originals), "min_side": min_side}
        self._seen_by = seen_by
        self._count = count or cpu_count()
        self._seconds = seconds
        self._work: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[VerifyingProcess] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._open = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, content: Path | bytes, move: bool = False) -> Future[Verdict]:
        """Verify a file, or bytes; the answer holds its :class:`Verdict`.

        ``move``: an accepted file is moved to the originals, and a refused one removed; else it is
        copied and stays. The answer raises FileError when the disk refuses, JobError when no
        process can be started, and CancelledError when :meth:`close` came first.
        """
        task = _Task(content, move, Future())
        with self._lock:
            self._open += 1
            if len(self._threads) < min(self._open, self._count):
                if not self._threads:
                    threading.Thread(target=self._watch, name="verify-watch", daemon=True).start()
                thread = threading.Thread(target=self._serve, name="verify", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._work.put(task)
        return task.future

    def close(self) -> None:
        """End the processes that are at work; what is not verified yet is cancelled."""
        with self._lock:
            self._closed.set()
            for process in self._processes:
                if not process.is_idle:
                    process.kill()
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(_GRACE)
        for task in self._taken(sys.maxsize):
            task.future.cancel()

    def _watch(self) -> None:
        while not self._closed.wait(_TICK):
            with self._lock:
                for process in self._processes:
                    process.kill_if_late(self._seconds)

    def _serve(self) -> None:
        """One thread: a process after another, each for as long as it lasts."""
        line = _Line()
        while not self._closed.is_set():
            if not line.waiting:
                line.waiting.extend(self._taken(_AHEAD, wait=True))  # no process without work
                continue
            process: VerifyingProcess | None = None
            try:
                process = self._start()
                self._converse(process, line)
            except JobError as error:
                while line.waiting and not self._closed.is_set():
                    self._finish(line.waiting.popleft(), error)
            except (OSError, EOFError):
                if process is not None and not self._closed.is_set():
                    self._blame(process, line)
            finally:
                if process is not None:
                    with self._lock:
                        self._processes.discard(process)
                    _kept.put(process)
        for task in (*line.asked, *line.waiting):
            task.future.cancel()

    def _blame(self, process: VerifyingProcess, line: _Line) -> None:
        """Refuse the file that a process died over, once it is known which one that was."""
        if len(line.asked) == 1:
            self._finish(line.asked.popleft(), _fatal(process.late, self._seconds))
        line.waiting.extendleft(reversed(line.asked))
        line.asked.clear()
        line.one_by_one = bool(line.waiting)

    def _start(self) -> VerifyingProcess:
        process = _kept.take(self.module) or VerifyingProcess(self.module)
        with self._lock:
            self._processes.add(process)
        return process

    def _converse(self, process: VerifyingProcess, line: _Line) -> None:
        """Ask and hear until the verifiers are closed. Raises OSError, EOFError at its death."""
        process.wait_until_ready()
        while not self._closed.is_set():
            if line.one_by_one:
                some = [line.waiting.popleft()] if line.waiting and not line.asked else []
                line.one_by_one = bool(line.waiting)
            elif len(line.asked) <= _AHEAD // 2:
                room = _AHEAD - len(line.asked) - len(line.waiting)
                idle = not line.asked and not line.waiting
                some = [*line.waiting, *self._taken(room, wait=idle)]
                line.waiting.clear()
            else:
                some = []
            if some:
                line.asked.extend(some)
                with self._lock:
                    if self._closed.is_set():
                        return
                    process.begin()
                terms = {**self._terms, "seen_by": self._seen_by()}
                process.ask([(task.content, task.move) for task in some], terms)
            if line.asked:
                answer = process.answer()
                self._finish(line.asked.popleft(), answer)
            if not line.asked:
                process.rest()

    def _taken(self, most: int, wait: bool = False) -> list[_Task]:
        """The next tasks; waits for the first where asked to. None at all: it is the end."""
        found: list[_Task] = []
        with contextlib.suppress(queue.Empty):
            while len(found) < most:
                task = self._work.get(block=wait and not found)
                if task is None:
                    break
                found.append(task)
        return found

    def _finish(self, task: _Task, answer: Verdict | FileError | JobError) -> None:
        with self._lock:
            self._open -= 1
        refused = isinstance(answer, Exception) or answer.image is None
        if task.move and refused and isinstance(task.content, Path):
            with contextlib.suppress(OSError):
                task.content.unlink(missing_ok=True)
        if isinstance(answer, Exception):
            task.future.set_exception(answer)
        else:
            task.future.set_result(answer)


def _fatal(late: bool, seconds: float) -> Verdict:
    what = f"took more than {seconds:g} s" if late else "crashed the decoder"
    return Verdict(None, None, Reason.BROKEN, f"Decoding the image {what}.", 0)


class _Kept:
    """Idle processes, each ended unless it is taken again soon."""

    def __init__(self) -> None:
        self._timers: dict[VerifyingProcess, threading.Timer] = {}
        self._lock = threading.Lock()

    def put(self, process: VerifyingProcess) -> None:
        """Keep a process that waits for a question; end any other."""
        if not process.is_idle:
            process.end()
            return
        timer = threading.Timer(_KEPT_SECONDS, self._end, [process])
        timer.daemon = True
        with self._lock:
            self._timers[process] = timer
        timer.start()

    def take(self, module: str | None = None) -> VerifyingProcess | None:
        """One that lives and runs ``module``, by default any, if there is one."""
        while True:
            with self._lock:
                fitting = (one for one in self._timers if module in {None, one.module})
                process = next(fitting, None)
                if process is None:
                    return None
                timer = self._timers.pop(process)
            timer.cancel()
            if process.is_idle:
                return process
            process.end()

    def end_all(self) -> None:
        """End them now, as at the program's end."""
        while process := self.take():
            process.end()

    def _end(self, process: VerifyingProcess) -> None:
        with self._lock:
            if self._timers.pop(process, None) is None:
                return
        process.end()


_kept = _Kept()
atexit.register(_kept.end_all)
