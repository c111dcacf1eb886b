"""The headline figures of README.md and docs/numbers.md, from the benchmarks' last outputs.

    python benchmarks/figures.py [--write]

A benchmark that is run with ``--publish`` leaves its figures, with the machine and the date, in
``results/``. This writes them into the pages, between two marks; without ``--write`` it only says
whether the pages state what the results hold, and a test asks the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"
README = "README.md"
PAGES = (README, "docs/numbers.md")
BEGIN, END = "<!-- figures: benchmarks/figures.py -->", "<!-- end of figures -->"
PEOPLE = ("aggregate", "random1", "worst")
WRONG = "9, 17 and 40 %"


class Row(NamedTuple):
    """A line of the table."""

    results: str
    """Their name, which is the benchmark's."""
    what: str
    ours: str
    beside: str = ""
    is_headline: bool = True
    """Whether README states it, too."""


def rows() -> list[Row]:
    """What the results that are there say."""
    return [
        row
        for name, of in OF.items()
        if (RESULTS / f"{name}.json").exists()
        for row in of({key: value["median"] for key, value in load(name)["figures"].items()})
    ]


def _first_ranking(found: dict[str, float]) -> Iterator[Row]:
    yield Row(
        "first_ranking",
        f"{found['images']:.0f} photographs, from the files to a ranked list",
        f"{found['ours seconds']:.1f} s",
        f"fastai's recipe {found['fastai seconds']:.0f} s",
    )


def _label_errors(found: dict[str, float]) -> Iterator[Row]:
    usual, hindsight = (
        each(found, f"{{0}}, {side}", ".3f") for side in ("cleanlab", "by hindsight")
    )
    yield Row(
        "label_errors",
        f"{WRONG} wrong labels ranked, average precision",
        each(found, "{0}, ours", ".3f"),
        f"cleanlab {usual}; tuned by hindsight {hindsight}",
    )


def _noise(found: dict[str, float]) -> Iterator[Row]:
    for count, when in ((0, "as they came"), (1000, "after 1,000 decisions")):
        tuned, clean = (
            each(found, f"{{0}}, {count}, {side}C by cross-validation", ".1%")
            for side in ("", "CleanLearning, ")
        )
        yield Row(
            "noise",
            f"error on clean pictures after learning people's labels, {WRONG} wrong, {when}",
            each(found, f"{{0}}, {count}, ours", ".1%"),
            f"scikit-learn, tuned: {tuned}; CleanLearning around it: {clean}",
            is_headline=count > 0,
        )
    yield Row(
        "noise",
        "its calibration error there after 1,000 decisions",
        each(found, "{0}, 1000, ours, calibration", ".3f"),
        is_headline=False,
    )


def _finetune(found: dict[str, float]) -> Iterator[Row]:
    images = f"{found['held out']:.0f} of {found['images']:.0f}"
    yield Row(
        "finetune",
        f"error on {images} small pictures of ten classes, fine-tuned on the others",
        f"{found['ours error']:.1%} in {found['ours seconds']:.0f} s; instant {found['start']:.1%}",
        f"fastai's fine_tune {found['fastai error']:.1%} in {found['fastai seconds']:.0f} s",
    )


OF: dict[str, Callable[[dict[str, float]], Iterator[Row]]] = {
    "first_ranking": _first_ranking,
    "label_errors": _label_errors,
    "noise": _noise,
    "finetune": _finetune,
}


def load(name: str) -> dict[str, Any]:
    """A benchmark's results as they were published."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return content


def each(figures: dict[str, float], key: str, form: str) -> str:
    """The figure of each set of people's labels."""
    return ", ".join(format(figures[key.format(name)], form) for name in PEOPLE)


def table(page: str) -> str:
    """The rows of a page as Markdown, with where and when they were measured."""
    lines, machines = [], set()
    for row in rows():
        if page == README and not row.is_headline:
            continue
        about = load(row.results)
        rounds = about["options"]["repeats"]
        by = f"`benchmarks/{row.results}.py --repeats {rounds}`, {about['date']}"
        lines.append(f"| {row.what} | {row.ours} | {row.beside} | {by} |")
        machines.add(_machine(about["machine"]))
    where = " and ".join(sorted(machines))
    head = [f"| what | here | beside it | measured on {where} by |", "|---|---|---|---|"]
    return "\n".join([*head, *lines])


def _machine(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores ({machine['processor']}), no GPU"


def written(page: str, text: str) -> str:
    """The text of a page with the table between its marks. Raises ValueError where they lack."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"It lacks {BEGIN} or {END}.")
    return f"{before}{BEGIN}\n\n{table(page)}\n\n{END}{after}"


def main() -> int:
    """Write or compare; the exit status is 1 where a page states other figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="bring the pages up to date")
    options = parser.parse_args()
    good = True
    for name in PAGES:
        path = Path(__file__).parents[1] / name
        text = path.read_text("utf-8")
        wanted = written(name, text)
        if wanted != text and options.write:
            path.write_text(wanted, "utf-8")
        elif wanted != text:
            print(f"{name} states other figures than benchmarks/results")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
