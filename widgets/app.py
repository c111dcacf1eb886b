"""The dashboard: opens a project, shows one station at a time, and follows the jobs table.

The kernel only reads the store, records decisions and queues jobs; it polls four times a second,
so a reload, which ends this kernel and starts another, finds everything where it was.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets

from curator import worker
from curator.jobs import health, marks
from curator.project import Project
from curator.review.queue.filters import Filters
from curator.review.status import status as status_of
from curator.store import jobs
from widgets import address, recent
from widgets.address import Address
from widgets.check import CheckPanel
from widgets.collect import CollectPanel
from widgets.data import Data
from widgets.following import Following
from widgets.jobbar import JobBar, newest
from widgets.like_picture import LikePanel
from widgets.panel import Handler, Panel
from widgets.review import Review
from widgets.shell import STATIONS, Shell, present
from widgets.start import StartPanel
from widgets.train import TrainPanel
from widgets.try_it import TryPanel
from widgets.use import UsePanel
from widgets.visits import Visits

POLL_SECONDS = 0.25
OPENING = "opening"  # what is shown until the page has said what to open
WARM_SECONDS = 2.0  # without a page: then a kernel that stands by opens the project all the same
CHEAP_SECONDS = 0.05  # what the figures of the check may take after every decision


class Dashboard:
    """``root`` is the widget to display."""

    def __init__(self, project: str | None = None) -> None:
        common: dict[str, Handler] = {
            "go": lambda message: self.go(message["station"]),
            "changed": lambda _: self.refresh(),
            "error": self._complain,
            "decided": self._decided,
            "like_picture": lambda _: self.like.ask(),
        }
        self.shell = Shell(
            {
                **common,
                "projects": lambda _: self._to_projects(),
                "hello": self._hello,
                "visit": self._visit,
            }
        )
        self.start = StartPanel(
            {
                **common,
                "create": self._create,
                "open": lambda message: self._adopt(self.start.open_project(message["path"])),
                "sample": lambda _: self._sample(),
            }
        )
        self.data = Data(
            {
                **common,
                "queue": self._look,
                "look": lambda message: self._enlarge(int(message["id"])),
                "export": self._export,
                "moved": lambda _: self.remember(),
                "submit": self._asked,
            }
        )
        self.collect = CollectPanel({**common, "submit": self._asked})
        self.check = CheckPanel(
            {
                **common,
                "check": lambda _: self._submit("check"),
                "queue": self._look,
                "looked": lambda _: self.visits.say_where(),
            }
        )
        self.train = TrainPanel({**common, "submit": self._asked, "queue": self._look})
        self.review = Review(
            {
                **common,
                "moved": lambda _: self.remember(),
                "looked": lambda _: self.visits.say_where(),
            }
        )
        self.use = UsePanel(
            {**common, "submit": self._asked, "moved": lambda _: self.visits.say_where()}
        )
        self.trying = TryPanel({**common, "submit": self._asked})
        self.like = LikePanel({**common, "submit": self._asked, "queue": self._look})
        self.jobbar = JobBar(
            {
                **common,
                "cancel": lambda message: self._cancel(int(message["id"])),
                "again": lambda message: self._again(int(message["id"])),
                "end": lambda _: self._end(),
                "run_offer": lambda message: self._answer(worker.submit_waiting, message),
                "drop_offer": lambda message: self._answer(marks.dismiss, message),
            }
        )
        self._panels: dict[str, ipywidgets.DOMWidget] = {
            OPENING: ipywidgets.HTML("Opening the project…").add_class("cu-opening"),
            "start": self.start,
            "data": self.data.root,
            "collect": self.collect,
            "check": self.check,
            "train": self.train,
            "review": self.review.root,
            "use": ipywidgets.Box([self.trying, self.use]).add_class("cu-using"),
        }
        main = ipywidgets.Box([*self._panels.values(), self.like]).add_class("cu-main")
        self.root = ipywidgets.Box([self.shell, main, self.jobbar]).add_class("cu-app")
        self.project: Project | None = None
        self._begun: Path | None = None
        self.station = "start"
        self._poller: asyncio.Future[None] | None = None  # from the first page on
        self.visits = Visits(self)
        self.following = Following(self)
        self._check_cost = 0.0  # seconds that the check's report took last
        self._unchecked = 0  # images that came since the last check
        self._given = project or os.environ.get("CURATOR_PROJECT") or ""
        if project or not self._given:
            self.open_or_start(self._given)
        else:
            # The page opens it when it comes: a large project would be read twice before it does.
            self._show(OPENING)
            asyncio.get_running_loop().call_later(WARM_SECONDS, self._warm)

    # Opening and moving

    def _hello(self, message: dict[str, Any]) -> None:
        """A page shows this dashboard from now on.

        The kernel may have stood by for long, so everything is read again; ``project`` is what the
        window showed before a reload: "" the start page, None a new window. An address that the
        window came with goes before it.
        """
        before = message.get("project")
        path = (self._given or recent.last_open()) if before is None else str(before)
        self.visits.visiting(lambda: self._arrive(path, message.get("place")))

    def _arrive(self, path: str, place: Any) -> None:
        try:
            self.visits.arrive(path, place)
        finally:
            if self._poller is None:
                self._poller = asyncio.ensure_future(self._poll())

    def _warm(self) -> None:
        """Open the project once if no page came: what is read and imported then is quick later."""
        if self._poller is None:
            self.open_or_start(self._given)

    def _visit(self, message: dict[str, Any]) -> None:
        self.visits.visiting(lambda: self.visits.visit(message["place"]))

    def _say_where(self) -> None:
        if self._poller is not None:  # not before a page shows this dashboard
            self.visits.say_where()

    def open_or_start(self, path: str) -> None:
        """Open a project, or show the start page for ""."""
        project = self.start.open_project(path) if path else None
        if project is None:
            self.leave()
        else:
            self._adopt(project)

    def _create(self, message: dict[str, Any]) -> None:
        """Make a project; addresses that were pasted with it are of its first class."""
        self._adopt(self.start.create(message))
        addresses = str(message.get("addresses", ""))
        if self.project is not None and addresses.strip():
            self.collect.add_pasted(addresses)

    def _to_projects(self) -> None:
        self.leave()
        recent.remember_open(None)

    def leave(self) -> None:
        """Go to the start page."""
        if self.project is not None:
            self.remember()
            self.review.leave()
            self.data.leave()
            self.project.close()
        self.trying.leave()
        self.like.leave()
        self.use.leave()
        self.collect.leave()
        self.project = None
        self.start.refresh()
        self.shell.leave()
        self._begin(None)
        self.jobbar.refresh(None, "start")
        self.jobbar.offer(None)
        self._show("start")
        self.visits.say_where()

    def go(self, station: str) -> None:
        """Show a station, with its figures as they are now."""
        station = present(station)
        if self.project is None or station not in STATIONS:
            return
        self._show(station)
        self.refresh()
        self.remember()
        job = newest(self.project)
        wanted = self._unchecked and not self.project.read_only
        if station == "check" and wanted and not (job and job.is_open):
            self._submit("check")  # a second's work, and the page would be wrong without it

    def refresh(self) -> None:
        """Bring the header, the rail and the shown station up to date."""
        if self.project is None:
            return
        job = newest(self.project)
        busy = job is not None and job.is_open
        # Between two keys there is no time for it where it takes some.
        known = self.check.state["report"] is not None
        if self.station != "review" or not known or self._check_cost < CHEAP_SECONDS:
            began = time.monotonic()
            self.check.refresh(self.project, busy, shown=self.station == "check")
            self._check_cost = time.monotonic() - began
        found = status_of(self.project, self.check.problems)
        if self.station == address.DATA:
            self.data.refresh(found, busy)
        elif self.station == "collect":
            self.collect.refresh(self.project, found, busy)
        elif self.station == "train":
            self.train.refresh(self.project, found, busy)
        elif self.station == "use":
            self.trying.refresh(self.project, found.run.run if found.run else None)
            self.use.refresh(self.project, found, busy)
        elif self.station == "review":
            self.review.soon()
        self.shell.refresh(found, self.station)
        self._unchecked = found.unchecked
        self.following.refreshed(job)

    def _adopt(self, project: Project | None) -> None:
        """Open a project where it was left."""
        if project is None:
            return
        if self.project is not None:
            self.review.leave()
            self.project.close()
        self.project = project
        self.check.show(report=None)
        place = recent.place_of(project.path)
        recent.remember(project.name, project.path)
        self.visits.called = recent.name_in_address(project.name, project.path)
        health.look(project)
        worker.ensure(project)
        self._begin(project)
        self.jobbar.offer(project)
        rows = self.following.adopt(project, newest(project))
        self.review.adopt(project, place)
        self.data.adopt(project, place.get("data", {}))
        self.like.adopt(project)
        home = address.DATA if rows.images else "collect"
        self.go(place.get("station", home))
        if self._poller is not None:  # a kernel that stands by has opened nothing for anybody
            recent.remember_open(project.path)

    def _begin(self, project: Project | None) -> None:
        """Let go of what the page still says of another project than this one."""
        path = project.path if project else None
        if path == self._begun:
            return
        self._begun = path
        self.jobbar.begin()
        for panel in Panel.within(self.root):
            if panel not in (self.shell, self.start):
                panel.project_number += 1

    def _show(self, station: str) -> None:
        self.station = station
        for name, panel in self._panels.items():
            panel.layout.display = "" if name == station else "none"

    def remember(self) -> None:
        """Keep where the project was left."""
        # A kernel that stands by for the next page must not overwrite where this one is.
        if self.project is not None and self._poller is not None:
            place = {"station": self.station, **self.review.place(), "data": self.data.place()}
            recent.remember(self.project.name, self.project.path, place)
            self.visits.say_where()

    # What the panels ask for

    def _submit(self, kind: str, **arguments: Any) -> None:
        assert self.project is not None
        worker.submit(self.project, kind, arguments)
        self.refresh()
        self.follow_job()

    def _export(self, message: dict[str, Any]) -> None:
        """Go to Use with a selection."""
        chosen = Filters(selection=message["selection"])
        self.visits.moving(lambda: self.visits.go_to(Address(station="use", filters=chosen)))

    def _asked(self, message: dict[str, Any]) -> None:
        self._submit(message["kind"], **message["arguments"])

    def _sample(self) -> None:
        self._adopt(self.start.sample())
        self._submit("sample")

    def _look(self, message: dict[str, Any]) -> None:
        self.review.open(message)

    def _enlarge(self, image_id: int) -> None:
        """Show one image whole, with all that is known of it, in the queue of everything."""
        assert self.project is not None
        view = Address(station="review", queue="all", image=image_id)
        self.visits.moving(lambda: self.visits.go_to(view))

    def _complain(self, message: dict[str, Any]) -> None:
        self.jobbar.complain(message["text"])

    def _decided(self, message: dict[str, Any]) -> None:
        self.following.decided(message)

    def _cancel(self, job_id: int) -> None:
        assert self.project is not None
        jobs.cancel(self.project.database, job_id)
        self.follow_job()

    def _end(self) -> None:
        """End the process that does not answer; the bar then offers to start its job again."""
        assert self.project is not None
        health.end(self.project)
        worker.ensure(self.project)
        self.follow_job()

    def _again(self, job_id: int) -> None:
        assert self.project is not None
        job = jobs.get(self.project.database, job_id)
        if marks.was_asked(self.project, job):
            self._submit(job.kind, **job.arguments)

    def _answer(self, answer: Callable[[Project, int], object], message: dict[str, Any]) -> None:
        assert self.project is not None
        try:
            answer(self.project, int(message["id"]))
        finally:
            self.jobbar.offer(self.project)
            self.follow_job()

    # Following the store

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self.project is not None:
                Panel.guard(self.following.look, self._complain)

    def follow_job(self) -> jobs.Job | None:
        """Show the newest job in the bar, and the table of a training that runs."""
        assert self.project is not None
        job = self.jobbar.follow(self.project, self.station)
        self.shell.follow(job)
        self.train.follow(job)
        self.use.follow(job)
        self.trying.follow(job)
        self.like.follow(job)
        return job
