"""Decisions a second by 1, 2 and 8 reviewers at once on one project, each in a process of its own.

    python benchmarks/reviewers.py [--decisions 300] [--repeats 3] [--server]

Each reviewer decides on images of its own, one after the other without a pause, and each decision
is a transaction that is on the disk when it returns (tests/review/several.py). Told are the
decisions a second of all together, and the milliseconds that one takes: in the middle, of a hundred
the slowest five, and the slowest. No decision may be lost. ``--server``: the same once more with
the project's database in a PostgreSQL server on this machine, with its usual settings.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import sides

sys.path.append(str(sides.ROOT))  # for the tests' project and reviewers

REVIEWERS = (1, 2, 8)
GOAL = 0.9  # of one reviewer's decisions a second: waiting for each other must not cost


def in_server(reviewers: int, decisions: int) -> sides.Figures:
    """:func:`measure` with the database in a server."""
    from curator.store.server import VARIABLE
    from tests.postgresql import running

    with running(durable=True) as address:
        os.environ[VARIABLE] = address
        try:
            return measure(reviewers, decisions)
        finally:
            del os.environ[VARIABLE]


def measure(reviewers: int, decisions: int) -> sides.Figures:
    """Let them decide, each so often."""
    from tests.large import large_project
    from tests.review.several import decided

    with tempfile.TemporaryDirectory() as place:
        with large_project(Path(place, "project"), reviewers * decisions) as project:
            pass
        starts = {f"reviewer {n}": 1 + n * decisions for n in range(reviewers)}
        began = time.perf_counter()
        took = decided(project.path, starts, decisions)
        whole = time.perf_counter() - began
        with project.open(project.path) as again:
            kept = len(again.log())
    if kept != reviewers * decisions:
        sys.exit(f"{kept} of {reviewers * decisions} decisions are in the ledger")
    every = [1000 * seconds for seconds in itertools.chain.from_iterable(took.values())]
    busiest = max(sum(seconds) for seconds in took.values())
    return {
        "a second": kept / busiest,
        "median": statistics.median(every),
        "tail": statistics.quantiles(every, n=20)[-1],
        "slowest": max(every),
        "whole": whole,
    }


def main() -> int:
    """Measure, print the figures, return the exit status."""
    parser = sides.Options(__doc__, repeats=3)
    parser.size("--decisions", 300, 10, "of each reviewer")
    parser.add_argument("--server", action="store_true", help="with PostgreSQL, too")
    options = parser.parse_args()
    ways = {"": measure, **({"server, ": in_server} if options.server else {})}
    found = sides.compare(
        [
            sides.Side(f"{name}{number}", partial(way, number, options.decisions))
            for number in REVIEWERS
            for name, way in ways.items()
        ],
        options.repeats,
    )
    for figure, what in (
        ("a second", "decisions a second, all together"),
        ("median", "ms, one in the middle"),
        ("tail", "ms, 95th percentile"),
        ("slowest", "ms, the slowest"),
    ):
        found.tell(figure, what)
    sides.record(options, reviewers=found)
    share = min(
        found.spread(str(number), "a second").median / found.spread("1", "a second").median
        for number in REVIEWERS
    )
    what = "of one reviewer's decisions a second, by several together"
    return 0 if sides.verdict(share, GOAL, what) else 1


if __name__ == "__main__":
    sys.exit(main())
