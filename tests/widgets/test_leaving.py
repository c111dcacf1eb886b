"""A page that goes from one project to another: nothing of the first reaches the second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from tests.conftest import copy_project
from tests.widgets.kernel import send
from widgets import jobbar
from widgets.app import Dashboard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def other(sample_folder: Path, tmp_path: Path) -> Iterator[Project]:
    """Open another copy of the sample, whose images have the same numbers."""
    with Project.open(copy_project(sample_folder, tmp_path / "other")) as project:
        yield project


def complaint(dashboard: Dashboard) -> str | None:
    """What the bar complains of."""
    job = dashboard.jobbar.state["job"]
    return job["text"] if job and not job["id"] else None


def test_what_a_view_of_another_project_still_says_is_let_go(
    sample_copy: Project, other: Project
) -> None:
    """A key pressed a moment too late decides on nothing of the next project, nor complains."""

    async def page() -> None:
        dashboard = Dashboard(str(sample_copy.path))
        gallery = dashboard.review.gallery
        count = gallery.project_number
        tile = gallery.state["tiles"][0]["id"]
        late = {"do": "decide", "ids": [tile], "action": "delete"}
        send(gallery, **late, project_number=count)
        assert sample_copy.status().states["deleted"] == 1
        dashboard.leave()
        send(gallery, **late, project_number=count)
        dashboard.open_or_start(str(other.path))
        assert gallery.state["tiles"][0]["id"] == tile
        send(gallery, **late, project_number=count)
        assert other.status().states["deleted"] == 0
        assert complaint(dashboard) is None
        send(gallery, **late, project_number=gallery.project_number)
        assert other.status().states["deleted"] == 1
        dashboard.leave()

    asyncio.run(page())


def test_the_job_bar_begins_anew(
    sample_copy: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complaint stays behind, and a job that was dismissed hides none of the same number."""
    monkeypatch.setattr(jobbar, "FRESH_SECONDS", 1e9)

    async def page() -> None:
        dashboard = Dashboard(str(sample_copy.path))
        bar = dashboard.jobbar
        dashboard.follow_job()
        newest = bar.state["job"]["id"]
        send(bar, do="dismiss", id=newest)
        dashboard.follow_job()
        assert bar.state["job"] is None
        send(bar, do="error", text="no such thing")
        assert complaint(dashboard) == "no such thing"
        dashboard.open_or_start(str(other.path))
        dashboard.follow_job()
        assert bar.state["job"]["id"] == newest
        dashboard.leave()

    asyncio.run(page())
