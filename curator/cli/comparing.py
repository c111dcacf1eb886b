"""Commands that look back at the runs, and put images aside to judge one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.deciding import By
from curator.cli.printing import (
    AsJson,
    ProjectPath,
    run_job,
    say,
    say_json,
    say_table,
    to_the_second,
)
from curator.cli.training import interval
from curator.errors import DataError, InputError
from curator.phrasing import capitalised
from curator.project import Project
from curator.store.workspace import USUAL_TEST_SHARE

if TYPE_CHECKING:
    from curator.review.comparison.compare import Comparison, Version

_TITLES = {
    "before": "With the labels as the first of the two runs knew them",
    "now": "With the labels as they are now",
}
_COLUMNS = [
    "run",
    "in_use",
    "at",
    "recipe",
    "backbone",
    "images",
    "out_of_fold_error",
    "valid_error",
    "seconds",
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(runs)
    app.command("use-run")(use_run)
    app.command()(compare)
    app.command("test-split")(split_off_test)
    app.command()(evaluate)


def runs(project: ProjectPath, as_json: AsJson = False) -> None:
    """List all runs, and compare the first with the newest on the same validation images."""
    with Project.open(project) as opened:
        table = opened.runs()
        try:
            found: Comparison | None = opened.compare()
        except DataError as error:
            found, problem = None, str(error)
    if as_json:
        say_json({"runs": table, "comparison": found.to_dict() if found else None})
        return
    if table.empty:
        say(problem)
        return
    shares = {"out_of_fold_error": ".1%", "valid_error": ".1%"}
    table["at"] = to_the_second(table["at"])
    table["in_use"] = ["in use" if used else "" for used in table["in_use"]]
    refit = " (automatic refit)"
    table["recipe"] += ["" if not interim else refit for interim in table["interim"]]
    say_table(table[[*_COLUMNS, *(["test_looks"] if table["test_looks"].any() else [])]], shares)
    say("", "In use: what is exported and reviewed. Choose with `curator use-run PROJECT RUN`.", "")
    if found is None:
        say(problem)
    else:
        say_comparison(found)


def use_run(
    project: ProjectPath,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's number, or: newest.")],
    as_json: AsJson = False,
) -> None:
    """Choose the run that is exported and reviewed; newest: always the newest trained one."""
    if run != "newest" and not run.isdecimal():
        raise InputError(f"{run!r} is no run.", "Give a run's number, or: newest.")
    with Project.open(project) as opened:
        opened.use_run(None if run == "newest" else int(run))
        used = opened.run_to_export()
    if as_json:
        say_json({"run": used.id, "title": used.title, "newest": run == "newest"})
    else:
        always = ", as the newest that was asked for" if run == "newest" else ""
        say(f"{capitalised(used.title)} is in use{always}.")


def compare(
    project: ProjectPath,
    before: Annotated[int | None, typer.Option(help="A run's number; default: the first.")] = None,
    after: Annotated[int | None, typer.Option(help="A run's number; default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two runs on the same validation images, with a paired test."""
    with Project.open(project) as opened:
        found = opened.compare(before, after)
    if as_json:
        say_json(found.to_dict())
        return
    say_comparison(found)


def split_off_test(
    project: ProjectPath,
    share: Annotated[
        float, typer.Option(help="Share of each class; 0 gives all back.")
    ] = USUAL_TEST_SHARE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which images it would be.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put images aside as a test that no training sees. Undo takes it back."""
    with Project.open(project) as opened:
        done = opened.preview_test(share) if dry_run else opened.draw_test(share, by)
    if as_json:
        say_json(done.to_dict())
    else:
        say(done.sentence)


def evaluate(
    project: ProjectPath,
    run: Annotated[
        int | None,
        typer.Option(help="Run to judge; default: the one that `curator status` names."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a run on the test images, which nothing else looks at; each time is counted."""
    found = run_job(
        project, as_json, lambda opened, listener: opened.evaluate(run, listener=listener)
    )
    if as_json:
        return
    import pandas as pd

    rates = {"precision": ".1%", "recall": ".1%", "f1": ".1%"}
    say_table(pd.DataFrame(list(found.per_class)), rates)
    say("", found.sentence)


def say_comparison(found: Comparison) -> None:
    """Before and after, in words."""
    if found.warning:
        say(f"Warning: {found.warning}", "")
    for version in found.versions:
        _say_version(version)
    say(f"{found.decisions} decisions between the runs.")


def _say_version(version: Version) -> None:
    say(f"{_TITLES[version.labels]}:")
    for side, run in (("before", version.before), ("after", version.after)):
        error = interval(run.error, run.low, run.high, version.images)
        say(f"  {side:6} (run {run.run}): {error}, {run.wrong} wrong")
    if version.unjudged:
        say(f"  {version.unjudged} more images are left out: one of the runs cannot judge them.")
    say(f"  {version.sentence}", "")
