"""The store, followed: what changed since the page last looked, in this window or in another.

Four times a second ids of newest rows are compared (:mod:`curator.store.newest`); figures are read
again only where they may differ, and with very many images not before the reviewer pauses.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from curator import worker
from curator.store.newest import Newest, newest

if TYPE_CHECKING:
    from curator.project import Project
    from curator.store.jobs import Job
    from widgets.review import Review

WORKER_SECONDS = 60.0  # how often the worker, which ends when idle, is looked after


class Followed(Protocol):
    """What following needs of the dashboard."""

    station: str
    review: Review

    def refresh(self) -> None:
        """Bring what is shown up to date."""

    def follow_job(self) -> Job | None:
        """Show the newest job, and give it."""


class Following:
    """One project, from :meth:`adopt` on."""

    def __init__(self, dashboard: Followed) -> None:
        self._dashboard = dashboard
        self._project: Project | None = None
        self._shown: tuple[Any, ...] = ()
        self._classes: tuple[int, int] = (0, 0)  # the last changes of classes that the page shows
        self._own_position = 0  # the last decision that the page knows of
        self._own_batches: set[int] = set()  # what it decided since
        self._decided_at = 0.0
        self._cost = 0.0  # seconds that bringing the figures up to date took last
        self._ended = 0  # the last job whose end the page has seen to
        self._looked_after = 0.0

    def adopt(self, project: Project, job: Job | None) -> Newest:
        """Follow another project from now on, whose newest job is ``job``; its newest rows."""
        self._project = project
        self._looked_after = time.monotonic()
        rows = newest(project.database)
        self._own_position, self._classes = rows.decisions, _of_classes(rows)
        self._ended = 0 if job is None else job.id - job.is_open
        return rows

    def refreshed(self, job: Job | None) -> None:
        """What is shown is what there is now, with this newest job."""
        assert self._project is not None
        self._shown = _fingerprint(job, newest(self._project.database))

    def decided(self, message: dict[str, Any]) -> None:
        """The new figures are shown at the next look: the next decision must not wait for them."""
        assert self._project is not None
        self._decided_at = time.monotonic()
        if "batch" in message:
            self._own_batches.add(int(message["batch"]))
        else:
            self._own_position = newest(self._project.database).decisions

    def look(self) -> None:
        """Show what is new; called four times a second."""
        project, dashboard = self._project, self._dashboard
        assert project is not None
        if time.monotonic() - self._looked_after > WORKER_SECONDS:
            self._looked_after = time.monotonic()
            worker.ensure(project)
        reviewing = dashboard.station == "review"
        dashboard.review.tick(reviewing)
        job = dashboard.follow_job()
        # By its id, not by a change of state: a retrain may end between two looks.
        ended = job is not None and not job.is_open and job.id > self._ended
        rows = newest(project.database)
        if _fingerprint(job, rows) == self._shown and not ended:
            return
        if time.monotonic() - self._decided_at < 4 * self._cost and not ended:
            return  # with very many images the figures wait until the reviewer does
        began = time.monotonic()
        dashboard.refresh()
        self._cost = time.monotonic() - began
        if _of_classes(rows) != self._classes:
            self._classes = _of_classes(rows)
            dashboard.review.classes_changed()
        if ended and job is not None:
            self._ended = job.id
            dashboard.review.job_ended(job.kind, reviewing)
        elif rows.decisions != self._own_position:
            dashboard.review.others_decided(self._own_position, self._own_batches)
            self._own_position = rows.decisions
            self._own_batches.clear()


def _fingerprint(job: Job | None, rows: Newest) -> tuple[Any, ...]:
    """Differ whenever the shown figures may: job, decisions, images (by some as they come)."""
    running = job is not None and job.is_open
    some = min(25, 1 + rows.images // 40)
    return (
        job.state if job else "",
        job.id if job else 0,
        rows.decisions,
        rows.dismissals,
        _of_classes(rows),
        rows.images // some if running else rows.images,
    )


def _of_classes(rows: Newest) -> tuple[int, int]:
    """Differ whenever classes were made, renamed or merged, in whatever window."""
    return rows.classes, rows.class_acts
