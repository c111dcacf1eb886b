"""Visits: the way from an address to its view, and from what is shown to its address.

A visit may change the project, the station and the view; the page learns where it led in one step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from curator.errors import InputError
from curator.project import Project
from widgets import address, recent
from widgets.address import Address
from widgets.check import CheckPanel
from widgets.data import Data
from widgets.queue_view import NAMED
from widgets.review import Review
from widgets.shell import Shell
from widgets.use import UsePanel


class Visited(Protocol):
    """What a visit needs of the dashboard."""

    project: Project | None
    station: str
    shell: Shell
    review: Review
    data: Data
    check: CheckPanel
    use: UsePanel

    def open_or_start(self, path: str) -> None:
        """Open a project, or show the start page for ""."""

    def go(self, station: str) -> None:
        """Show a station."""

    def remember(self) -> None:
        """Keep where the project was left."""


class Visits:
    """``called``: how an address names the project that is open."""

    def __init__(self, dashboard: Visited) -> None:
        self._dashboard = dashboard
        self._on_the_way = False
        self.called = ""

    def moving(self, go: Callable[[], None]) -> None:
        """Go somewhere in several steps; the page learns where they led, as one for its Back."""
        self._on_the_way = True
        try:
            go()
        finally:
            self._on_the_way = False
            self._dashboard.remember()

    def visiting(self, go: Callable[[], None]) -> None:
        """Go where an address leads, and tell the page that asked where that is."""
        shown = self._dashboard
        try:
            self.moving(go)
        finally:
            recent.remember_open(None if shown.project is None else shown.project.path)
            shown.shell.show(visits=shown.shell.state["visits"] + 1, place=self._place())

    def arrive(self, path: str, place: Any) -> None:
        """Open what a new window shows: the view of its address, else the project at ``path``."""
        asked = None
        try:
            asked = None if place is None else address.read(place, NAMED)
            if asked is not None and (asked.project or asked.station == address.START):
                path = self._path_of(asked.project, path)
        finally:
            self._dashboard.open_or_start(path)
        if asked is not None and self._dashboard.project is not None:
            self.go_to(asked)

    def visit(self, place: Any) -> None:
        """Show the view of an address; raises InputError, with all as it was, if there is none."""
        asked = address.read(place, NAMED)
        project = self._dashboard.project
        here = path = "" if project is None else str(project.path)
        if asked.project or asked.station == address.START:
            path = self._path_of(asked.project, here)
        if path != here:
            self._dashboard.open_or_start(path)
        if self._dashboard.project is not None:
            self.go_to(asked)

    def go_to(self, asked: Address) -> None:
        """Show the station and the view of an address, in the project that is open."""
        shown = self._dashboard
        station = asked.station or ("review" if asked.queue else shown.station)
        try:
            if station == "review" and asked.queue:
                shown.review.visit(asked)
            elif station == address.DATA:
                shown.data.visit(asked)
            elif station == address.CHECK:
                shown.check.visit(asked)
            elif station == address.USE:
                shown.go(station)
                shown.use.visit(asked)
        finally:
            if station != shown.station:
                shown.go(station)

    def say_where(self) -> None:
        """Tell the page the address of what is shown, unless a visit will."""
        if not self._on_the_way:
            self._dashboard.shell.show(place=self._place())

    def _path_of(self, name: str, likely: str) -> str:
        """The folder of the project that an address names, "" for the start page.

        ``likely``: the one that this window shows, which may be on no list.
        """
        if not name:
            return ""
        project = self._dashboard.project
        if project is not None and name == self.called:
            return str(project.path)
        paths = recent.paths_named(name)
        if len(paths) > 1 and likely not in paths:
            raise InputError(f"There are {len(paths)} projects called {name!r}.", "Choose one.")
        if not paths:
            raise InputError(
                f"No project called {name[:60]!r} was opened here lately.", "Open it by its folder."
            )
        return likely if likely in paths else paths[0]

    def _place(self) -> dict[str, Any]:
        """The address of what is shown."""
        shown = self._dashboard
        if shown.project is None:
            return Address(station=address.START).to_dict()
        view = Address()
        if shown.station == "review":
            view = shown.review.address()
        elif shown.station == address.DATA:
            view = shown.data.address()
        elif shown.station == address.CHECK:
            view = shown.check.address()
        elif shown.station == address.USE:
            view = shown.use.address()
        return replace(view, project=self.called, station=shown.station).to_dict()
