"""The `curator` command: thin wrappers around :class:`curator.Project`, one file a station.

Exit status: 0 done, 1 failed, 2 wrong use. Errors are one sentence on standard error, without a
traceback (set CURATOR_DEBUG=1 to see it). What a machine may read is JSON with ``--json``.
"""

from __future__ import annotations

import io
import os
import sys
import traceback

from curator.cli.commands import command
from curator.cli.printing import complain, complain_at_length
from curator.errors import CuratorError

INTERRUPTED = 130  # what Typer makes of Ctrl+C


def main() -> None:
    """Run the command line; every ending is an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter gets its number, instead of the command's end.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    try:
        result = command(*arguments[:1])(arguments, standalone_mode=False, prog_name="curator")
        sys.stdout.flush()
        if result == INTERRUPTED:
            raise KeyboardInterrupt
    except BaseException as error:  # noqa: BLE001  every ending is an exit status
        if pipe_closed(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if os.environ.get("CURATOR_DEBUG") and not isinstance(error, SystemExit):
            complain_at_length(traceback.format_exc())
            return 1
        status, said = explained(error)
        if said:
            complain(said)
        return status
    return result if isinstance(result, int) else 0


def pipe_closed(error: BaseException) -> bool:
    """Whether the reader of our output, such as `head`, has seen enough; Typer and rich exit."""
    exits = isinstance(error, SystemExit)
    return isinstance(error.__context__ if exits else error, BrokenPipeError)


def explained(error: BaseException) -> tuple[int, str]:
    """Exit status of an error, and what to say of it."""
    if isinstance(error, CuratorError):
        return error.exit_status, str(error)
    if isinstance(error, (KeyboardInterrupt, EOFError)) or type(error).__name__ == "Abort":
        return 1, "Interrupted. What was done so far is kept; run it again to go on."
    # Typer may bring its own copy of click, so its exceptions are known by what they offer.
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        return 2, usage(error)
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        said = f"{error.object!r} is not UTF-8 and can be kept nowhere. Write it in other letters."
        return 2, said
    if type(error).__name__ in {"Exit", "SystemExit"}:
        return int(getattr(error, "exit_code", None) or getattr(error, "code", None) or 0), ""
    return 1, (
        f"Something unforeseen went wrong: {type(error).__name__}: {error}. "
        "Nothing that was saved is lost; set CURATOR_DEBUG=1 to see where."
    )


def usage(error: BaseException) -> str:
    """What a usage error says, with where to look."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "curator"
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    said = " ".join(said.split())  # some are several lines
    return f"{said.rstrip('.')}. See `{path} --help`."
