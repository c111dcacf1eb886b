"""Commands on data set recipes: `curator recipe write`, `rebuild`, `merge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, bars, say, say_json, say_table
from curator.collect.http.client import FetchSettings
from curator.project import Project

if TYPE_CHECKING:
    from curator.deliver.recipe.rebuild import RebuildReport

recipes = typer.Typer(
    name="recipe",
    help="The data set without its pictures: write it, rebuild it, merge two people's decisions.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_MOST = 20  # absent images that people are shown; JSON has a hundred

RecipeFiles = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Made by `recipe write`.")
]
Pictures = Annotated[
    Path | None,
    typer.Option(help="A folder whose images are taken in by their SHA-256; the rest is fetched."),
]
Fetch = Annotated[bool, typer.Option(help="Fetch what is missing.")]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="Allow addresses of this machine and network.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    recipes.command()(write)
    recipes.command()(rebuild)
    recipes.command()(merge)
    app.add_typer(recipes)


def write(
    project: ProjectPath,
    file: Annotated[Path, typer.Argument(help="A new file, such as bears.jsonl.")],
    as_json: AsJson = False,
) -> None:
    """Write addresses, hashes, labels, splits and decisions to a file, without the pictures."""
    with Project.open(project) as opened:
        report = opened.write_recipe(file)
    if as_json:
        say_json(report.to_dict())
    else:
        say(report.sentence)


def rebuild(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A new folder, or one that was interrupted.")
    ],
    files: RecipeFiles,
    pictures: Pictures = None,
    fetch: Fetch = True,
    allow_private: AllowPrivate = False,
    as_json: AsJson = False,
) -> None:
    """Make the project of a recipe anew; of several, with the decisions of all."""
    with Project.from_recipe(project, files[0]) as opened:
        _take(opened, files, pictures, fetch, allow_private, as_json)


def merge(
    project: ProjectPath,
    files: RecipeFiles,
    pictures: Pictures = None,
    fetch: Fetch = True,
    allow_private: AllowPrivate = False,
    as_json: AsJson = False,
) -> None:
    """Take in the images and decisions of others; what they decide differently is a queue."""
    with Project.open(project) as opened:
        _take(opened, files, pictures, fetch, allow_private, as_json)


def _take(
    project: Project,
    files: list[Path],
    pictures: Path | None,
    fetch: bool,
    allow_private: bool,
    as_json: bool,
) -> None:
    settings = FetchSettings(allow_private=True) if allow_private else None
    with bars() as listener:
        report = project.take_recipes(
            *files, pictures=pictures, fetch=fetch, settings=settings, listener=listener
        )
    if as_json:
        say_json(report.to_dict())
    else:
        _tell(report)


def _tell(report: RebuildReport) -> None:
    if report.absent:
        import pandas as pd

        shown = pd.DataFrame([item.to_dict() for item in report.absent[:_MOST]])
        say_table(shown[["problem", "label", "source", "reason"]])
    say(report.sentence)
