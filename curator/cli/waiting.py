"""The command for jobs that a project came with: they are offered, never run by themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from curator import worker
from curator.cli.printing import AsJson, ProjectPath, bars, say, say_json
from curator.errors import InputError
from curator.jobs import marks
from curator.project import Project


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(waiting)


def waiting(
    project: ProjectPath,
    run: Annotated[int | None, typer.Option(help="Run the job with this number now.")] = None,
    dismiss: Annotated[int | None, typer.Option(help="Drop the job with this number.")] = None,
    as_json: AsJson = False,
) -> None:
    """List jobs that the project came with and you did not ask for; run or drop one."""
    if run is not None and dismiss is not None:
        raise InputError("A job is run or dismissed.", "Give one of --run and --dismiss.")
    with Project.open(project) as opened:
        if run is not None:
            with bars() as listener:
                report = worker.run_waiting(opened, run, listener)
            say_json(report.to_dict()) if as_json else say(report.sentence)
            return
        if dismiss is not None:
            marks.dismiss(opened, dismiss)
        found = [
            {"job": job.id, "kind": job.kind, "arguments": job.arguments}
            for job in opened.waiting_jobs()
        ]
        said = [f"{job.id}: {job.sentence}" for job in opened.waiting_jobs()]
    if as_json:
        say_json(found)
    else:
        say(*(said or ["No job is waiting."]))
