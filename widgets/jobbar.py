"""One bar for all long work, drawn from the jobs table: it is there again after a reload."""

from __future__ import annotations

import time
from collections import deque
from datetime import datetime
from typing import Any

from curator import worker
from curator.jobs import health, marks
from curator.jobs.health import Silence
from curator.project import Project
from curator.review import status as model
from curator.store import jobs
from curator.store.jobs import Job
from widgets.panel import Handler, Panel, script

NEXT = {
    "fetch": {"station": "check", "title": "Check the data"},
    "sample": {"station": "check", "title": "Check the data"},
    "import": {"station": "check", "title": "Check the data"},
    "check": {"station": "train", "title": "Train"},
    "train": {"station": "review", "title": "Review"},
}
FRESH_SECONDS = 300.0  # an ended job is news for so long
SILENT_SECONDS = 5.0  # without a heartbeat: look whether somebody still runs the job
PACE_SECONDS = 8.0  # the time left is estimated from the pace of so many seconds


def newest(project: Project) -> Job | None:
    """The newest job that a user asked for."""
    return jobs.latest(project.database, without=model.QUIET)


class JobBar(Panel):
    """Shows the newest job, while it runs and until its end was read."""

    _esm = script("jobbar")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {"dismiss": lambda message: self._dismiss(int(message["id"]))}
        super().__init__({**handlers, **own}, job=None, offers=[])
        self._pace: deque[tuple[float, int]] = deque()
        self._job_id = 0
        self._dismissed = 0
        self._complaining = False
        self._judged: dict[int, model.Station | None] = {}  # the last ended job

    def follow(self, project: Project, station: str) -> Job | None:
        """Show the newest job and return it; mark it as failed if its process has died."""
        job = newest(project)
        silence = None
        if job is not None and job.is_open and _silent(job):
            silence = health.look(project)
            worker.ensure(project)
            job = jobs.get(project.database, job.id)
        if job is not None and job.is_open:
            self._complaining = False
        if not self._complaining:  # a complaint stays until it is dismissed or work starts
            hidden = job is None or job.id == self._dismissed or _old(job)
            self.refresh(None if hidden else job, station, project, silence)
        return job

    def begin(self) -> None:
        """Forget the project of before: jobs of another have the same numbers."""
        self._pace.clear()
        self._job_id = self._dismissed = 0
        self._complaining = False
        self._judged.clear()
        self.show(job=None)

    def offer(self, project: Project | None) -> None:
        """Show the jobs that the project came with, to be run or dismissed."""
        found = [] if project is None else project.waiting_jobs()
        self.show(offers=[{"id": job.id, "text": job.sentence} for job in found])

    def complain(self, text: str) -> None:
        """Show what went wrong on the page itself."""
        self._complaining = True
        self.show(
            job={
                "id": 0,
                "open": False,
                "state": "failed",
                "text": text,
                "details": None,
                "verdict": None,
                "next": None,
                "again": False,
            }
        )

    def _dismiss(self, job_id: int) -> None:
        self._complaining = False
        self._dismissed = job_id or self._dismissed
        self.show(job=None)

    def refresh(
        self,
        job: Job | None,
        station: str,
        project: Project | None = None,
        silence: Silence | None = None,
    ) -> None:
        """Show ``job``, or nothing; of a ``project`` it can be started again if a user asked.

        ``silence``: that nobody works on it, though one should.
        """
        if job is None:
            self.show(job=None)
            return
        following = NEXT.get(job.kind)
        verdict = self._verdict(job, project)
        text, details = _outcome(job), None
        if verdict is not None and verdict.state == model.FAILED:
            following = {"station": verdict.station, "title": "See what failed"}
        if verdict is not None and job.kind == "train" and job.state == "done":
            text, details = f"Trained: {verdict.sentence}", text
            if verdict.state == model.NEEDS_YOU:
                following = {"station": verdict.station, "title": "See why"}
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
                "silent": silence and silence.problem,
                "process": silence and silence.process,
                "left": self._seconds_left(job),
                "text": text,
                "details": details,
                "verdict": verdict and verdict.state,
                "next": following
                if job.state == "done" and following and following["station"] != station
                else None,
                "again": job.state in ("failed", "cancelled")
                and project is not None
                and marks.was_asked(project, job),
            }
        )

    def _verdict(self, job: Job, project: Project | None) -> model.Station | None:
        """How the station of a job stands at its end: one look for each job."""
        if project is None or job.is_open or job.kind not in model.STATION_OF:
            return None
        if job.id not in self._judged:
            self._judged = {job.id: project.status().station(model.STATION_OF[job.kind])}
        return self._judged[job.id]

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


def _silent(job: Job) -> bool:
    """Whether an open job gave no sign of life for a while."""
    since = job.heartbeat or datetime.fromisoformat(job.created_at).timestamp()
    return time.time() - since > SILENT_SECONDS


def _old(job: Job) -> bool:
    if job.is_open or job.ended_at is None:
        return False
    return time.time() - datetime.fromisoformat(job.ended_at).timestamp() > FRESH_SECONDS
