"""Memory of a fetch does not grow with the list: 10,000 addresses against 1,000.

    python benchmarks/memory.py [--few 1000] [--many 10000]

``curator fetch`` runs in a process of its own, against a server in another (``loopback.py``, JPEG
files of 8 to 10 kB that all differ, 5 % dead). Counted is the resident memory of the command and of
all the processes it starts: the sum of their own peaks (VmHWM), the largest sum while it runs.
The ratio is peak at 10,000 / peak at 1,000: lower is better, 1.0 would be perfectly flat.
Linux only.
"""

from __future__ import annotations

import contextlib
import functools
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sides
from loopback import serving

from curator.project import Project

GOAL = 1.25
TICK = 0.05  # seconds between looks
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def group_peak(group: int) -> int:
    """Sum of the peaks, in bytes, of the living processes of a process group."""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it may end at any moment
            # The name of the program, in brackets, may hold anything, blanks too.
            fields = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
            if int(fields[2]) == group and (found := _PEAK.search((folder / "status").read_text())):
                total += 1024 * int(found[1])
    return total


def measure(count: int) -> sides.Figures:
    """Fetch ``count`` addresses in a new project; give the peak in MiB, and seconds."""
    with tempfile.TemporaryDirectory() as place, serving(count, dead=0.05) as urls:
        folder = Path(place, "project")
        with Project.create(folder, ["a"]) as project:
            project.add("a", "\n".join(urls))
        command = [sys.executable, "-m", "curator", "fetch", str(folder), "--allow-private"]
        began, peak = time.monotonic(), 0
        with subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                peak = max(peak, group_peak(process.pid))
                time.sleep(TICK)
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit(f"curator fetch ended with status {process.returncode}.")
        with Project.open(folder) as project:
            fetched = project.status().addresses.fetched
    if fetched != count - round(count * 0.05):
        raise SystemExit(f"Of {count:,} addresses only {fetched:,} were fetched.")
    return {"peak": peak / 2**20, "seconds": seconds}


def main() -> int:
    """Measure both, print the figures, return the exit status."""
    parser = sides.Options(__doc__)
    parser.size("--few", 1_000, 100, "addresses of the smaller list")
    parser.size("--many", 10_000, 300, "addresses of the larger list")
    options = parser.parse_args()
    few, many = (f"{count:,} addresses" for count in (options.few, options.many))
    result = sides.compare(
        [
            sides.Side(few, functools.partial(measure, options.few)),
            sides.Side(many, functools.partial(measure, options.many)),
        ],
        options.repeats,
    )
    result.tell("peak", "MiB")
    sides.record(options, memory=result)
    ratio = result.ratio(many, "peak")
    return 0 if sides.verdict(ratio, GOAL, f"peak of {many} / of {few}", at_most=True) else 1


if __name__ == "__main__":
    sys.exit(main())
