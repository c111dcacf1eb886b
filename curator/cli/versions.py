"""Commands on versions of the data set: `curator version tag`, `list`, `diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table, to_the_second
from curator.phrasing import many
from curator.project import Project

versions = typer.Typer(
    name="version",
    help="Give the data set a name, list such versions, and say what differs between two.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_MOST = 50  # changes that people are shown; JSON has all


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    versions.command()(tag)
    versions.command("list")(list_versions)
    versions.command()(diff)
    app.add_typer(versions)


def tag(
    project: ProjectPath,
    name: Annotated[str, typer.Argument(help="Letters, digits, dots, hyphens, such as v1.2.")],
    as_json: AsJson = False,
) -> None:
    """Give the data set as it is a name, to export and compare it later."""
    with Project.open(project) as opened:
        version = opened.tag_version(name)
    if as_json:
        say_json(version.to_dict())
    else:
        say(f"Version {version.name}: {many(version.images, 'image')}.")


def list_versions(project: ProjectPath, as_json: AsJson = False) -> None:
    """List the versions, oldest first."""
    with Project.open(project) as opened:
        found = opened.versions()
    if as_json:
        say_json([version.to_dict() for version in found])
    elif found:
        import pandas as pd

        table = pd.DataFrame([version.to_dict() for version in found])
        table["at"] = to_the_second(table["at"])
        say_table(table[["name", "at", "by", "images", "manifest_sha256"]])
    else:
        say("There is no version yet: `curator version tag PROJECT NAME` makes one.")


def diff(
    project: ProjectPath,
    before: Annotated[str, typer.Argument(metavar="A", help="A version, or `now`.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A version, or `now`.")] = "now",
    as_json: AsJson = False,
) -> None:
    """Say what was added, deleted, relabelled or changed its split from A to B."""
    with Project.open(project) as opened:
        found = opened.diff_versions(before, after)
    if as_json:
        say_json(found.to_dict() | {"counts": found.counts})
        return
    if not found.changes:
        say(f"Nothing differs between {found.before} and {found.after}.")
        return
    import pandas as pd

    shown = [change.to_dict() for change in found.changes[:_MOST]]
    table = pd.DataFrame(shown)[["change", "image_id", "before", "after", "source"]]
    say_table(table)
    if len(found.changes) > _MOST:
        say(f"... and {len(found.changes) - _MOST} more; --json gives all.")
    parts = ", ".join(f"{number} {kind}" for kind, number in found.counts.items())
    say(f"From {found.before} to {found.after}: {parts}.")
