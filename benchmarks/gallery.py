"""What a reviewer waits for, in Chromium: the next page, a decision, the dashboard itself.

    python benchmarks/gallery.py [--few 1000] [--many 200000] [--pages 100] [--decisions 1000]
    python benchmarks/gallery.py --against COMMIT [--repeats 3]    # the page turn of both alone

Two drawn projects (tests/large.py) are opened in turn in a dashboard of their own. Timed in the
page, from the key's event: until all tiles of the next page of 60 hold their decoded pictures and
two frames were drawn (each page is looked at for 0.4 s); and until a tile shows a decision, which
it does only when the ledger has it.
Memory is that of the kernel (resident, Linux only) and of the page (JavaScript's heap after a
collection, and its number of elements), after the first ten pages and after all of them.
The ratio is the median page at the small size over that at the large one: 1 is constant cost.
Against an older commit, each side is driven by its own commit's functions in this file.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
from playwright.sync_api import Page, sync_playwright

sys.path.append(str(sides.ROOT))  # behind the code of the commit that is measured

from curator.project import Project
from tests.browser.conftest import CHROMIUM, QUIET, running
from tests.large import large_project

GOAL = 1 / 1.5
SLOWER = 0.9  # of an older commit's pages: what differs less is noise
TILES = 60

TIMER = """
() => {
  window.turned = []; window.decided = [];
  const first = () => document.querySelector('.cu-tile')?.getAttribute('aria-posinset');
  const whole = () => {
    const images = [...document.querySelectorAll('.cu-tile')];
    const there = i => i && i.complete && i.naturalWidth;
    return images.length && images.every(t => there(t.querySelector('img')));
  };
  const until = (done, say) => {
    const drawn = () => requestAnimationFrame(() => requestAnimationFrame(say));
    const look = () => done() ? drawn() : setTimeout(look, 2);
    look();
  };
  window.addEventListener('keydown', e => {
    const began = performance.now(), before = first();
    const tile = document.activeElement?.dataset?.id;
    const took = list => () => list.push(performance.now() - began);
    const marked = () => document.querySelector(`[data-id="${tile}"] .cu-mark`);
    if (e.key === 'PageDown') until(() => first() !== before && whole(), took(window.turned));
    else if ('dkx123456789'.includes(e.key)) until(marked, took(window.decided));
  }, true);
}
"""


def spread(values: list[float]) -> str:
    """Median and 95th percentile of milliseconds."""
    tail = statistics.quantiles(values, n=20)[-1]
    return f"median {statistics.median(values):.0f} ms, 95th percentile {tail:.0f} ms"


def sized(page: Page) -> None:
    """Find a window that 60 tiles fill."""
    page.click(".cu-sizes button:text-is('S')")
    for width in (1360, 1560, 1480, 1680, 1800):
        for height in range(600, 1000, 40):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(300)
            if page.locator(".cu-tile").count() == TILES:
                return
    raise SystemExit("no window shows 60 tiles: the layout has changed")


def turn(page: Page, pages: int) -> list[float]:
    """Turn pages by key, a little after the one before is there; give milliseconds."""
    page.evaluate("window.turned = []")
    page.locator(".cu-tile").first.focus()
    for number in range(pages):
        page.keyboard.press("PageDown")
        page.wait_for_function("n => window.turned.length > n", arg=number)
        page.wait_for_timeout(400)  # nobody looks at 60 images for less
    return list(page.evaluate("window.turned"))


def decide(page: Page, count: int, pause: bool) -> list[float]:
    """Decide on images one by one, page after page; give milliseconds until each was shown.

    ``pause``: wait for each, as a person does; else the keys come as fast as the driver types.
    """
    page.evaluate("window.decided = []")
    page.locator(".cu-tile").first.focus()
    done = 0
    while done < count:
        here = min(page.locator(".cu-tile.cu-is-new").count(), count - done)
        for _ in range(here):
            page.keyboard.press("dkx12"[done % 5])
            done += 1
            if pause:
                page.wait_for_function("n => window.decided.length >= n", arg=done)
        page.wait_for_function("n => window.decided.length >= n", arg=done)
        if done < count:
            before = page.get_attribute(".cu-tile", "aria-posinset")
            page.keyboard.press("PageDown")
            page.wait_for_function(
                "b => document.querySelector('.cu-tile').getAttribute('aria-posinset') !== b",
                arg=before,
            )
    return list(page.evaluate("window.decided"))


def open_queue(page: Page, kind: str) -> None:
    """Choose a queue by the field that pages of all versions have, shown or not."""
    choose = "(field, kind) => { field.value = kind; field.dispatchEvent(new Event('change')) }"
    page.eval_on_selector("select[name=queue]", choose, kind)


def shown_after_reload(page: Page) -> dict[int, str]:
    """Reload, and read off the queue of recent decisions what each image is now."""
    page.reload()
    page.wait_for_selector(".cu-tile img")
    open_queue(page, "recent")
    page.wait_for_selector("text=newest first")
    found: dict[int, str] = {}
    while True:
        page.wait_for_selector(".cu-tile img")
        found |= {
            int(number): state
            for number, state in page.eval_on_selector_all(
                ".cu-tile",
                "all => all.map(t => [t.dataset.id, t.className.match(/cu-is-(\\w+)/)[1]])",
            )
        }
        if page.is_disabled("[aria-label='Next page']"):
            return found
        before = page.get_attribute(".cu-tile", "aria-posinset")
        page.click("[aria-label='Next page']")
        page.wait_for_function(
            "b => document.querySelector('.cu-tile').getAttribute('aria-posinset') !== b",
            arg=before,
        )


def memory(page: Page, parent: int) -> tuple[float, float, int]:
    """Megabytes of the kernel that serves the page, and of the page; and its elements."""
    page.evaluate("window.gc && window.gc()")
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    listed = subprocess.run(
        ["ps", "-eo", "ppid=,rss=,time=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(None, 3) for line in listed]
    kernels = [r for r in rows if int(r[0]) == parent and "widgets.kernel" in r[3]]
    busiest = max(kernels, key=lambda row: row[2])  # the other one stands by
    return int(busiest[1]) / 1e3, heap, page.evaluate("document.querySelectorAll('*').length")


def measure(folder: Path, count: int, work: Callable[[Page, Project, int], Any]) -> Any:
    """Open a project of ``count`` images in a dashboard and do ``work``."""
    began = time.perf_counter()
    with large_project(folder / f"{count} images", count) as project:
        print(f"\n{count:,} images (drawn in {time.perf_counter() - began:.0f} s)")
        with (
            running(folder / f"state {count}", project.path) as dashboard,
            sync_playwright() as driver,
        ):
            flags = [*QUIET, "--js-flags=--expose-gc", "--enable-precise-memory-info"]
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            began = time.perf_counter()
            page.goto(dashboard.address)
            page.wait_for_selector(".cu-header")
            first = time.perf_counter() - began
            page.click("[data-station=review]")
            page.wait_for_selector(".cu-tile img")
            print(f"  opened to first panel {first:.2f} s; to images to review ", end="")
            print(f"{time.perf_counter() - began:.2f} s")
            page.evaluate(TIMER)
            result = work(page, project, dashboard.process.pid)
            browser.close()
    return result


def turned(count: int, pages: int, work: Path) -> sides.Figures:
    """Milliseconds of turning pages of a project of ``count`` images, by the commit's own means."""
    own = importlib.import_module("benchmarks.gallery")

    def turn_some(page: Page, _project: Project, _kernel: int) -> list[float]:
        own.sized(page)
        return list(own.turn(page, pages))

    times = own.measure(work, count, turn_some)
    return {"median": statistics.median(times), "tail": statistics.quantiles(times, n=20)[-1]}


def against(options: argparse.Namespace) -> int:
    """Turn pages of this commit and of an older one; 1 when this one is a tenth slower."""
    results = {}
    with sides.commits(options.against) as roots:
        for count in (options.few, options.many):
            print(f"{count:,} images, next page of {TILES}", flush=True)
            pages = min(options.pages, count // TILES - 1)
            results[f"{count} images"] = result = sides.compare(
                [sides.side(name, turned, count, pages, root=root) for name, root in roots.items()],
                options.repeats,
            )
            result.tell("median", "ms, median page")
            result.tell("tail", "ms, 95th percentile")
    sides.record(options, **results)
    ratio = result.ratio(options.against, "median")
    return 0 if sides.verdict(ratio, SLOWER, "median page of the older commit / of this one") else 1


def main() -> int:
    """Print all figures, and the ratio last."""
    parser = sides.Options(__doc__, against=True)
    parser.size("--few", 1000, 300, "images of the small project")
    parser.size("--many", 200_000, 2000, "images of the large project")
    parser.size("--pages", 100, 3, "pages to turn in the large project")
    parser.size("--decisions", 1000, 20, "decisions by key in the small project")
    asked = parser.parse_args()
    if asked.against:
        return against(asked)

    def small(page: Page, project: Project, _kernel: int) -> list[float]:
        sized(page)
        turned = turn(page, max(1, asked.few // TILES - 1))
        print(f"  next page of {TILES}: {spread(turned)}")
        open_queue(page, "all")
        page.wait_for_selector("text=in the order they came in")
        began = time.perf_counter()
        decide(page, asked.decisions, pause=False)
        print(f"  {asked.decisions} decisions by key in {time.perf_counter() - began:.1f} s")
        page.wait_for_timeout(1500)
        wanted = project.log().drop_duplicates("image_id").set_index("image_id")["state_after"]
        shown = shown_after_reload(page)
        lost = asked.decisions - len(wanted)
        unlike = sum(shown.get(i) != state for i, state in wanted.items())
        print(f"  lost: {lost}; not shown as decided after a reload: {unlike}")
        if lost or unlike:
            raise SystemExit(1)
        return turned

    def large(page: Page, _project: Project, kernel: int) -> list[float]:
        sized(page)
        turned = turn(page, 10)
        before = memory(page, kernel)
        turned += turn(page, asked.pages)
        after = memory(page, kernel)
        print(f"  next page of {TILES}: {spread(turned)}")
        words = ("kernel MB", "page MB", "elements")
        for name, was, now in zip(words, before, after, strict=True):
            print(f"  {name}: {was:,.0f} after 10 pages, {now:,.0f} after {asked.pages + 10}")
        began = time.perf_counter()
        open_queue(page, "top losses")
        page.wait_for_selector("text=Loss:")
        print(f"  another queue opened: {time.perf_counter() - began:.2f} s")
        print(f"  a decision until it is shown: {spread(decide(page, TILES * 2, pause=True))}")
        return turned

    def figures(count: int, work: Callable[[Page, Project, int], list[float]]) -> sides.Figures:
        with tempfile.TemporaryDirectory() as place:
            return {"median": statistics.median(measure(Path(place), count, work))}

    few, many = f"{asked.few:,} images", f"{asked.many:,} images"
    result = sides.compare(
        [
            sides.Side(many, functools.partial(figures, asked.many, large)),
            sides.Side(few, functools.partial(figures, asked.few, small)),
        ],
        asked.repeats,
    )
    result.tell("median", "ms, median page")
    sides.record(asked, gallery=result)
    good = sides.verdict(result.ratio(few, "median"), GOAL, f"median page at {few} / at {many}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
