"""The job `sample`: fill a project with the sample, for "try it with the sample" on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.collect import fetch
from curator.collect.adding import add
from curator.sample.digits import CLASSES, build
from curator.sample.server import serving
from curator.store import classes

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace


def run(workspace: Workspace, progress: Progress) -> fetch.FetchReport:
    """Add the sample's addresses and fetch them from a server that runs meanwhile."""
    with workspace.database.write() as connection:
        known = {item.name for item in classes.all_classes(connection)}
        classes.add_classes(connection, [name for name in CLASSES if name not in known])
    with serving(build()) as served:
        for name in CLASSES:
            add(workspace, name, [("\n".join(served.addresses(name)), "sample")])
        return fetch.run(workspace, progress, settings={"allow_private": True})
