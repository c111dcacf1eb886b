"""The `curator` command: each file of commands is loaded when one of its commands is asked for."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
import typer.main

from curator.cli.grouping import GroupedCommands

if TYPE_CHECKING:
    from collections.abc import Mapping

# The file of each command. All of them take several times as long to load as one.
FILES: Mapping[str, tuple[str, ...]] = {
    "collecting": ("new", "add", "snippet", "import", "check"),
    "fetching": ("fetch",),
    "backbones": ("backbones",),
    "training": ("train", "lr-find", "learning-curve"),
    "comparing": ("runs", "use-run", "compare", "test-split", "evaluate"),
    "finding": ("similar", "find", "sample", "accept", "map", "concept"),
    "explaining": ("explain", "weak"),
    "reviewing": ("rank", "queue", "tags", "confusion", "most-confused", "status"),
    "advising": ("advice", "suggest", "review-log"),
    "deciding": (
        *("decide", "undo", "redo", "log", "dismiss"),
        *("classes", "new-class", "rename-class", "merge-classes"),
    ),
    "duplicates": ("duplicates",),
    "delivering": ("export", "export-model", "serve", "deploy", "dashboard", "demo"),
    "predicting": ("predict",),
    "trying": ("try", "classify"),
    "versions": ("version",),
    "recipes": ("recipe",),
    "mending": ("stop", "restore", "move-database"),
    "waiting": ("waiting",),
}


def command(name: str = "") -> Any:
    """The command line: with the commands of that one's file alone, or with all.

    Made once each. All of them where ``name`` is no command's, as in `--help` or for completion.
    """
    if name == "--version":
        return _command(())
    return _command(tuple(f for f, names in FILES.items() if name in names) or tuple(FILES))


@functools.cache
def _command(files: tuple[str, ...]) -> Any:
    app = typer.Typer(
        name="curator",
        cls=GroupedCommands,
        help="From lists of image addresses to a clean, labelled data set and a classifier.",
        no_args_is_help=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for file in files:
        import_module(f"curator.cli.{file}").register(app)
    app.callback(invoke_without_command=True)(start)
    return typer.main.get_command(app)  # not `get_group`, which lacks the options for completion


def start(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Without a command: open the dashboard."""
    if version:
        from curator.version import __version__

        typer.echo(f"curator {__version__}")
    elif context.invoked_subcommand is None:
        from curator.cli import delivering

        delivering.dashboard(project=None, port=None, browser=True)
