"""Fetches that cannot be held up: their limits, and the watcher that enforces them.

Time-outs of sockets restart with each byte, so one thread shuts the socket of any fetch that is
past its deadline or cancelled.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from curator.imaging.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TICK = 0.1  # seconds between looks at deadlines and cancel flags


class Stop(Exception):
    """A fetch attempt ends here. Not an OSError, so urllib3 lets it pass unchanged.

    ``again``: another attempt may help; ``after``: seconds that the server asked to wait.
    """

    def __init__(
        self, reason: Reason, detail: str, again: bool = False, after: float | None = None
    ) -> None:
        self.reason = reason
        self.detail = detail
        self.again = again
        self.after = after
        super().__init__(f"{reason}: {detail}")


class Flight:
    """One fetch under way: its limits, and a handle on the socket that it waits for."""

    def __init__(
        self,
        allow_private: bool,
        connect_timeout: float,
        read_timeout: float,
        deadline: float,
        cancelled: Callable[[], bool],
    ) -> None:
        self.allow_private = allow_private
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.target = "/"  # path and query of the present hop, as they go over the wire
        self.answer_by: float | None = None  # when the answer's header must have come; monotonic
        self._deadline = deadline
        self._ends = time.monotonic() + deadline
        self._cancelled = cancelled
        self._verdict: Stop | None = None
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._ends - time.monotonic())

    def check(self) -> None:
        """Raise :class:`Stop` when the fetch is cancelled or past its deadline."""
        if self._verdict is None:
            answer_by = self.answer_by
            if self._cancelled():
                self._verdict = Stop(Reason.CANCELLED, "The download was stopped.")
            elif self.remaining() <= 0:
                self._verdict = Stop(
                    Reason.TIMED_OUT, f"It was not done after {self._deadline:g} s."
                )
            elif answer_by is not None and time.monotonic() > answer_by:
                self._verdict = Stop(Reason.TIMED_OUT, "The host did not answer in time.")
        if self._verdict is not None:
            raise Stop(self._verdict.reason, self._verdict.detail)

    def wait(self, seconds: float) -> None:
        """Sleep, but raise :class:`Stop` at once when there is reason to."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(TICK, left))
            self.check()

    def attach(self, connected: socket.socket) -> None:
        """Watch this socket from now on, through a second handle.

        The connection's own object changes under TLS and is closed early by ``Connection: close``.
        """
        handle = socket.fromfd(connected.fileno(), connected.family, connected.type)
        with self._lock:
            previous, self._handle = self._handle, handle
        if previous is not None:
            previous.close()

    def land(self) -> None:
        """Let go of the socket: it may serve another fetch now."""
        with self._lock:
            previous, self._handle = self._handle, None
        if previous is not None:
            previous.close()

    def look(self) -> None:
        """Shut the socket when the fetch has to end; the watcher asks for it."""
        try:
            self.check()
        except Stop:
            with self._lock, contextlib.suppress(OSError):
                if self._handle is not None:
                    self._handle.shutdown(socket.SHUT_RDWR)


class _Watcher:
    """The thread that looks after all flights of the process."""

    def __init__(self) -> None:
        self._flights: set[Flight] = set()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, flight: Flight) -> None:
        with self._change:
            self._flights.add(flight)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="fetch-watch", daemon=True)
                self._thread.start()
            self._change.notify()

    def remove(self, flight: Flight) -> None:
        with self._change:
            self._flights.discard(flight)

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._flights:
                    self._change.wait()
                flights = list(self._flights)
            for flight in flights:
                # A faulty cancel function must not end the watch over all other fetches; the
                # fetch itself calls it too, and there the error shows.
                with contextlib.suppress(Exception):
                    flight.look()
            time.sleep(TICK)


_watcher = _Watcher()
_present = threading.local()


@contextlib.contextmanager
def flying(flight: Flight) -> Iterator[None]:
    """Make ``flight`` the one that this thread's connections obey."""
    _present.flight = flight
    _watcher.add(flight)
    try:
        yield
    finally:
        _watcher.remove(flight)
        flight.land()
        _present.flight = None


def present() -> Flight:
    """The flight that this thread's connections obey."""
    flight: Flight = _present.flight
    return flight
