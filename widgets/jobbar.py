"""One bar for all long work, drawn from the jobs table: it is there again after a reload."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from curator.store.jobs import Job
from widgets.panel import Handler, Panel, script

NEXT = {
    "fetch": {"station": "check", "title": "Check the data"},
    "sample": {"station": "check", "title": "Check the data"},
    "import": {"station": "check", "title": "Check the data"},
    "check": {"station": "train", "title": "Train"},
    "train": {"station": "review", "title": "Review"},
}
PACE_SECONDS = 8.0  # the time left is estimated from the pace of so many seconds


class JobBar(Panel):
    """Shows the newest job, while it runs and until its end was read."""

    _esm = script("jobbar")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(handlers, job=None)
        self._pace: deque[tuple[float, int]] = deque()
        self._job_id = 0

    def refresh(self, job: Job | None, station: str) -> None:
        """Show ``job``, or nothing."""
        if job is None:
            self.show(job=None)
            return
        following = NEXT.get(job.kind)
        self.show(
            job={
                "id": job.id,
                "kind": job.kind,
                "open": job.is_open,
                "state": job.state,
                "done": job.done,
                "total": job.total,
                "message": job.message,
                "counts": job.counts,
                "cancel": job.cancel,
                "left": self._seconds_left(job),
                "text": _outcome(job),
                "next": following
                if job.state == "done" and following and following["station"] != station
                else None,
                "again": job.state in ("failed", "cancelled"),
            }
        )

    def _seconds_left(self, job: Job) -> int | None:
        if job.id != self._job_id:
            self._pace.clear()
            self._job_id = job.id
        if not job.total or not job.is_open:
            return None
        now = time.monotonic()
        if self._pace and job.done < self._pace[-1][1]:  # the next step of the same job
            self._pace.clear()
        self._pace.append((now, job.done))
        while now - self._pace[0][0] > PACE_SECONDS:
            self._pace.popleft()
        since, done = self._pace[0]
        if job.done <= done or now - since < 1:
            return None
        return round((job.total - job.done) * (now - since) / (job.done - done))


def _outcome(job: Job) -> str:
    if job.state == "done":
        result: dict[str, Any] = job.result or {}
        return str(result.get("sentence", f"{job.kind}: done."))
    return job.error or f"{job.kind}: {job.state}."
