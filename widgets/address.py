"""The address of a view: what the fragment of the page's address says, checked.

The page's script takes fragments apart and puts them together (``static/address.js``); what comes
from there may be anybody's text. Here it becomes a view that exists, or an error that says why not.
Projects are named as :mod:`widgets.recent` knows them: an address never names a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from curator.check.findings import OF_IMAGES
from curator.errors import InputError, UnknownClass
from curator.find.map.colours import COLOURS, CONCEPT
from curator.review.browsing import SORTS
from curator.review.queue.filters import ISSUES, SPLITS, Filters
from curator.review.queue.kinds import queue_named
from widgets.shell import STATIONS, present

if TYPE_CHECKING:
    from collections.abc import Sequence

START = "start"
DATA = "data"
CHECK = "check"
USE = "use"
GRID, MAP = TABS = "grid", "map"  # of Data, beside the classes
DUPLICATES = "duplicates"  # of Check, beside the findings: groups side by side
TABS_OF = {DATA: TABS, CHECK: (DUPLICATES,)}
LONGEST = 500  # characters of any part
LARGEST = 2**53  # of numbers; what a script counts exactly
NARROWING = tuple(each.name for each in fields(Filters) if each.type == "str")


@dataclass(frozen=True)
class Address:
    """A view. ``project`` "" means the one that is open; ``station`` "" where it was left."""

    project: str = ""
    station: str = ""
    queue: str = ""
    """Of Review; "" means the one that is open."""
    filters: Filters = field(default_factory=Filters)
    first: int = 1
    """Place of the first image shown, from 1 on: how many follow depends on the window."""
    image: int | None = None
    """Id of the image that is enlarged."""
    tab: str = ""
    """One of :data:`TABS_OF` its station, or "" for what the station begins with."""
    sort: str = ""
    """Of the grid; "" for its usual order."""
    by: str = ""
    """What the map is coloured by; "" for the class."""
    group: int | None = None
    """Id of the group of near-duplicates that keys act on; None: the first."""

    def check_names(self, classes: Sequence[str], concepts: Sequence[str]) -> None:
        """Raise UnknownClass, or InputError, unless what the filters name is among these."""
        known = {name.casefold() for name in classes}
        for name in (self.filters.label, self.filters.predicted):
            if name and name.casefold() not in known:
                raise UnknownClass(
                    f"This address is of the class {name!r}, which is not there any more.",
                    "Choose a class above the images.",
                )
        sought = {name.casefold() for name in concepts}
        asked = self.filters.like if self.queue == "concept" else ""
        for name in (self.filters.concept, asked):
            if name and name.casefold() not in sought:
                raise InputError(
                    f"This address is of the concept {name[:60]!r}, which is not there any more.",
                    "Choose one from the list of queues.",
                )

    def to_dict(self) -> dict[str, Any]:
        """The parts that are set, as the page's script writes them."""
        narrowed = {name: getattr(self.filters, name) for name in NARROWING}
        return {
            "project": self.project,
            "station": self.station,
            "queue": self.tab or self.queue.replace(" ", "-"),
            "filters": {_outside(name): value for name, value in narrowed.items() if value},
            "first": self.first,
            "image": self.image,
            "sort": self.sort,
            "by": self.by,
            "group": self.group,
        }


def read(given: object, named: float) -> Address:
    """The address that the page's script took apart; ``named``: least probability of a tag, 0..1.

    Raises InputError for what names no view.
    """
    if not isinstance(given, Mapping):
        raise InputError("This address names no view.", "Choose a station above.")
    project, station, queue = (_text(given, key) for key in ("project", "station", "queue"))
    station = present(station)
    if station not in ("", START, *STATIONS):
        raise InputError(
            f"The address names {station[:60]!r}, which is no station.",
            f"There are {', '.join(STATIONS)}.",
        )
    filters = given.get("filters") or {}
    if not isinstance(filters, Mapping):
        raise InputError("The address filters by nothing that is known.", "Choose filters above.")
    narrowed = {name: _text(filters, _outside(name)) for name in NARROWING}
    for key, allowed in (("split", SPLITS), ("issue", ISSUES), ("finding", OF_IMAGES)):
        if narrowed[key] and narrowed[key] not in allowed:
            raise InputError(
                f"The address names the {key} {narrowed[key][:60]!r}, which there is not.",
                f"Use one of {', '.join(allowed)}.",
            )
    sort, tab = _text(given, "sort"), ""
    if sort and sort not in SORTS:
        raise InputError(
            f"The address names the order {sort[:60]!r}, which there is not.",
            f"Use one of {', '.join(SORTS)}.",
        )
    by = _text(given, "by")
    if by and by not in COLOURS and not by.startswith(CONCEPT):
        raise InputError(
            f"The address colours by {by[:60]!r}, which there is not.",
            f"Use one of {', '.join(COLOURS)}.",
        )
    if station in TABS_OF and queue:
        if queue not in TABS_OF[station]:
            raise InputError(
                f"The address names {queue[:60]!r}, which {station.title()} does not have.",
                f"There are {' and '.join(TABS_OF[station])}.",
            )
        queue, tab = "", queue
    return Address(
        project,
        station,
        queue_named(queue) if queue else "",
        Filters(**narrowed, tag_probability=named if narrowed["tag"] else 0.0),
        _number(given, "first") or 1,
        _number(given, "image"),
        tab,
        sort,
        by,
        _number(given, "group"),
    )


def _outside(name: str) -> str:
    """What people call a filter."""
    return "class" if name == "label" else name


def _text(given: Mapping[Any, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise InputError(f"The {key} in the address cannot be read.", "Choose it on the page.")
    return value


def _number(given: Mapping[Any, Any], key: str) -> int | None:
    value = given.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < LARGEST:
        raise InputError(f"The {key} in the address is no number.", "Numbers count from 1.")
    return value
