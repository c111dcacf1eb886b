r"""How the command line speaks: tables and bars for people, JSON for machines.

Answers go to standard output, progress and complaints to standard error. Names of files, classes
and hosts are the work of strangers: what could steer a terminal, forge a line or turn the order of
the letters around is written out, such as ``\x1b``, by :func:`printable`. All that is said goes
through here.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from curator.spreadsheets import csv_text

if TYPE_CHECKING:
    import pandas as pd

    from curator.jobs.progress import Listener
    from curator.jobs.progress import Progress as JobProgress
    from curator.jobs.report import Report
    from curator.project import Project

AnyReport = TypeVar("AnyReport", bound="Report")

# Controls of both kinds, halves of surrogate pairs (bytes that are no UTF-8), separators of lines,
# marks that change the direction, and characters that nobody can see. Joiners stay: scripts and
# emoji need them.
_CONTROLS = (
    "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f"
)
_UNSAFE = re.compile(f"[\\x00-\\x1f{_CONTROLS}]")
_UNSAFE_IN_JSON = re.compile(f"[{_CONTROLS}]")
PIPED_WIDTH = 160  # characters of a table's line in a file or a pipe, which have no edge

# No emoji: an address may hold ":100:".
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
if not out.is_terminal:
    out.width = PIPED_WIDTH

ProjectPath = Annotated[Path, typer.Argument(metavar="PROJECT", help="Folder of the project.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def printable(text: str) -> str:
    r"""``text`` with each character that must not reach a terminal written as ``\n``, ``\x1b``."""
    return _UNSAFE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def complain(text: str) -> None:
    """One sentence on standard error."""
    err.print(printable(f"Error: {text}"), markup=False)


def complain_at_length(text: str) -> None:
    """Lines that are no sentence, such as a traceback, on standard error."""
    for line in text.splitlines():
        err.print(printable(line), markup=False)


def note(text: str) -> None:
    """What is worth knowing beside the answer, on standard error."""
    err.print(printable(text), markup=False)


def say(*lines: str) -> None:
    """Lines on standard output. A break within one of them is not ours, and is written out."""
    for line in lines:
        out.print(printable(line), markup=False)


def say_json(value: Any, one_line: bool = False) -> None:
    """``value`` as JSON on standard output; not-a-number becomes null.

    ``one_line``: for a million numbers, which take the encoder seconds when it indents.
    """
    typer.echo(json_text(value, one_line))


def json_text(value: Any, one_line: bool = False) -> str:
    """``value`` as :func:`say_json` prints it."""
    indent = None if one_line else 2
    is_ascii = "utf" not in (sys.stdout.encoding or "").lower()  # what it lacks is escaped
    text = json.dumps(clean(value), indent=indent, default=str, ensure_ascii=is_ascii)
    # All of these stand within strings but the line breaks, which are of the indentation.
    return _UNSAFE_IN_JSON.sub(lambda match: json.dumps(match[0])[1:-1], text)


_PLAIN = {int, str, bool, type(None)}


def say_csv(table: pd.DataFrame) -> None:
    """``table`` as CSV on standard output, its texts printable."""
    typer.echo(csv_text(table, printable), nl=False)


def clean(value: Any) -> Any:
    """Plain Python values: tables become lists of rows, NaN and NA become None."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        plain = set(map(type, value)) <= _PLAIN
        return list(value) if plain else [clean(item) for item in value]
    return value if type(value) in _PLAIN else _clean_table(value)


def _clean_table(value: Any) -> Any:
    """Plain Python values of a table or of what stands in one."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return [clean(row) for row in value.to_dict("records")]
    if hasattr(value, "item"):
        return clean(value.item())
    return None if value is pd.NA or value is pd.NaT else value


def say_table(frame: pd.DataFrame, formats: dict[str, str] | None = None) -> None:
    """A table; ``formats`` gives some columns a format, such as ``".1%"``."""
    import pandas as pd
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = {name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])}
    for name in frame.columns:
        # Numbers stay whole; long addresses are folded, never cut.
        title = printable(str(name))
        table.add_column(title, justify="right" if name in numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        cells = [
            printable(cell(value, (formats or {}).get(str(name), "")))
            for name, value in zip(frame.columns, row, strict=True)
        ]
        table.add_row(*cells)
    out.print(table, markup=False, soft_wrap=False)


def to_the_second(times: pd.Series[str]) -> pd.Series[str]:
    """Times of the store, shorter: date and time in UTC, without the milliseconds."""
    return times.str.slice(0, 19).str.replace("T", " ")


def cell(value: Any, form: str = "") -> str:
    """A value as text; nothing for a missing one."""
    value = clean(value)
    if value is None:
        return ""
    if form:
        return format(value, form)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextlib.contextmanager
def bar_of(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error for that many things; gives what says that one is done."""
    if total == 1 or not err.is_terminal:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda: shown.advance(task)


@contextlib.contextmanager
def bars() -> Iterator[Callable[[JobProgress], None]]:
    """A progress bar on standard error; gives the listener for the verbs of a project."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as shown:
        task = shown.add_task("starting", total=None, note="")

        def listener(job: JobProgress) -> None:
            note = "  ".join(
                f"{number} {name.replace('_', ' ')}" for name, number in job.counts.items()
            )
            shown.update(
                task,
                description=printable(job.message),
                completed=job.done,
                total=job.total,
                note=printable(note),
            )

        yield listener


def run_job(path: Path, as_json: bool, verb: Callable[[Project, Listener], AnyReport]) -> AnyReport:
    """Open the project, run a job in the foreground with a bar, and return its report."""
    from curator.project import Project

    with Project.open(path) as project, bars() as listener:
        report = verb(project, listener)
    if as_json:
        say_json(report.to_dict())
    return report
