"""Several reviewers of one project at once, each a process of its own.

    python -m tests.review.several PROJECT NAME FIRST COUNT

decides on COUNT images from FIRST on, one by one, as soon as a line comes on its input; it prints
the seconds that each decision took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from curator.project import Project

ROOT = Path(__file__).parents[2]
ACTIONS = ("keep", "delete", "unsure")


def decided(project: Path, starts: dict[str, int], count: int) -> dict[str, list[float]]:
    """Let each reviewer decide on ``count`` images from its own start on; give their seconds.

    ``starts``: the first image by reviewer. They begin together.
    """
    reviewers = {
        name: subprocess.Popen(
            [sys.executable, "-m", __name__, str(project), name, str(first), str(count)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, first in starts.items()
    }
    for process in reviewers.values():
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in reviewers.values():
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return {name: json.loads(process.communicate()[0]) for name, process in reviewers.items()}


def _review(path: str, name: str, first: str, count: str) -> None:
    with Project.open(path) as project:
        run = project.ranking_run()
        _say("ready")
        sys.stdin.readline()
        seconds = []
        for number in range(int(count)):
            began = time.perf_counter()
            project.decide([int(first) + number], ACTIONS[number % 3], by=name, run_id=run)
            seconds.append(time.perf_counter() - began)
    _say(json.dumps(seconds))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _review(*sys.argv[1:])
