"""Before and after: whether the cleaning helped, on the validation images that stay the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from curator.errors import NoRun
from curator.project import Project
from curator.review.comparison.history import changes_between, since_newest_run
from widgets.panel import Handler, script
from widgets.section import Beside

# Above so many validation images a comparison takes a second, so it waits for the next run.
MANY = 5_000


class ProgressPanel(Beside):
    """The first run against the newest: errors with intervals, and what was changed in between."""

    _esm = script("progress")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers,
            opened=True,
            comparison=None,
            changes=None,
            run=None,
            images=0,
            waiting=0,
            kept=False,
        )
        self._compared: tuple[Any, ...] = ()  # project and run of the comparison on show

    def figures(self, project: Project) -> dict[str, Any]:
        """Compare anew; before the second run say what is to come."""
        values: dict[str, Any] = {"comparison": None, "changes": None, "kept": False}
        run = since_newest_run(project)
        if run is None:
            return {**values, "run": None, "images": 0, "waiting": 0}
        values |= asdict(run)
        key = (project.path, run.run)
        if key == self._compared and values["images"] > MANY:
            shown = {name: self.state[name] for name in ("comparison", "changes")}
            return {**values, **shown, "kept": run.waiting > 0}
        try:
            found = project.compare()
        except NoRun:  # of one run only
            return values
        made = changes_between(project, found.before.run, found.after.run)
        self._compared = key
        return {**values, "comparison": found.to_dict(), "changes": made}
