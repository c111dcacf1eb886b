"""The station Review: the gallery, what stands beside it, and the refits behind it.

After each page of decisions the head is fitted anew by the worker; when that has ended, what the
reviewer has not come to yet is ranked anew. What costs more than a tile is counted in a quiet
moment: confusion, comparison, suggestions, advice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

import ipywidgets

from curator import worker
from curator.errors import UnknownImage
from curator.phrasing import many
from curator.project import Project
from curator.review.advice.stopping import Advice
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import QUEUES
from curator.store import jobs, ledger, ledger_log
from widgets import recent
from widgets.address import Address
from widgets.background import beside
from widgets.classes import ClassesPanel
from widgets.confusion import ConfusionPanel
from widgets.fixes import FixesPanel
from widgets.gallery import Gallery
from widgets.panel import Handler
from widgets.progress import ProgressPanel
from widgets.reviewlog import ReviewLogPanel

QUIET_SECONDS = 0.6  # after the last decision or page
REFIT, TRAIN = "refit", "train"
FIRST = "suspicious"  # the queue that a review begins with
RANKED = "Ranked anew by the run that just ended."
REVIEWER = "CURATOR_REVIEWER"


class Review:
    """``root`` is the widget to display. ``handlers``: go, error, decided, moved, looked."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "queue": self.open,
            "cell": self._cell,
            "reviewer": lambda message: self._sign(str(message["name"])),
            "page": lambda message: self._page_done(bool(message["decided"])),
            "decided": self._decided,
            "moved": self._moved,
            "drawer": lambda message: self._open_drawer(bool(message["open"])),
        }
        self._outer = handlers
        common = {**handlers, **own}
        self.gallery = Gallery(common)
        self.confusion = ConfusionPanel(common)
        self._log = ReviewLogPanel(common)
        self._beside = (
            self.confusion,
            ProgressPanel(common),
            FixesPanel(common),
            ClassesPanel(common),
            self._log,
        )
        sections = ipywidgets.Box(self._beside).add_class("cu-beside")
        self.root = ipywidgets.Box([self.gallery, sections]).add_class("cu-review")
        self._project: Project | None = None
        self._drawer = False  # whether the page shows what stands beside the gallery
        self._due = 0.0  # when to count beside the gallery again, 0: all is as it should be
        self._left_at: Address | None = None  # what was restored, by its address at that time
        self._trained = 0  # the last training whose ranking a queue was opened by
        self._refitted = 0  # the last refit whose ranking the gallery has

    def adopt(self, project: Project, place: dict[str, Any]) -> None:
        """Show another project, where it was left."""
        self._project = self.gallery.project = project
        last = jobs.latest(project.database, (jobs.DONE,), REFIT)
        self._refitted = 0 if last is None else last.id
        self._sign(recent.reviewer(), keep=False)
        self._trained = _last_training(project)
        self.gallery.restore(place)
        self._left_at = replace(self.address(), first=int(place.get("first", 1)), image=None)
        if place.get("trained", self._trained) != self._trained:
            self.gallery.show_queue(FIRST, status=RANKED)

    def leave(self) -> None:
        """Let go of the project."""
        self.gallery.leave()
        self._project = None
        self._due = 0.0

    def open(self, message: dict[str, Any]) -> None:
        """Open the queue that a message names, with its filters, and go there."""
        names = {field.name for field in fields(Filters)} & message.keys()
        kind = message["queue"] if message["queue"] in QUEUES else "all"
        self.gallery.show_queue(kind, Filters(**{name: message[name] for name in names}))
        self._outer["go"]({"station": "review"})
        self.gallery.send({"type": "focus"})

    def place(self) -> dict[str, Any]:
        """What :meth:`adopt` takes, to be remembered."""
        first = self.gallery.first
        return {**self.gallery.place(), "first": first, "trained": self._trained}

    def address(self) -> Address:
        """Where the gallery is; the caller adds project and station."""
        return Address(
            queue=self.gallery.state["kind"],
            filters=self.gallery.filters,
            first=self.gallery.first,
            image=self.gallery.enlarged,
        )

    def visit(self, address: Address) -> None:
        """Show queue, page and image of an address that names a queue.

        Raises UnknownClass, InputError for a concept that there is not, before anything changes;
        UnknownImage if the queue lacks the image.
        """
        assert self._project is not None
        address.check_names(self._project.class_names(), self._project.concept_names())
        here, left_at = self.address(), self._left_at
        self._left_at = None
        wanted = replace(address, project="", station="", image=None)
        if (wanted.queue, wanted.filters) != (here.queue, here.filters):
            self.gallery.show_queue(wanted.queue, wanted.filters)
            left_at = None
        # What was restored are the images of that page, wherever they stand in the order by now.
        if wanted != left_at:
            self.gallery.turn_to(address.first)
        if address.image is None:
            return
        if not self.gallery.bring(address.image):
            raise UnknownImage(
                f"Image {address.image} is not in this queue any more.",
                "Look for it in the queue “All”.",
            )
        if address.image != self.gallery.enlarged:
            self.gallery.look(address.image)

    def soon(self) -> None:
        """Count beside the gallery in the next quiet moment."""
        self._due = time.monotonic() + QUIET_SECONDS

    def _open_drawer(self, opened: bool) -> None:
        self._drawer = opened
        self._count_beside()

    def _count_beside(self) -> None:
        """Bring up to date what stands beside the gallery; in a closed drawer nobody sees it."""
        if self._drawer and self._project is not None:
            for panel in self._beside:
                panel.refresh(self._project)

    def tick(self, shown: bool) -> None:
        """Do what is due; ``shown``: whether the user looks at this station."""
        if self._project is None:
            return
        if shown and 0 < self._due < time.monotonic():
            self._due = 0.0
            self._count_beside()
            self.gallery.count()
            self._advise(self._project)
        last = jobs.latest(self._project.database, (jobs.DONE,), REFIT)
        if last is not None and last.id > self._refitted:
            self._refitted = last.id
            self.gallery.rerank()
            self.soon()
            self._outer["changed"]({})

    def job_ended(self, kind: str, shown: bool) -> None:
        """Open the queue anew after a job, but never under the eyes of a reviewer.

        A training is the exception: ranking anew is what it was asked for, and who comes from it
        begins with the most suspicious.
        """
        assert self._project is not None
        if kind == "train":
            self._trained = _last_training(self._project)
            here = self.address()
            kind, filters = (here.queue, here.filters) if shown else (FIRST, None)
            self.gallery.show_queue(kind, filters, status=RANKED)
        elif not shown:
            self.gallery.restore(self.gallery.place())

    def classes_changed(self) -> None:
        """Call the classes as they are called now, whoever renamed them."""
        renamed = self.gallery.follow_classes()
        cell = {key: self.confusion.state[key] for key in ("label", "predicted")}
        self.confusion.show(**{key: renamed.get(name, name) for key, name in cell.items()})
        self.soon()

    def others_decided(self, after: int, own: Collection[int]) -> None:
        """Say who else decided after the decision ``after``, and on how much of what is shown.

        ``own``: batches of this page.
        """
        assert self._project is not None
        others = ledger_log.decided_since(self._project.database, after, own)
        if not others:
            return
        changed = self.gallery.refresh()
        who = " and ".join(f"{one.by} decided on {many(one.images, 'image')}" for one in others)
        here = f", {len(changed)} of them on this page" if changed else ""
        self.gallery.show(status=f"{who} in another window{here}.")
        self.soon()

    def _advise(self, project: Project) -> None:
        """Count the advice in a thread; before the first page there is none to give."""

        def show(found: Advice) -> None:
            if project is self._project:
                told = bool(found.pages or found.estimate)
                self.gallery.show(advice=found.to_dict() if told else None)

        beside(project.advice, show, self._outer["error"])

    def _cell(self, message: dict[str, Any]) -> None:
        self.confusion.show(label=message["label"], predicted=message["predicted"])
        self.open({"queue": "confused", **message})

    def _decided(self, message: dict[str, Any]) -> None:
        self.soon()
        self._outer["decided"](message)
        if "batch" not in message:  # decided beside the gallery
            self.gallery.refresh(classes=True)

    def _moved(self, message: dict[str, Any]) -> None:
        self.soon()
        self._outer["moved"](message)

    def _page_done(self, decided: bool) -> None:
        """Fit the head anew in the background, unless that is about to begin anyway."""
        assert self._project is not None
        if decided and self.gallery.ranked:
            last = jobs.latest(self._project.database, kind=REFIT)
            if last is None or last.state != jobs.QUEUED:
                worker.submit(self._project, REFIT, {})

    def _sign(self, name: str, keep: bool = True) -> None:
        """Sign decisions with ``name`` from now on; without one, with the system's user."""
        cleaned = " ".join(name.split())[:80]
        if keep:
            self.gallery.hand_over()
            recent.sign(cleaned)
        if cleaned:
            os.environ[REVIEWER] = cleaned  # this kernel serves one page, whoever decides in it
        elif keep:
            os.environ.pop(REVIEWER, None)
        self._log.sign(ledger.reviewer())


def _last_training(project: Project) -> int:
    """The job of the last training that ended well, 0 before."""
    last = jobs.latest(project.database, (jobs.DONE,), TRAIN)
    return 0 if last is None else last.id
