"""Commands on the project itself: stop its job, restore its database or move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.cli.printing import AsJson, ProjectPath, say, say_json
from curator.project import Project

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(stop)
    app.command()(restore)
    app.command()(move_database)


def stop(project: ProjectPath) -> None:
    """Cancel the job that runs; end its process if it does not answer. What was done is kept."""
    from curator.jobs import health
    from curator.store import jobs

    with Project.open(project) as opened:
        opened.database.require_writable()
        said = health.end(opened)
        job = jobs.latest(opened.database, jobs.OPEN)
        if said is None and job is not None:
            jobs.cancel(opened.database, job.id)
            said = f"{job.kind} was asked to stop; what it did so far is kept."
    say(said or "No job is running.")


def restore(project: ProjectPath, as_json: AsJson = False) -> None:
    """Put the newest whole copy in the place of a damaged database, which is kept."""
    done = Project.restore(project)
    if as_json:
        say_json({"copy": str(done.copy), "made_at": done.at.isoformat(), "aside": str(done.aside)})
    else:
        say(done.sentence)


def move_database(project: ProjectPath, as_json: AsJson = False) -> None:
    """Move the database to the PostgreSQL server in CURATOR_DATABASE, or back into the folder."""
    done = Project.move_database(project)
    if as_json:
        say_json({"in_server": done.in_server, "rows": done.rows})
    else:
        say(done.sentence)
