"""What a job function is given: a place to report to, and to ask whether it should stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from curator.errors import JobCancelled
from curator.store import jobs
from curator.store.database import Database
from curator.store.run_json import HistoryRow

REPORT_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0


class Progress:
    """Counts of one running job, written to the store at most five times a second.

    ``done`` of ``total`` items (None: unknown); ``counts`` names outcomes, such as failures;
    ``table`` is the training table while it grows. A thread keeps the heartbeat going while a
    step computes, and reads the cancel flag.
    """

    def __init__(self, database: Database, job_id: int, listener: Listener | None = None) -> None:
        self.job_id = job_id
        self.done = 0
        self.total: int | None = None
        self.message = ""
        self.counts: dict[str, int] = {}
        self.table: list[HistoryRow] = []
        self._database = database
        self._listener = listener
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._reported = 0.0
        self._lock = threading.Lock()
        self._pulse = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._pulse.start()

    def begin(self, message: str, total: int | None = None) -> None:
        """Start a step: what it does, in the user's words, and how many items it has."""
        self.message, self.total, self.done = message, total, 0
        self._report(force=True)

    def advance(self, items: int = 1, **counts: int) -> None:
        """Report ``items`` more, and add to the named counts. Raises JobCancelled when asked."""
        self.done += items
        for name, number in counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        self._report()
        self.check()

    def reach(self, done: int) -> None:
        """Report that ``done`` items in all are done. Raises JobCancelled when asked."""
        self.advance(done - self.done)

    def row(self, cells: HistoryRow) -> None:
        """Append a row to the training table."""
        self.table.append(cells)
        self._report()

    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stop at the next check; used when the user interrupts the command line."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise :class:`JobCancelled` when the job was asked to stop."""
        if self._cancelled.is_set():
            raise JobCancelled(
                "Cancelled. What was done so far is kept.", "Start it again to go on from there."
            )

    def close(self) -> None:
        """Write the last figures and end the heartbeat."""
        self._ended.set()
        self._pulse.join(timeout=10)
        self._report(force=True)

    def _report(self, force: bool = False) -> None:
        if not force and time.monotonic() - self._reported < REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        with self._lock:
            stop = jobs.report(
                self._database,
                self.job_id,
                done=self.done,
                total=self.total,
                message=self.message,
                counts=self.counts,
                table=self.table,
            )
        if stop:
            self._cancelled.set()
        if self._listener:
            self._listener(self)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with self._lock:
                if jobs.report(self._database, self.job_id):
                    self._cancelled.set()


Listener = Callable[[Progress], None]
"""Is called whenever a job reports."""
