"""The grid of everything: the browser asks for windows of an order, and decides on ranges of it.

Places, not ids, travel for what is chosen: a range says as much of a million images as of two. The
order is fixed while it is shown (:mod:`curator.review.browsing`), so that a place stays the same
image; its number tells a message that is about an order that was left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.collect.pictures import thumbnails_of
from curator.errors import InputError
from curator.project import Project
from curator.review.browsing import SORTS, WINDOW, Grid, open_grid
from curator.review.queue.filters import Filters
from widgets.background import beside
from widgets.deciding import DecidingPanel
from widgets.panel import Handler, script

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.review.status import Status

AT_ONCE = 64  # pictures of a message: so many are read before the browser is listened to again


class GridPanel(DecidingPanel):
    """``handlers``: go, look, queue, export, decided, moved, error, tab."""

    _esm = script("grid")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._ready(),
            "window": self._window,
            "sort": lambda message: self._choose(
                *(str(message[key]) for key in ("sort", "label", "concept", "selection"))
            ),
            "pick": self._pick,
            "open": lambda message: handlers["queue"](
                {"queue": "all", "selection": self._selected(message)}
            ),
            "export": lambda message: handlers["export"]({"selection": self._selected(message)}),
            "decide": self._decide,
            "like": self._like,
            "seek": self._seek,
        }
        super().__init__(
            {**handlers, **own},
            number=0,
            total=0,
            sort="",
            label="",
            concept="",
            selection="",
            picking=False,
            sorts=list(SORTS),
            ranked=False,
            counts=[],
            images=0,
            others=0,
            opening=False,
        )
        self.asked = ""
        """The order that was asked for; "" for the usual one."""
        self._project: Project | None = None
        self._grid: Grid | None = None
        self._places = (0, 0, 0, 0)  # of the window: first, end, and what of it is in sight
        self._seen: dict[int, int | None] = {}  # the last decision on each image of the window
        self._held: set[int] = set()  # ids whose pictures the browser has
        self._sends = False
        self._stamp: tuple[Any, ...] = ()  # the ledger and the classes as the window shows them

    @property
    def label(self) -> str:
        """The class that is shown; "" for all."""
        return str(self.state["label"])

    @property
    def concept(self) -> str:
        """The concept that is shown; "" for all images."""
        return str(self.state["concept"])

    @property
    def selection(self) -> str:
        """The name of the selection that is shown; "" for all images."""
        return str(self.state["selection"])

    def adopt(self, project: Project) -> None:
        """Work on another project; :meth:`choose` says in what order."""
        self._project, self._grid, self._stamp = project, None, ()
        self._held.clear()
        self._seen.clear()

    def leave(self) -> None:
        """Let go of the project."""
        self._project = self._grid = None

    def choose(self, sort: str, label: str, concept: str = "", selection: str = "") -> None:
        """Show another order, class, concept or selection, "" for all, at the next refresh."""
        self.asked, self._grid = sort, None
        # Without a total the browser asks for no window: none could be given before it is open.
        number = self.state["number"] + 1
        self.show(number=number, total=0, label=label, concept=concept, selection=selection)
        self.show(sort=sort, opening=False, status="")

    def _open(self) -> None:
        """Put the images in order, in a thread."""
        assert self._project is not None
        project, sort, label = self._project, self.asked, self.label
        concept, selection = self.concept, self.selection
        number = self.state["number"]
        self.show(opening=True)

        def show(grid: Grid) -> None:
            if project is not self._project or number != self.state["number"]:
                return  # another was asked for meanwhile
            self._grid = grid
            self._places = (0, 0, 0, 0)
            self.show(
                total=len(grid),
                sort=grid.sort,
                ranked=grid.run_id is not None,
                others=0,
                opening=False,
                **self._known(project),
            )

        def read() -> Grid:
            return open_grid(project, sort, label, concept=concept, selection=selection)

        beside(read, show, self._complain)

    def refresh(self, status: Status) -> None:
        """Show counts, and the window as it is now if something was decided or renamed."""
        project, grid = self._project, self._grid
        if project is None:
            return
        counts = list(status.classes.items())
        self.show(counts=[list(pair) for pair in counts], images=status.images)
        if grid is None:
            if not self.state["opening"]:
                self._open()
            return
        known = self._known(project)
        steps = known["can_undo"], known["can_redo"]
        stamp = (status.decisions, tuple(known["classes"]), tuple(known["concepts"]), *steps)
        if stamp != self._stamp:
            self._stamp = stamp
            self.show(**known)
            self._send_cells()
        if grid.narrowed:
            return  # what came since is counted by class alone
        held = status.classes.get(grid.label, 0) if grid.label else status.images
        self.show(others=max(0, held - len(grid)))

    def _choose(self, sort: str, label: str, concept: str, selection: str) -> None:
        self.choose(sort, label, concept, selection)
        self._open()
        self._handlers["moved"]({})

    def _pick(self, message: dict[str, Any]) -> None:
        """Show so many images that are typical, unlike each other, or drawn by chance."""
        project, _ = self._here(message)
        sort, label, concept = self.asked, self.label, self.concept
        self.show(picking=True)

        def work() -> tuple[str, str]:
            found = project.subset(
                int(message["images"]),
                message["way"],
                filters=Filters(label=label, concept=concept),
                balanced=not label,
                without_duplicates=True,
            )
            return project.select(found.image_ids), found.sentence

        def show(found: tuple[str, str]) -> None:
            self.show(picking=False)
            if project is self._project and message["number"] == self.state["number"]:
                self._choose(sort, label, "", found[0])
                self.show(status=found[1])

        def fail(problem: dict[str, Any]) -> None:
            self.show(picking=False)
            self._handlers["error"](problem)

        beside(work, show, fail)

    def _selected(self, message: dict[str, Any]) -> str:
        """The name of what is chosen; of all that is shown where nothing is."""
        project, grid = self._here(message)
        return project.select(_chosen(grid.ids, message["ranges"] or [[0, len(grid)]]))

    def _ready(self) -> None:
        self._held.clear()
        self._send_cells()
        self._send_pictures()

    def _window(self, message: dict[str, Any]) -> None:
        """Send what the browser is about to show; it asks again wherever it goes."""
        if message["number"] != self.state["number"] or self._grid is None:
            return
        first, end, top, bottom = (int(message[key]) for key in ("first", "end", "top", "bottom"))
        self._places = (first, min(end, first + WINDOW), top, bottom)
        self._send_cells()
        self._send_pictures()

    def _send_cells(self) -> None:
        if self._grid is None:
            return
        first, end, _, _ = self._places
        cells = self._grid.window(first, end)
        self._seen = {cell.id: cell.decision_id for cell in cells}
        message = {
            "type": "cells",
            "number": self.state["number"],
            "first": first,
            "cells": [cell.to_dict() for cell in cells],
        }
        self.send(message)

    def _send_pictures(self) -> None:
        """Send a few pictures, what is in sight first, and go on until the window is full."""
        project, grid = self._project, self._grid
        if project is None or grid is None or self._sends:
            return
        first, end, top, bottom = self._places
        wanted = grid.ids[first:end].tolist()
        self._held.intersection_update(wanted)
        in_sight = grid.ids[top:bottom].tolist()
        fresh = [i for i in dict.fromkeys([*in_sight, *wanted]) if i not in self._held][:AT_ONCE]
        if not fresh:
            return
        self._sends = True

        def show(pictures: dict[int, bytes]) -> None:
            self._sends = False
            if grid is self._grid:
                self._held.update(fresh)
                message = {"type": "pictures", "ids": list(pictures), "keep": wanted}
                self.send(message, buffers=list(pictures.values()))
            self._send_pictures()

        def fail(message: dict[str, Any]) -> None:
            self._sends = False
            self._complain(message)

        beside(lambda: thumbnails_of(project, fresh), show, fail)

    def _decide(self, message: dict[str, Any]) -> None:
        """Decide on the images of ranges of places, as one step of undo."""
        _, grid = self._here(message)
        ids = _chosen(grid.ids, message["ranges"])
        seen = {i: self._seen[i] for i in ids if i in self._seen}
        self._decide_on(ids, message, grid.run_id, seen=seen)

    def _like(self, message: dict[str, Any]) -> None:
        """Open the images most like those of ranges of places."""
        _, grid = self._here(message)
        self._open_like(_chosen(grid.ids, message["ranges"]))

    def _seek(self, message: dict[str, Any]) -> None:
        """Look for what the images of ranges of places show."""
        _, grid = self._here(message)
        self._seek_like(_chosen(grid.ids, message["ranges"]), message)

    def _here(self, message: dict[str, Any]) -> tuple[Project, Grid]:
        project, grid = self._project, self._grid
        if project is None or grid is None or message["number"] != self.state["number"]:
            raise InputError("That view was left already.", "Choose again from what is shown now.")
        return project, grid

    def _images(self) -> NDArray[np.int64] | None:
        return None if self._grid is None else self._grid.ids

    def _show_decided(self) -> None:
        self._send_cells()

    def _complain(self, message: dict[str, Any]) -> None:
        self.show(opening=False)
        self._handlers["error"](message)


def _chosen(ids: NDArray[np.int64], ranges: Iterable[Iterable[Any]]) -> list[int]:
    """The images of half-open ranges of places. Raises InputError for what is no range of them."""
    found: list[int] = []
    for start, stop in ranges:
        if not (isinstance(start, int) and isinstance(stop, int) and 0 <= start < stop <= len(ids)):
            raise InputError("What is selected is not there.", "Select again.")
        found += ids[start:stop].tolist()
    return found
