"""The command `duplicates`: groups of near-duplicates, and which images of them stay."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table
from curator.errors import InputError
from curator.frames import pd
from curator.phrasing import capitalised, many
from curator.project import Project


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(duplicates)


def duplicates(
    project: ProjectPath,
    *,
    keep: Annotated[
        list[int] | None,
        typer.Option(
            metavar="IMAGE_ID",
            help="Keep this one of its group and delete the others; may be repeated. All of a "
            "group: they are no duplicates.",
        ),
    ] = None,
    keep_best: Annotated[
        bool,
        typer.Option("--keep-best", help="Keep the best of every group whose classes agree."),
    ] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first so many groups.")] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; default: your user name.")] = None,
    as_json: AsJson = False,
) -> None:
    """List near-duplicates group by group, the best first, or say which of them stay."""
    if keep and keep_best:
        raise InputError("Give --keep or --keep-best, not both.")
    with Project.open(project) as opened:
        if keep or keep_best:
            done = opened.keep_duplicates(keep, by) if keep else opened.keep_best_duplicates(by)
            if as_json:
                say_json({"batch": done.batch, "changed": list(done.image_ids), "what": done.what})
            elif done.batch:
                of = f"{many(len(done.image_ids), 'image')} " if done.image_ids else ""
                said = f"{of}{done.what}"
                say(f"{capitalised(said)}. Take it back with `curator undo`.")
            else:
                say("Nothing was left to do.")
            return
        groups = opened.duplicate_groups(0, top)
    if as_json:
        say_json([group.to_dict() for group in groups])
        return
    if not groups:
        say("No image is there twice.")
        return
    rows = [
        {
            "group": group.id,
            "image_id": image.id,
            "class": image.label,
            "size": f"{image.width} x {image.height}",
            "kB": round(image.bytes / 1000),
            "split": image.split or "",
            "source": image.source,
        }
        for group in groups
        for image in group.images
    ]
    say_table(pd.DataFrame(rows))
    say("", "Keep one of a group with `curator duplicates PROJECT --keep IMAGE_ID`.")
