"""Commands of the stations Collect and Check: new, add, snippet, import, check."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.engines import AddressOption, Engine, EngineOption, cluster_of
from curator.cli.printing import AsJson, ProjectPath, run_job, say, say_json, say_table
from curator.errors import InputError
from curator.frames import pd
from curator.phrasing import many
from curator.project import Project
from curator.store.class_names import NO_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.collect.adding import Preview
    from curator.collect.imports.preview import ImportPreview

SHOWN_REFUSALS = 20


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(new)
    app.command()(add)
    app.command()(snippet)
    app.command("import")(import_)
    app.command()(check)


def new(
    project: ProjectPath,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help="A class; give it once for each."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name shown on the page; the folder's if empty.")] = "",
    seed: Annotated[int, typer.Option(help="Fixes the split and the folds.")] = 42,
    test_share: Annotated[
        float, typer.Option(help="Share of each class put aside for `evaluate`, such as 0.15.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Make a new project in a new folder."""
    with Project.create(project, classes or [], name, seed, test_share) as made:
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
    lists: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|-...",
            help="Text, CSV, TSV, JSON, JSON lines, Parquet, Markdown or a saved page; "
            "- reads standard input.",
        ),
    ],
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="The class of these images.")
    ] = None,
    new_class: Annotated[
        bool, typer.Option("--new-class", help="Make the class, which must not be there yet.")
    ] = False,
    no_label: Annotated[
        bool, typer.Option("--no-label", help="Nobody knows yet what they show: no class.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be added; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add lists of image addresses to a class: all of them, or none when one cannot be read.

    Nothing is fetched yet.
    """
    class_name = _listed_under(class_name, new_class, no_label)
    if class_name is None:
        raise InputError(
            "It is not said what these images show.",
            "Name their class with --class, or give --no-label.",
        )
    from curator.collect.adding import add as add_lists

    # Bytes: a terminal's encoding must not decide what an address is.
    contents: list[tuple[bytes | Path, str]] = [
        (sys.stdin.buffer.read() if item == "-" else Path(item), "standard input") for item in lists
    ]
    found: Sequence[Preview]
    with Project.open(project) as opened:
        if dry_run:
            found = [opened.preview(class_name, *content, new_class) for content in contents]
        else:
            found = add_lists(opened, class_name, contents, new_class)
    named = list(zip(lists, found, strict=True))
    if as_json:
        say_json([{"list": item, **one.to_dict()} for item, one in named])
        return
    for item, one in named:
        say_list(item, one, dry_run)


def _listed_under(class_name: str | None, new_class: bool, no_label: bool) -> str | None:
    if no_label and (class_name is not None or new_class):
        raise InputError("--no-label and a class exclude each other.", "Leave one of them out.")
    return NO_LABEL if no_label else class_name


def say_list(name: str, found: Preview, dry_run: bool) -> None:
    """What became of a list, or with ``dry_run`` what would."""
    say(f"{name}: {found.sentence}")
    if dry_run:
        if found.hosts:
            say(f"  from {', '.join(f'{host} ({number})' for host, number in found.hosts)}")
        for origin in found.first:
            say(f"  {origin}")
        if found.new > len(found.first):
            say(f"  ... and {found.new - len(found.first)} more")
    for note in found.notes:
        say(f"  {note}")
    for refused in found.refused[:SHOWN_REFUSALS]:
        say(f"  line {refused.line}: {refused.problem}: {refused.text[:80]}")
    if len(found.refused) > SHOWN_REFUSALS:
        say(f"  ... and {len(found.refused) - SHOWN_REFUSALS} more")
    if dry_run:
        say("Nothing was added. Without --dry-run it is.")


def snippet(
    bookmarklet: Annotated[
        bool, typer.Option("--bookmarklet", help="As an address to keep among the bookmarks.")
    ] = False,
) -> None:
    """Print the script that collects image addresses from a page that your browser shows.

    Paste it into the browser's console on a page of search results; copy what it finds into a list.
    """
    from curator.collect.snippet import bookmarklet as one_line
    from curator.collect.snippet import console_snippet

    typer.echo(one_line() if bookmarklet else console_snippet())


def import_(
    project: ProjectPath,
    things: Annotated[
        list[Path],
        typer.Argument(metavar="THING...", help="Folders, zip archives or image files."),
    ],
    *,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="CLASS", help="The class of all; otherwise folders name the classes."
        ),
    ] = None,
    new_class: Annotated[
        bool, typer.Option("--new-class", help="Make the class, which must not be there yet.")
    ] = False,
    labels: Annotated[
        Path | None, typer.Option(help="CSV with name,label (fastai's cleaned.csv), for a folder.")
    ] = None,
    label_regex: Annotated[
        str | None, typer.Option(help="Its first group, on the file name, is the label.")
    ] = None,
    no_label: Annotated[
        bool, typer.Option("--no-label", help="Nobody knows yet what they show: no class.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be taken in; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, however much it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in images on this machine: CLASS/image.jpg or train/CLASS/image.jpg, also in a zip.

    They are copied, never changed. Importing the same again adds nothing, and `curator undo` takes
    an import back as a whole.
    """
    if new_class and class_name is None:
        raise InputError("--new-class makes the class of --class.", "Name it with --class.")
    class_name = _listed_under(class_name, new_class, no_label)
    if dry_run or not yes:
        with Project.open(project) as opened:
            shown = opened.preview_import(
                *things,
                class_name=class_name,
                new_class=new_class,
                labels=labels,
                label_regex=label_regex,
            )
        if dry_run:
            say_import(shown, as_json)
            return
        for warning in shown.warnings:
            typer.echo(f"Warning: {warning}", err=True)
        if shown.warnings and not as_json and sys.stdin.isatty():
            say_import(shown, as_json=False)
            typer.confirm("Take them in?", abort=True)
    imported = run_job(
        project,
        as_json,
        lambda opened, listener: opened.import_files(
            *things,
            class_name=class_name,
            new_class=new_class,
            labels=labels,
            label_regex=label_regex,
            listener=listener,
        ),
    )
    if as_json:
        return
    say(imported.sentence)
    for refused in imported.refusals[:SHOWN_REFUSALS]:
        say(f"  refused: {refused.name}: {refused.problem}")
    if imported.refused > SHOWN_REFUSALS:
        say(f"  ... and {imported.refused - SHOWN_REFUSALS} more")


def say_import(shown: ImportPreview, as_json: bool) -> None:
    """What an import would take in."""
    if as_json:
        say_json(shown.to_dict())
        return
    say_table(
        pd.DataFrame(
            [{"class": c.name, "files": c.files, "new": c.is_new or ""} for c in shown.classes]
        )
    )
    if shown.splits:
        say("Split: " + ", ".join(f"{n} {split}" for split, n in sorted(shown.splits.items())))
    for group in shown.skipped:
        say(f"  skipped {many(group.files, 'file')}: {group.problem} {', '.join(group.examples)}")
    for item in shown.lists:
        of_class = f", of {item.class_name}" if item.class_name else ""
        say(f"  list of addresses{of_class}: {item.path} (curator add)")
    for warning in shown.warnings:
        say(f"! {warning}")
    say(f"{shown.sentence} Nothing was taken in yet.")


def check(
    project: ProjectPath,
    image: Annotated[
        int | None, typer.Option(help="Trace this image instead of the first.")
    ] = None,
    engine: EngineOption = Engine.HERE,
    address: AddressOption = "",
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the data before training, and trace one image through all stages."""
    cluster = cluster_of(engine, {"address": address})
    found = run_job(
        project, False, lambda opened, listener: opened.check(cluster=cluster, listener=listener)
    )
    with Project.open(project) as opened:
        stages = opened.trace(image) if found.images or image is not None else ()
    if as_json:
        say_json({**found.to_dict(), "trace": [stage.to_dict() for stage in stages]})
        return
    say_table(pd.DataFrame([asdict(item) for item in found.classes]))
    for problem in found.problems:
        rule = f" ({problem.rule})" if problem.rule else ""
        say("", f"! {problem.code}: {problem.problem}{rule}", f"  {problem.fix}")
        if problem.images:
            say(f"  images: {', '.join(map(str, problem.images))}")
    for problem in found.dismissed:
        say("", f"- {problem.code}, no problem as you said: {problem.problem}")
    if stages:
        say("", "One image through every stage:")
        say_table(pd.DataFrame([stage.to_dict() for stage in stages]))
    say("", found.sentence)
