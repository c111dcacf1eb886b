"""The job `sample`: fill a project with the sample, for "try it with the sample" on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.collect import fetch
from curator.sample.digits import CLASSES, build
from curator.sample.server import serving

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project


def run(project: Project, progress: Progress) -> dict[str, Any]:
    """Add the sample's addresses and fetch them from a server that runs meanwhile."""
    missing = [name for name in CLASSES if name not in project.class_names()]
    project.add_class(*missing)
    with serving(build()) as served:
        for name in CLASSES:
            project.add(name, "\n".join(served.addresses(name)), listed_in="sample")
        return fetch.run(project, progress, settings={"allow_private": True})
