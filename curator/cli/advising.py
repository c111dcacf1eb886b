"""Commands that say how the review goes: advice, suggest, review-log."""

from __future__ import annotations

from typing import Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table
from curator.frames import pd
from curator.phrasing import many
from curator.project import Project


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(advice)
    app.command()(suggest)
    app.command("review-log")(review_log)


def advice(project: ProjectPath, as_json: AsJson = False) -> None:
    """Say whether to go on reviewing: hits of the last pages, and wrong labels left."""
    with Project.open(project) as opened:
        found = opened.advice()
    if as_json:
        say_json(found.to_dict())
        return
    say(found.sentence)
    say(f"{'Stop' if found.stop else 'Go on'}: {found.why}")


def suggest(
    project: ProjectPath,
    apply: Annotated[
        str | None, typer.Option(metavar="KEY", help="Apply this one, as one step of undo.")
    ] = None,
    leave_out: Annotated[
        list[int] | None, typer.Option(metavar="IMAGE_ID", help="Not this image; may be repeated.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; default: your user name.")] = None,
    as_json: AsJson = False,
) -> None:
    """List fixes that can be made as a batch, or apply one of them."""
    with Project.open(project) as opened:
        if apply is not None:
            decided = opened.apply_suggestion(apply, by, leave_out or ())
            if as_json:
                say_json({"batch": decided.batch, "changed": list(decided.image_ids)})
            else:
                changed = many(len(decided.image_ids), "image")
                say(f"{changed} changed. Take it back with `curator undo`.")
            return
        found = opened.suggestions()
    if as_json:
        say_json([item.to_dict() for item in found])
        return
    if not found:
        say("There is nothing to suggest.")
        return
    for item in found:
        say(f"{item.key}: {item.action}, {many(item.images, 'image')}.", f"  {item.why}")
    say("", "Apply one with `curator suggest PROJECT --apply KEY`; nothing is changed before.")


def review_log(project: ProjectPath, as_json: AsJson = False) -> None:
    """Show how fast each reviewer decided, how much was found, and how well decisions agree."""
    from curator.review.log import review_log as logged

    with Project.open(project) as opened:
        found = logged(opened)
    if as_json:
        say_json(found)
        return
    if found["days"]:
        say_table(pd.DataFrame(found["days"]), {"minutes": ".1f", "per_minute": ".0f"})
        say("", "Only time on pages counts.")
    else:
        say("No page was reviewed yet: open the dashboard with `curator dashboard`.")
    say(found["agreement"]["sentence"])
