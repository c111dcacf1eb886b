"""The header and the rail: each station with its one number and its state."""

from __future__ import annotations

from curator.phrasing import many
from curator.review.status import EMPTY, Station, Status, stations
from curator.store.jobs import Job
from widgets.panel import Handler, Panel, script

STATIONS = {
    "data": "Data",
    "collect": "Collect",
    "check": "Check",
    "train": "Train",
    "review": "Review",
    "use": "Use",
}
FORMER = {"export": "use"}  # names that addresses and kept places may still have


def present(station: str) -> str:
    """What a station is called now."""
    return FORMER.get(station, station)


class Shell(Panel):
    """Drawn from :func:`curator.review.status.status`."""

    _esm = script("shell")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers,
            project=None,
            path=None,
            images=0,
            classes=0,
            decisions=0,
            reading=None,
            damage=None,
            device=None,
            station="start",
            stations=[],
            place={},
            visits=0,
        )
        self._status: Status | None = None

    def refresh(self, status: Status, station: str) -> None:
        """Show the project's figures."""
        self._status = status
        self.show(
            project=status.project,
            path=status.path,
            images=status.images,
            classes=len(status.classes),
            decisions=status.decisions,
            reading=status.read_only,
            damage=status.damage,
            device=status.run.choice if status.run else None,
            station=station,
            stations=_every(status, status.stations),
        )

    def follow(self, job: Job | None) -> None:
        """Show how far a job is, as the bar does, without counting everything anew."""
        if self._status is not None and job is not None and job.is_open:
            status = self._status
            self.show(stations=_every(status, stations(status, status.problems, job)))

    def leave(self) -> None:
        """Show the start page's header."""
        self._status = None
        self.show(
            project=None,
            path=None,
            reading=None,
            damage=None,
            station="start",
            device=None,
        )


def _every(status: Status, work: tuple[Station, ...]) -> list[dict[str, str]]:
    """The stations of the work, and before them Data, where nothing is to be done: no tick."""
    there = many(status.images, "image")
    home = Station("data", EMPTY, status.images, there if status.images else "", f"{there} here.")
    return [_shown(item) for item in (home, *work)]


def _shown(station: Station) -> dict[str, str]:
    return {
        "id": station.station,
        "title": STATIONS[station.station],
        "figure": station.figure,
        "state": station.state,
        "sentence": station.sentence,
        "details": station.details,
    }
