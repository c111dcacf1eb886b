"""The groups of commands in `curator --help`: those of the stations, in the order of the work.

Plain text without boxes, so that it reads the same in a pipe, a log and a screen reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Project": (
        *("new", "status", "dashboard", "demo", "classes", "new-class", "rename-class"),
        *("merge-classes", "stop", "restore", "move-database", "waiting"),
    ),
    "Collect": ("add", "snippet", "import", "fetch"),
    "Check": ("check", "duplicates", "dismiss", "tags", "weak"),
    "Train": (
        *("train", "backbones", "lr-find", "learning-curve", "runs", "use-run", "compare"),
        *("test-split", "evaluate"),
    ),
    "Find": ("similar", "find", "accept", "sample", "map", "concept", "explain"),
    "Review": (
        *("rank", "queue", "confusion", "most-confused", "decide", "undo", "redo", "log"),
        *("suggest", "advice", "review-log"),
    ),
    "Deliver": (
        *("export", "version", "recipe", "export-model"),
        *("predict", "try", "classify", "serve", "deploy"),
    ),
}


class GroupedCommands(TyperGroup):
    """The root command, whose help lists the commands by station."""

    # Typer may bring its own copy of click, so click's types cannot be named here.
    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  click's own
        """Write a section for each group, the summaries in one column throughout."""
        width = max(map(len, self.commands))
        whole = 500  # characters: more than any summary has, so that none is cut off
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(width), self.commands[name].get_short_help_str(whole))
                        for name in names
                    ]
                )
