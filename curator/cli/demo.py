"""`curator demo`: the whole job on the sample, with a reviewer who knows the truth."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curator.cli.printing import bars, say, say_table
from curator.collect.http.client import FetchSettings
from curator.errors import TargetNotEmpty
from curator.files import refuse_occupied
from curator.frames import pd
from curator.imaging.decoding import decode
from curator.project import Project
from curator.sample.digits import CLASSES, Item, build
from curator.sample.server import Served, serving

PAGE = 24  # images that the reviewer sees at a time
EMPTY_PAGES = 2  # stop after so many pages in a row without a hit
PREDICTED = 12


class Steps:
    """Times of the steps, said as they end."""

    def __init__(self, quiet: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._quiet = quiet

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block under ``name``."""
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 2)
        self.say(f"  {self.seconds[name]:6.2f} s  {name}")

    def say(self, text: str) -> None:
        """A line, unless quiet."""
        if not self._quiet:
            say(text)


def run(folder: Path, quiet: bool = False) -> dict[str, Any]:
    """Run the demo in ``folder``, which must be new or empty; return the report as JSON."""
    home = folder.expanduser().resolve()
    try:
        refuse_occupied(home)
    except TargetNotEmpty as error:
        raise TargetNotEmpty(
            f"{home} already holds files.", "Name a new folder: `curator demo DIR`."
        ) from error
    steps = Steps(quiet)
    steps.say(f"The sample: handwritten {', '.join(CLASSES)}, with planted faults, in {home}")
    items = build()
    with Project.create(home / "project", CLASSES, name="digits") as project:
        with serving(items) as served:
            with steps.step("add"):
                for name in CLASSES:
                    project.add(name, "\n".join(served.addresses(name)), listed_in="sample")
            with steps.step("fetch"), bars() as listener:
                fetched = project.fetch(FetchSettings(allow_private=True), listener=listener)
        with steps.step("check"):
            checked = project.check()
        with steps.step("train"), bars() as listener:
            trained = project.train(listener=listener)
        with steps.step("rank"):
            ranks = _ranks(project, served)
        with steps.step("review"):
            pages = review(project, served)
        with steps.step("retrain"):
            retrained = project.train()
        compared = project.compare()
        with steps.step("export"):
            exported = project.export(home / "curated")
        with steps.step("export model"):
            bundle = project.export_model(home / "model", int8=False)
        with steps.step("predict"):
            predicted = _predict(project, served, Path(bundle.folder))
        report = {
            "planted": dict(Counter(item.fault for item in items if item.fault)),
            "fetched": fetched.to_dict(),
            "problems": {row.code: row.count for row in checked.problems},
            "ranks": ranks,
            "review": pages,
            "first_error": trained.metrics["out_of_fold"],
            "last_error": retrained.metrics["out_of_fold"],
            "comparison": compared.to_dict(),
            "predicted": predicted,
            "seconds": steps.seconds,
            "folder": exported.folder,
            "model": bundle.folder,
            "project": str(project.path),
        }
    if not quiet:
        _say_report(report)
    return report


def review(project: Project, served: Served) -> dict[str, Any]:
    """Decide page after page of the most suspicious images, as a perfect reviewer would.

    Stops after two pages in a row that hold nothing wrong.
    """
    queue = project.queue("suspicious").table()
    hits_per_page: list[int] = []
    found: Counter[str] = Counter()
    for start in range(0, len(queue), PAGE):
        page = queue.iloc[start : start + PAGE]
        hits = 0
        right = []
        for row in page.itertuples():
            item = served.items[str(row.source)]
            image_id = int(row.image_id)  # type: ignore[arg-type]
            if item.truth is None:
                project.decide([image_id], "delete", by="perfect reviewer")
            elif item.truth != row.label:
                project.decide([image_id], "relabel", item.truth, by="perfect reviewer")
            else:
                right.append(image_id)
                continue
            hits += 1
            found[item.fault] += 1
        project.decide(right, "keep", by="perfect reviewer")
        hits_per_page.append(hits)
        if hits_per_page[-EMPTY_PAGES:] == [0] * EMPTY_PAGES:
            break
    return {
        "reviewed": min(len(queue), len(hits_per_page) * PAGE),
        "of": len(queue),
        "hits_per_page": hits_per_page,
        "found": dict(found),
    }


def _ranks(project: Project, served: Served) -> dict[str, list[int]]:
    """Ranks, from 1, at which the ranking holds the images that show something else."""
    ranks: dict[str, list[int]] = {}
    for rank, source in enumerate(project.rank()["source"], start=1):
        item: Item = served.items[source]
        if item.is_bad:
            ranks.setdefault(item.fault, []).append(rank)
    return ranks


def _predict(project: Project, served: Served, model: Path) -> dict[str, int]:
    """Predict some validation images from the exported bundle alone."""
    from curator.deliver.predict import Predictor

    predictor = Predictor.load(model)
    ranked = project.rank()
    ranked = ranked[ranked["split"] == "valid"].sort_values("image_id").head(PREDICTED)
    right = 0
    for row in ranked.itertuples():
        label = predictor.predict(decode(Path(str(row.path))))[0][0]
        right += label == served.items[str(row.source)].truth
    return {"images": len(ranked), "right": right}


def _say_report(report: dict[str, Any]) -> None:
    say("", "Planted, and what became of it")
    found, ranks = report["review"]["found"], report["ranks"]
    rows = []
    for fault, number in report["planted"].items():
        own = ranks.get(fault, [])
        rows.append(
            {
                "fault": fault,
                "planted": number,
                "found in review": found.get(fault, ""),
                "at rank": _in_short(own),
            }
        )
    say_table(pd.DataFrame(rows))
    failed = ", ".join(f"{n} {code}" for code, n in report["fetched"]["failed"].items())
    problems = ", ".join(f"{n} {code}" for code, n in report["problems"].items())
    say(f"fetch: {report['fetched']['images']} images; {failed}")
    say(f"check: {problems}")
    pages = report["review"]
    say(
        f"review: {pages['reviewed']} of {pages['of']} images looked at; hits on pages of {PAGE}: "
        f"{', '.join(map(str, pages['hits_per_page']))}"
    )
    compared = report["comparison"]
    same = f"the same {compared['images']} validation images"
    say("", f"Error on {same} (labels as they are now)")
    for side in ("before", "after"):
        row = compared[side]
        say(f"  {side:6} {row['error']:.1%}  (95 %: {row['low']:.1%} to {row['high']:.1%})")
    say(f"  {compared['sentence']}")
    for name, words in (("first_error", "before"), ("last_error", "after")):
        row = report[name]
        interval = f"95 %: {row['low']:.1%} to {row['high']:.1%}"
        say(f"Out-of-fold, {words}: {row['error']:.1%}  ({interval}, {row['images']} images)")
    right = report["predicted"]
    say(f"Exported model alone: {right['right']} of {right['images']} validation images right")
    say("", f"{sum(report['seconds'].values()):.1f} s in all")
    say(f"data set: {report['folder']}")
    say(f"model:    {report['model']}")
    say(f"look at it: curator dashboard {report['project']}")


def _in_short(ranks: list[int]) -> str:
    if not ranks:
        return ""
    shown = ", ".join(map(str, ranks[:6]))
    return shown if len(ranks) <= 6 else f"{shown} ... {ranks[-1]}"
