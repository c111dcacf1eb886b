"""The map of everything: points, what colours them, and decisions on what is drawn around.

The browser holds the points, which travel once, as arrays; what is selected comes back as a bit an
image. The order of the images is fixed while a map is shown, and its number tells a message that is
about one that was left. What is left out meanwhile stays in its place, marked as gone.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from curator.collect.pictures import thumbnails_of
from curator.errors import InputError
from curator.find import selections
from curator.find.map import kept
from curator.find.map.colours import COLOURS, choices, colouring
from curator.find.map.region import wrong_within
from curator.project import Project
from curator.review.browsing import cells
from widgets.background import Counting, beside
from widgets.deciding import DecidingPanel
from widgets.jobbar import newest
from widgets.panel import Handler, script

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.review.status import Status

USUAL = "class"  # what points are coloured by
AT_ONCE = 400  # pictures of a message
UNKNOWN = 255  # the code of what has no colour
STEPS = 254  # of a colour scale
GONE, OUTSIDE = 1, 2  # bits: left out since; not of the class that is shown


class Looked(NamedTuple):
    """What there is of a map."""

    state: str
    colours: list[str]
    """What it can be coloured by."""
    found: kept.ImageMap | None
    names: tuple[str, ...]
    codes: NDArray[np.uint8]
    """(n,): place in ``names``, or 0..:data:`STEPS` of a scale; :data:`UNKNOWN`."""
    inside: NDArray[np.bool_]
    """(n,): whether it is of the class that is shown."""


class MapPanel(DecidingPanel):
    """``handlers``: go, look, queue, decided, moved, error, tab, submit."""

    _esm = script("map")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._send_all(),
            "colour": lambda message: self._choose(str(message["by"]), str(message["label"])),
            "make": lambda _: handlers["submit"]({"kind": "map", "arguments": {}}),
            "pictures": self._pictures,
            "about": self._about,
            "look": self._enlarge,
            "selected": self._selected,
            "decide": self._decide,
            "open": self._open,
            "like": self._like,
            "seek": self._seek,
        }
        super().__init__(
            {**handlers, **own},
            number=0,
            total=0,
            map="",
            others=0,
            unreadable=0,
            working=False,
            by=USUAL,
            colours=list(COLOURS),
            names=[],
            label="",
            features="",
            counts=[],
            images=0,
        )
        self._project: Project | None = None
        self._counting = Counting(self._look, self._shown, handlers.get("error", lambda _: None))
        self._busy = False
        self._ids = np.empty(0, np.int64)  # in the order that the browser knows
        self._points = np.empty((0, 2), np.float32)
        self._codes = self._bits = np.empty(0, np.uint8)
        self._made = ""
        self._held: set[int] = set()  # places whose pictures the browser has

    @property
    def by(self) -> str:
        """What the points are coloured by."""
        return str(self.state["by"])

    @property
    def label(self) -> str:
        """The class that is shown; "" for all."""
        return str(self.state["label"])

    def adopt(self, project: Project) -> None:
        """Work on another project; :meth:`choose` says how it is coloured."""
        self._project = self._counting.project = project
        self._empty()
        self.show(map="", status="", others=0)

    def leave(self) -> None:
        """Let go of the project."""
        self._project = self._counting.project = None

    def choose(self, by: str, label: str) -> None:
        """Colour by another thing, or show another class, "" for all; the next refresh does it."""
        self.show(by=by or USUAL, label=label)
        self._busy = True  # so that the next refresh looks anew

    def refresh(self, status: Status, busy: bool) -> None:
        """Show counts, and the map as it is now if something changed or a job ended."""
        project = self._project
        if project is None:
            return
        job = newest(project)
        working = bool(job and job.is_open and job.kind == "map")
        counts = [list(pair) for pair in status.classes.items()]
        self.show(working=working, counts=counts, images=status.images, **self._known(project))
        anew, self._busy = self._busy and not busy, busy
        self._counting.count(anew=anew)

    def _choose(self, by: str, label: str) -> None:
        self.choose(by, label)
        self._counting.count(anew=True)
        self._handlers["moved"]({})

    # What there is to show

    def _look(self, project: Project) -> Looked:
        """Read the map and its colours, in a thread."""
        by, label = self.by, self.label
        found, offered = kept.read(project), choices(project)
        if found is None or not len(found.image_ids):
            nothing = np.empty(0, np.uint8)
            return Looked(kept.state(project), offered, None, (), nothing, nothing.astype(bool))
        ids = found.image_ids
        colours = colouring(project, ids, by)
        inside = np.ones(len(ids), bool)
        if label:
            of_class = colouring(project, ids, "class")
            wanted = [at for at, name in enumerate(of_class.names) if name == label]
            inside = np.isin(of_class.codes, wanted)
        if colours.names:
            codes = np.where(colours.codes < 0, UNKNOWN, colours.codes)
        else:
            scaled = np.nan_to_num(np.clip(colours.values, 0, 1) * STEPS, nan=UNKNOWN)
            codes = np.round(scaled)
        coded = codes.astype(np.uint8)
        return Looked(kept.state(project), offered, found, colours.names, coded, inside)

    def _shown(self, looked: Looked) -> None:
        found = looked.found
        if found is None:
            self._empty()
            self.show(map=looked.state, others=0)
            return
        new = found.made != self._made or not np.isin(found.image_ids, self._ids).all()
        if new:
            self._ids, self._points, self._made = found.image_ids, found.points, found.made
        places = np.searchsorted(self._ids, found.image_ids)
        self._codes = np.full(len(self._ids), UNKNOWN, np.uint8)
        self._bits = np.full(len(self._ids), GONE, np.uint8)
        self._codes[places] = looked.codes
        self._bits[places] = np.where(looked.inside, 0, OUTSIDE)
        self.show(
            number=self.state["number"] + new,
            total=len(self._ids),
            map=looked.state,
            colours=looked.colours,
            names=list(looked.names),
            features=found.features,
            others=max(0, self.state["images"] - len(found.image_ids) - len(found.left_out)),
            unreadable=len(found.left_out),
        )
        if new:
            self._send_points()
        self._send_codes()

    def _empty(self) -> None:
        self._ids, self._points = np.empty(0, np.int64), np.empty((0, 2), np.float32)
        self._codes = self._bits = np.empty(0, np.uint8)
        self._made = ""
        self._held.clear()
        self.show(number=self.state["number"] + 1, total=0, names=[])

    def _send_all(self) -> None:
        self._send_points()
        self._send_codes()

    def _send_points(self) -> None:
        self._held.clear()
        message = {"type": "points", "number": self.state["number"]}
        self.send(message, buffers=[np.ascontiguousarray(self._points).tobytes()])

    def _send_codes(self) -> None:
        message = {"type": "codes", "number": self.state["number"], "by": self.by}
        self.send(message, buffers=[self._codes.tobytes(), self._bits.tobytes()])

    def _pictures(self, message: dict[str, Any]) -> None:
        """Send the pictures of places that the browser lacks; it drops all others."""
        project, number = self._here(message), message["number"]
        wanted = [int(place) for place in message["places"][:AT_ONCE]]
        if not all(0 <= place < len(self._ids) for place in wanted):
            raise InputError("That is not on the map.", "Look again.")
        self._held.intersection_update(wanted)
        fresh = [place for place in wanted if place not in self._held]
        self._held.update(fresh)
        ids = self._ids[fresh].tolist()
        place_of = dict(zip(ids, fresh, strict=True))

        def show(found: dict[int, bytes]) -> None:
            if number == self.state["number"]:
                places = [place_of[key] for key in found]
                told = {"type": "pictures", "ids": places, "keep": list(self._held)}
                self.send(told, buffers=list(found.values()))

        beside(lambda: thumbnails_of(project, ids), show, self._handlers["error"])

    def _about(self, message: dict[str, Any]) -> None:
        """Tell what is known of one image."""
        project, place = self._here(message), int(message["place"])
        if 0 <= place < len(self._ids):
            found = cells(project, self._ids[place : place + 1], project.ranking_run())
            if found:
                self.send({"type": "about", "place": place, "cell": found[0].to_dict()})

    def _enlarge(self, message: dict[str, Any]) -> None:
        """Show one image whole."""
        self._here(message)
        if 0 <= int(message["place"]) < len(self._ids):
            self._handlers["look"]({"id": int(self._ids[int(message["place"])])})

    # What is done with a selection

    def _selected(self, message: dict[str, Any]) -> None:
        """Tell how many wrong labels are likely in a selection."""
        project, ids, serial = self._here(message), self._chosen(message), message["serial"]

        def show(sentence: str) -> None:
            self.send({"type": "share", "serial": serial, "sentence": sentence})

        beside(lambda: wrong_within(project, ids).sentence, show, self._handlers["error"])

    def _decide(self, message: dict[str, Any]) -> None:
        """Decide on what is selected, as one step of undo."""
        project, ids = self._here(message), self._chosen(message)
        self._decide_on(ids.tolist(), message, project.ranking_run())

    def _open(self, message: dict[str, Any]) -> None:
        """Open what is selected as a queue of Review."""
        name = selections.keep(self._here(message), self._chosen(message))
        self._handlers["queue"]({"queue": "all", "selection": name})

    def _like(self, message: dict[str, Any]) -> None:
        """Open the images most like those that are selected."""
        self._here(message)
        self._open_like(self._chosen(message).tolist())

    def _seek(self, message: dict[str, Any]) -> None:
        """Look for what the images that are selected show."""
        self._here(message)
        self._seek_like(self._chosen(message).tolist(), message)

    def _here(self, message: dict[str, Any]) -> Project:
        if self._project is None or message["number"] != self.state["number"]:
            raise InputError("That map was left already.", "Choose again from what is shown now.")
        return self._project

    def _chosen(self, message: dict[str, Any]) -> NDArray[np.int64]:
        """The images of a selection: a bit an image, in the map's order, as base64."""
        try:
            held = np.frombuffer(base64.b64decode(message["chosen"], validate=True), np.uint8)
        except (binascii.Error, TypeError, ValueError) as error:
            raise InputError("What is selected cannot be read.", "Select again.") from error
        bits = np.unpackbits(held, bitorder="little")[: len(self._ids)].astype(bool)
        if len(bits) < len(self._ids) or not bits.any():
            raise InputError("Nothing is selected.", "Draw around some images first.")
        chosen: NDArray[np.int64] = self._ids[bits]
        return chosen

    def _images(self) -> NDArray[np.int64] | None:
        return self._ids

    def _show_decided(self) -> None:
        self._counting.count()
