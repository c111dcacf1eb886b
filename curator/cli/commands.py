"""The `curator` command with all that it can do: one file of commands a station."""

from __future__ import annotations

import functools

import typer
import typer.core
import typer.main

from curator.cli import (
    advising,
    backbones,
    collecting,
    comparing,
    deciding,
    delivering,
    duplicates,
    explaining,
    finding,
    mending,
    predicting,
    recipes,
    reviewing,
    training,
    trying,
    versions,
    waiting,
)
from curator.cli.grouping import GroupedCommands

app = typer.Typer(
    name="curator",
    cls=GroupedCommands,
    help="From lists of image addresses to a clean, labelled data set and a classifier.",
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
STATIONS = (
    collecting,
    backbones,
    training,
    comparing,
    finding,
    explaining,
    reviewing,
    advising,
    deciding,
    duplicates,
    delivering,
    predicting,
    trying,
    versions,
    recipes,
    mending,
    waiting,
)
for station in STATIONS:
    station.register(app)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Without a command: open the dashboard."""
    if version:
        from curator.version import __version__

        typer.echo(f"curator {__version__}")
    elif context.invoked_subcommand is None:
        delivering.dashboard(project=None, port=None, browser=True)


@functools.cache
def command() -> typer.core.TyperGroup:
    """All commands; made once, as it takes longer than most commands do."""
    group = typer.main.get_command(app)  # not `get_group`, which lacks the options for completion
    assert isinstance(group, typer.core.TyperGroup)
    return group
