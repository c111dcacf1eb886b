"""The station Data, a project's home: its classes, the next step, the grid, and the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from curator.find.map.colours import COLOURS
from curator.review.browsing import SORTS
from curator.review.overview import ClassRow, overview
from curator.review.queue.filters import Filters
from curator.review.status import Status, next_step
from widgets.address import GRID, MAP, TABS, Address
from widgets.background import Counting
from widgets.grid import GridPanel
from widgets.map import MapPanel
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from curator.project import Project


class ClassesPanel(Panel):
    """A row a class, and above them what to do next."""

    _esm = script("data")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {"ready": lambda _: self._pictures(anew=True)}
        super().__init__({**handlers, **own}, tab="", rows=None, step=None, images=0, working=False)
        self._project: Project | None = None
        self._sent = Thumbnails(self)
        self._counting = Counting(overview, self._counted, handlers.get("error", lambda _: None))

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Show the project as it is now; the rows are counted in a thread."""
        other = project is not self._project
        if other:
            self._project = self._counting.project = project
            self.show(rows=None)
        self.show(step=next_step(status).to_dict(), images=status.images, working=busy)
        self._counting.count(anew=other)

    def leave(self) -> None:
        """Let go of the project."""
        self._project = self._counting.project = None

    def _counted(self, rows: tuple[ClassRow, ...]) -> None:
        self.show(rows=[row.to_dict() for row in rows])
        self._pictures()

    def _pictures(self, anew: bool = False) -> None:
        rows = self.state["rows"] or ()
        self._sent.send(self._project, (i for row in rows for i in row["newest"]), anew)


class Data:
    """``root`` is the widget to display.

    ``handlers``: go, queue, export, look, error, decided, moved, submit.
    """

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "tab": lambda message: self._choose(str(message["tab"]), str(message.get("label", ""))),
        }
        self._outer = handlers
        common = {**handlers, **own}
        self._classes = ClassesPanel(common)
        self._grid = GridPanel(common)
        self._map = MapPanel(common)
        self._panels: dict[str, Panel] = {"": self._classes, GRID: self._grid, MAP: self._map}
        self.root = ipywidgets.Box(list(self._panels.values())).add_class("cu-data")
        self._tab = ""
        self._latest: tuple[Status, bool] | None = None  # what the page was refreshed with
        self._project: Project | None = None
        self._show_tab("")

    def adopt(self, project: Project, place: dict[str, Any]) -> None:
        """Show another project, with the tab that it was left at."""
        self._project, self._latest = project, None
        self._grid.adopt(project)
        self._map.adopt(project)
        sort, label, by = (str(place.get(key, "")) for key in ("sort", "label", "by"))
        label = label if label in project.class_names() else ""
        concept = str(place.get("concept", ""))
        concept = concept if concept in project.concept_names() else ""
        selection = str(place.get("selection", ""))
        self._grid.choose(sort if sort in SORTS else "", label, concept, selection)
        self._map.choose(by if by in COLOURS else "", label)
        tab = str(place.get("tab", ""))
        self._show_tab(tab if tab in TABS else "")

    def leave(self) -> None:
        """Let go of the project."""
        self._classes.leave()
        self._grid.leave()
        self._map.leave()
        self._project = self._latest = None

    def refresh(self, status: Status, busy: bool) -> None:
        """Bring the tab that is shown up to date."""
        assert self._project is not None
        self._latest = status, busy
        if self._tab == GRID:
            self._grid.refresh(status)
        elif self._tab == MAP:
            self._map.refresh(status, busy)
        else:
            self._classes.refresh(self._project, status, busy)

    def place(self) -> dict[str, Any]:
        """What :meth:`adopt` takes, to be remembered."""
        label = self._map.label if self._tab == MAP else self._grid.label
        return {
            "tab": self._tab,
            "sort": self._grid.asked,
            "label": label,
            "concept": self._grid.concept,
            "selection": self._grid.selection,
            "by": self._map.by,
        }

    def address(self) -> Address:
        """Where it is; the caller adds project and station."""
        if self._tab == GRID:
            grid = self._grid
            shown = Filters(label=grid.label, concept=grid.concept, selection=grid.selection)
            return Address(tab=GRID, sort=self._grid.asked, filters=shown)
        if self._tab == MAP:
            return Address(tab=MAP, by=self._map.by, filters=Filters(label=self._map.label))
        return Address()

    def visit(self, address: Address) -> None:
        """Show the tab of an address.

        Raises UnknownClass, InputError for a concept that there is not, before anything changes.
        """
        assert self._project is not None
        address.check_names(self._project.class_names(), self._project.concept_names())
        self._open(address.tab, address.sort, address.filters, address.by)

    def _choose(self, tab: str, label: str) -> None:
        filters = Filters(label=label, concept="" if label else self._grid.concept)
        self._open(tab if tab in TABS else "", self._grid.asked, filters, self._map.by)
        self._outer["go"]({"station": "data"})

    def _open(self, tab: str, sort: str, filters: Filters, by: str) -> None:
        self._show_tab(tab)
        if tab == GRID:
            self._grid.choose(sort, filters.label, filters.concept, filters.selection)
        elif tab == MAP:
            self._map.choose(by, filters.label)
        if self._latest is not None:  # else the next refresh, when this station is shown, does it
            self.refresh(*self._latest)

    def _show_tab(self, tab: str) -> None:
        self._tab = tab
        for name, panel in self._panels.items():
            panel.layout.display = "" if name == tab else "none"
