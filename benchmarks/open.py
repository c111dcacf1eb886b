"""From the command to a project on the screen: what a user waits for when the program starts.

    python benchmarks/open.py [--few 1000] [--many 200000] [--repeats 5]

Each round starts `curator dashboard PROJECT` and opens its address in a new Chromium with an empty
profile. Seconds from the start of the command until: the terminal says its first word ("spoke"); it
tells the address ("address"); the page has painted its header ("paint"); Review, asked for at once,
shows decoded pictures ("usable"). And from the reload of that window, whose browser then has the
scripts, to the header ("reload"). "Cold" rounds begin with the system's file caches emptied, which
needs root on Linux; elsewhere they are left out, and the output says so.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sides
from playwright.sync_api import sync_playwright

sys.path.append(str(sides.ROOT))

from tests.browser.conftest import CHROMIUM, QUIET
from tests.large import large_projects

GOAL_PAINT = 2.0  # seconds, warm
DROP = Path("/proc/sys/vm/drop_caches")


def can_drop() -> bool:
    """Whether the system's file caches can be emptied."""
    return os.access(DROP, os.W_OK)


def opened(project: Path, cold: bool) -> sides.Figures:
    """Start the dashboard on ``project`` and open it; seconds since the start."""
    if cold:
        os.sync()
        DROP.write_text("3")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "curator", "dashboard", "--no-browser", "--port", "0", project],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "CURATOR_STATE": place, "CURATOR_HOME": place},
        )
        assert process.stdout is not None
        found: sides.Figures = {}
        try:
            address = None
            for line in process.stdout:
                found.setdefault("spoke", time.perf_counter() - began)
                if address := re.search(r"http://\S+", line):
                    break
            if address is None:
                raise SystemExit("the dashboard did not start")
            found["address"] = time.perf_counter() - began
            page.goto(address[0])
            page.wait_for_selector(".cu-header")
            found["paint"] = time.perf_counter() - began
            page.wait_for_selector("[data-station=review]")
            page.click("[data-station=review]")
            page.wait_for_function(
                "() => { const all = [...document.querySelectorAll('.cu-tile img')];"
                " return all.length && all.every(i => i.complete && i.naturalWidth); }"
            )
            found["usable"] = time.perf_counter() - began
            page.wait_for_timeout(3000)  # the next kernel is made ready meanwhile
            again = time.perf_counter()
            page.reload()
            page.wait_for_selector(".cu-header")
            found["reload"] = time.perf_counter() - again
            browser.close()
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()
    return found


def main() -> int:
    """Print all figures; 1 when the first paint misses its goal at either size."""
    parser = sides.Options(__doc__, repeats=5)
    parser.size("--few", 1000, 200, "images of the small project")
    parser.size("--many", 200_000, 1000, "images of the large project")
    asked: argparse.Namespace = parser.parse_args()
    results = {}
    kinds = [("warm", False), *([("cold", True)] if can_drop() else [])]
    if not can_drop():
        print("Cold rounds are left out: the file caches cannot be emptied here.")
    with tempfile.TemporaryDirectory() as place:
        paths = large_projects(Path(place), asked.few, asked.many)
        few, many = paths
        for kind, cold in kinds:
            print(f"\n{kind}")
            results[kind] = result = sides.compare(
                [
                    sides.Side(many, functools.partial(opened, paths[many], cold)),
                    sides.Side(few, functools.partial(opened, paths[few], cold)),
                ],
                asked.repeats,
            )
            for figure in ("spoke", "address", "paint", "usable", "reload"):
                result.tell(figure, f"s, {figure}")
    sides.record(asked, **results)
    paint = results["warm"].spread(many, "paint").median
    good = sides.verdict(GOAL_PAINT / paint, 1.0, "first paint: goal of 2 s / this")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
