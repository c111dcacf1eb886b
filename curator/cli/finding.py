"""Commands that find images by their features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table
from curator.phrasing import many
from curator.project import Project

if TYPE_CHECKING:
    from curator.review.queue.kinds import Queue

Top = Annotated[int, typer.Option(min=1, help="Only the first so many.")]
SHOWN = 24
COLUMNS = ["label", "predicted", "split", "state", "width", "height", "source"]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(similar)


def similar(
    project: ProjectPath,
    image_ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID...", help="Images to compare with.")
    ] = None,
    *,
    picture: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|ADDRESS", help="A picture that is none of the project's."),
    ] = None,
    label: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only this class.")] = "",
    top: Top = SHOWN,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Also fetch from this machine and the local network."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the images most like some of them, or like a picture from elsewhere."""
    from curator.collect.http.client import FetchSettings
    from curator.review.queue.filters import Filters

    with Project.open(project) as opened:
        found = opened.similar(
            image_ids or (),
            *(picture or ()),
            filters=Filters(label=label),
            settings=FetchSettings(allow_private=allow_private),
        )
        show_scored(found, top, as_json)


def show_scored(queue: Queue, top: int, as_json: bool) -> None:
    """A queue with scores as a table, its meaning below."""
    table = queue.table(top)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No image is in this queue.")
    else:
        score = table.columns[1]
        shown = table[["image_id", score, *COLUMNS]].dropna(axis="columns", how="all")
        say_table(shown, {score: ".3f"})
        say("", queue.meaning, f"The first {len(table)} of {many(len(queue), 'image')}.")
