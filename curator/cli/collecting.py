"""Commands of the stations Collect and Check: new, add, import, fetch, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from curator.cli.printing import AsJson, ProjectPath, run_job, say, say_json, say_table
from curator.errors import InputError
from curator.project import Project

SHOWN_REFUSALS = 20


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(new)
    app.command()(add)
    app.command("import")(import_)
    app.command()(fetch)
    app.command()(check)


def new(
    project: ProjectPath,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="A class; give it once for each.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name shown on the page; the folder's if empty.")] = "",
    seed: Annotated[int, typer.Option(help="Fixes the split and the folds.")] = 42,
    as_json: AsJson = False,
) -> None:
    """Make a new project in a new folder."""
    with Project.create(project, classes or [], name, seed) as made:
        if as_json:
            say_json({"project": str(made.path), "classes": made.class_names()})
            return
        named = ", ".join(made.class_names()) or "none yet"
        say(f"Made {made.path} with the classes: {named}.")
        new_class = "" if made.class_names() else " --new-class"
        say(
            f"Next: curator add PROJECT --class NAME{new_class} LIST, "
            "or curator import PROJECT FOLDER"
        )


def add(
    project: ProjectPath,
    class_name: Annotated[str, typer.Option("--class", help="The class of these images.")],
    lists: Annotated[
        list[str],
        typer.Argument(metavar="FILE|-...", help="Text, CSV, TSV, JSON lines or Parquet; - reads"),
    ],
    new_class: Annotated[
        bool, typer.Option("--new-class", help="Make the class, which must not be there yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add lists of image addresses to a class. Nothing is fetched yet."""
    answers = []
    with Project.open(project) as opened:
        if new_class:
            opened.add_class(class_name)
        for item in lists:
            if item == "-":
                # Bytes first: a terminal's encoding must not decide what an address is.
                text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
                added = opened.add(class_name, text, listed_in="standard input")
            else:
                added = opened.add(class_name, Path(item))
            answers.append(
                {
                    "list": item,
                    "class": added.class_name,
                    "new": added.new,
                    "known": added.known,
                    "twice": added.twice,
                    "refused": [
                        {"line": r.line, "text": r.text, "problem": r.problem}
                        for r in added.refused
                    ],
                }
            )
            if not as_json:
                say(f"{item}: {added.sentence}")
                for refused in added.refused[:SHOWN_REFUSALS]:
                    say(f"  line {refused.line}: {refused.problem}: {refused.text[:80]}")
                if len(added.refused) > SHOWN_REFUSALS:
                    say(f"  ... and {len(added.refused) - SHOWN_REFUSALS} more")
    if as_json:
        say_json(answers)


def import_(
    project: ProjectPath,
    folder: Annotated[Path, typer.Argument(help="CLASS/image.jpg or train/CLASS/image.jpg.")],
    labels: Annotated[
        Path | None, typer.Option(help="CSV with name,label (fastai's cleaned.csv).")
    ] = None,
    label_regex: Annotated[
        str | None, typer.Option(help="Its first group, on the file name, is the label.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in images that lie in a folder. They are copied, never changed."""
    result = run_job(
        project,
        "import",
        as_json,
        folder=str(folder),
        labels=None if labels is None else str(labels),
        label_regex=label_regex,
    )
    if not as_json:
        say(result["sentence"])


def fetch(
    project: ProjectPath,
    retry: Annotated[
        str, typer.Option(help="Failed addresses to ask again: passing, all or none.")
    ] = "passing",
    threads: Annotated[int | None, typer.Option(help="Downloads at a time.")] = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Also fetch from this machine and the local network."),
    ] = False,
    ignore_robots: Annotated[
        bool,
        typer.Option("--ignore-robots", help="Also fetch what X-Robots-Tag forbids for training."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Download and verify what is missing; run it again and it fetches only what still is."""
    if retry not in {"passing", "all", "none"}:
        raise InputError(f"--retry {retry!r} is not known.", "Use passing, all or none.")
    settings = {
        "allow_private": allow_private,
        "respect_robots": not ignore_robots,
        **({} if threads is None else {"threads": threads}),
    }
    result = run_job(project, "fetch", as_json, retry=retry, settings=settings)
    if as_json:
        return
    say(result["sentence"])
    if result["failed"]:
        from curator.collect.reasons import Reason

        rows = [
            {"failed": number, "reason": code, "meaning": Reason(code).explanation}
            for code, number in sorted(result["failed"].items(), key=lambda item: -item[1])
        ]
        say_table(pd.DataFrame(rows))


def check(
    project: ProjectPath,
    image: Annotated[
        int | None, typer.Option(help="Trace this image instead of the first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the data before training, and trace one image through all stages."""
    found = run_job(project, "check", as_json=False)
    with Project.open(project) as opened:
        from curator.tracing import trace

        stages = trace(opened, image) if found["images"] or image is not None else []
    if as_json:
        say_json({**found, "trace": stages})
        return
    say_table(pd.DataFrame(found["classes"]))
    for problem in found["problems"]:
        say(f"\n! {problem['problem']}\n  {problem['fix']}")
        if problem["images"]:
            say(f"  images: {', '.join(map(str, problem['images']))}")
    if stages:
        say("\nOne image through every stage:")
        say_table(pd.DataFrame(stages))
    say(f"\n{found['sentence']}")
