"""The header and the rail: each station with its one number and its state."""

from __future__ import annotations

from curator.phrasing import many
from curator.review.status import Status
from widgets.panel import Handler, Panel, script

STATIONS = {
    "collect": "Collect",
    "check": "Check",
    "train": "Train",
    "review": "Review",
    "export": "Export",
}


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
            device="this machine, no cloud",
            station="start",
            stations=[],
        )

    def refresh(self, status: Status, station: str, problems: int | None) -> None:
        """Show the project's figures. ``problems``: of the last check, None before it."""
        run = status.run
        figures = _figures(status, problems)
        self.show(
            project=status.project,
            path=status.path,
            images=status.images,
            classes=len(status.classes),
            decisions=status.decisions,
            reading=status.read_only,
            damage=status.damage,
            device=run.choice if run else "bundled weights, no download needed",
            station=station,
            stations=[
                {"id": name, "title": title, "figure": figures[name][0], "state": figures[name][1]}
                for name, title in STATIONS.items()
            ],
        )

    def leave(self) -> None:
        """Show the start page's header."""
        self.show(
            project=None,
            path=None,
            reading=None,
            damage=None,
            station="start",
            device="this machine, no cloud",
        )


def _figures(status: Status, problems: int | None) -> dict[str, tuple[str, str]]:
    """The one number of each station, and whether it is empty, needs the user, or is done."""
    images, run, left = status.images, status.run, status.left
    pending = status.addresses.pending
    figures = dict.fromkeys(STATIONS, ("", "empty"))
    if pending:
        figures["collect"] = (f"{pending} to fetch", "needs")
    elif images:
        figures["collect"] = (many(images, "image"), "done")
    if images and problems is not None:
        figures["check"] = (f"{problems} to see", "needs") if problems else ("fine", "done")
    if run is not None:
        error = "trained" if run.error is None else f"err {run.error:.1%}"
        figures["train"] = (error, "needs" if status.stale else "done")
        figures["review"] = (f"{left} left", "needs") if left else ("done", "done")
    return figures
