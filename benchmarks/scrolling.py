"""Looking around in very many images, in Chromium: frames of the grid, the home page, the queues.

    python benchmarks/scrolling.py [--few 1000] [--many 200000] [--repeats 3]

Two drawn projects (tests/large.py), each round of each in a dashboard and a window of its own. In
milliseconds, measured in the page: between two frames while the grid is scrolled, 40 pixels a
frame for 300 frames and then in jumps over all of it ("frame", "tail" the 95th percentile,
"longest"); the longest task of the page's thread meanwhile, in time of the processor by Chromium's
tracing, which adds to it, so that it holds where other programs take the cores, too ("task"); from
the click on the tab Classes to their rows, which were counted when the project opened ("home"); and
from the click that opens the list of all queues until it is drawn with its counts ("queues").
"""

from __future__ import annotations

import argparse
import collections
import functools
import json
import statistics
import sys
import tempfile
from pathlib import Path

import sides
from playwright.sync_api import sync_playwright

sys.path.append(str(sides.ROOT))

from tests.browser.conftest import CHROMIUM, QUIET, running
from tests.large import large_projects

LONGEST = 100.0  # milliseconds of a frame, and until the list of queues is there
FRAMES = """
async ({steps, jumps}) => {
  const main = document.querySelector('.cu-main');
  const times = [];
  let before = await new Promise(requestAnimationFrame);
  const frame = async () => {
    const now = await new Promise(requestAnimationFrame);
    times.push(now - before);
    before = now;
  };
  for (let step = 0; step < steps; step += 1) {
    main.scrollTop += 40;
    await frame();
  }
  for (let jump = 0; jump < jumps; jump += 1) {
    main.scrollTop = ((jump * 7) % jumps) / jumps * main.scrollHeight;
    for (let rest = 0; rest < 15; rest += 1) await frame();
  }
  return times;
}
"""
UNTIL = """
async ([button, wanted]) => {
  const there = () => [...document.querySelectorAll(wanted)].some((one) => one.offsetParent);
  const began = performance.now();
  document.querySelector(button).click();
  while (!there()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}
"""


def looked_around(project: Path, steps: int, jumps: int) -> sides.Figures:
    """Open a project and go through it; milliseconds."""
    with (
        tempfile.TemporaryDirectory() as place,
        running(Path(place), project) as dashboard,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(dashboard.address)
        page.wait_for_function("() => location.hash.endsWith('/data')")
        page.evaluate("() => { location.hash = location.hash.replace(/data.*/, 'data/grid') }")
        page.wait_for_selector(".cu-grid .cu-tile[data-id] img")
        page.wait_for_timeout(1500)
        browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
        times = page.evaluate(FRAMES, {"steps": steps, "jumps": jumps})
        task = longest_task(browser.stop_tracing())
        home = page.evaluate(UNTIL, [".cu-grid-head .cu-data-tab", ".cu-class-open"])
        page.click("[data-station=review]")
        page.wait_for_selector("[data-queue=suspicious] .cu-figure")
        page.wait_for_selector(".cu-review .cu-tile img")
        page.wait_for_timeout(1500)
        queues = page.evaluate(UNTIL, [".cu-more-queues", "[data-queue=trash] .cu-figure"])
        browser.close()
    return {
        "frame": statistics.median(times),
        "tail": statistics.quantiles(times, n=20)[-1],
        "longest": max(times),
        "task": task,
        "home": home,
        "queues": queues,
    }


def longest_task(trace: bytes) -> float:
    """Milliseconds of the processor in the thread that runs the page's scripts."""
    events = json.loads(trace)["traceEvents"]
    threads = collections.Counter(
        (event["pid"], event["tid"]) for event in events if event["name"] == "FunctionCall"
    )
    ((thread, _),) = threads.most_common(1)
    return max(
        event.get("tdur", 0) / 1000
        for event in events
        if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) == thread
    )


def main() -> int:
    """Print all figures; 1 when a frame of the large project, or its list of queues, takes long."""
    parser = sides.Options(__doc__, repeats=3)
    parser.size("--few", 1000, 200, "images of the small project")
    parser.size("--many", 200_000, 1000, "images of the large project")
    parser.size("--steps", 300, 30, "frames of steady scrolling")
    parser.size("--jumps", 20, 4, "jumps over the whole grid, 15 frames each")
    asked: argparse.Namespace = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        paths = large_projects(Path(place), asked.few, asked.many)
        few, many = paths
        result = sides.compare(
            [
                sides.Side(
                    name, functools.partial(looked_around, paths[name], asked.steps, asked.jumps)
                )
                for name in (many, few)
            ],
            asked.repeats,
        )
    for figure in ("frame", "tail", "longest", "task", "home", "queues"):
        result.tell(figure, f"ms, {figure}")
    sides.record(asked, scrolling=result)
    good = True
    for figure in ("longest", "queues"):
        worst = max(result.values(many, figure))
        good &= sides.verdict(LONGEST / worst, 1.0, f"{figure} at {many}: 100 ms / the worst round")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
