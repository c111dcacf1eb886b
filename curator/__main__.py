"""Where the `curator` command begins, and ``python -m curator``: it speaks, then loads the rest.

The package's own ``__init__`` has taken the current folder off the path by now.
"""

import sys

HELP = {"-h", "--help"}


def main() -> None:
    """Run the command line. What takes seconds to load says so first."""
    asked = sys.argv[1:]
    if asked[:1] in ([], ["dashboard"]) and not HELP.intersection(asked):
        print("The dashboard starts ...", flush=True)  # noqa: T201  the terminal's first word
    from curator.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
