"""Commands that write the ledger: decisions on images, changes of classes, undo and redo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table, to_the_second
from curator.errors import InputError
from curator.frames import pd
from curator.phrasing import capitalised, many
from curator.project import Project
from curator.store import class_changes, schema
from curator.store.classes import class_sizes
from curator.store.ledger import Decided, current_of
from curator.store.vocabulary import Action

By = Annotated[
    str | None, typer.Option(help="Who does it; default: CURATOR_REVIEWER or your user name.")
]
Steps = Annotated[int, typer.Option(min=1, help="How many acts.")]

SHOWN_IDS = 20
_NEVER = -1  # the id of no decision


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(decide)
    app.command()(undo)
    app.command()(redo)
    app.command()(log)
    app.command()(dismiss)
    app.command()(classes)
    app.command("new-class")(new_class)
    app.command("rename-class")(rename_class)
    app.command("merge-classes")(merge_classes)


def decide(
    project: ProjectPath,
    image_ids: Annotated[list[int], typer.Argument(metavar="IMAGE_ID...")],
    *,
    keep: Annotated[bool, typer.Option("--keep", help="The class is right.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Leave it out; undo brings it back.")
    ] = False,
    relabel: Annotated[str | None, typer.Option(metavar="CLASS", help="The right class.")] = None,
    unsure: Annotated[bool, typer.Option("--unsure", help="Look at it again later.")] = False,
    several: Annotated[
        bool, typer.Option("--several", help="It shows more than one class; left out.")
    ] = False,
    none: Annotated[
        bool, typer.Option("--none", help="It shows none of the classes; left out.")
    ] = False,
    undecided: Annotated[
        bool, typer.Option("--undecided", help="Leave images that someone decided on as they are.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Record a decision on images. All of one call is one step of undo."""
    given: dict[Action, bool] = {
        "keep": keep,
        "delete": delete,
        "relabel": relabel is not None,
        "unsure": unsure,
        "several": several,
        "none": none,
    }
    chosen = [action for action, asked in given.items() if asked]
    if len(chosen) != 1:
        raise InputError(
            "Give exactly one of --keep, --delete, --relabel CLASS, --unsure, --several, --none."
        )
    with Project.open(project) as opened:
        seen = _undecided(opened, image_ids) if undecided else None
        decided = opened.decide(image_ids, chosen[0], relabel, by, seen=seen)
    changed, conflicts = decided.image_ids, decided.conflicts
    if as_json:
        answer = {"changed": list(changed), "conflicts": list(conflicts), "what": decided.what}
        say_json({"batch": decided.batch, **answer})
        return
    same = len(dict.fromkeys(image_ids)) - len(changed) - len(conflicts)
    said = f"{chosen[0]}: {many(len(changed), 'image')} changed"
    if same:
        said += f", {same} {'was' if same == 1 else 'were'} so already"
    if conflicts:
        said += f", decided on before and left as they are: {_ids(conflicts)}"
    say(f"{said}.")


def _undecided(project: Project, image_ids: Sequence[int]) -> dict[int, int | None]:
    """What to say was seen, so that only images in the state ``new`` are decided on."""
    with project.database.read() as connection:
        present = current_of(connection, list(dict.fromkeys(image_ids)))
    return {
        image_id: row.decision_id if row.state == schema.NEW else _NEVER
        for image_id, row in present.items()
    }


def dismiss(
    project: ProjectPath,
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="As `curator check` names it.")],
    image_ids: Annotated[
        list[int] | None, typer.Argument(metavar="[IMAGE_ID...]", help="Only of these images.")
    ] = None,
    *,
    label: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Of a finding of one class.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Let it count again.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say that a finding of the check is no problem. Undo takes it back."""
    with Project.open(project) as opened:
        act = opened.bring_back if back else opened.dismiss
        done = act(finding, image_ids or (), label, by)
    if as_json:
        say_json(_as_dict(done))
    else:
        said = done.what or "nothing was left to do"
        say(f"{capitalised(said)}.")


def undo(project: ProjectPath, steps: Steps = 1, by: By = None, as_json: AsJson = False) -> None:
    """Take back the last acts on images or classes, newest first, to the project's beginning."""
    with Project.open(project) as opened:
        done = opened.undo(steps, by)
    _say_acts("Took back", done, as_json)


def redo(project: ProjectPath, steps: Steps = 1, by: By = None, as_json: AsJson = False) -> None:
    """Do again what was undone last, as long as nothing new was done since."""
    with Project.open(project) as opened:
        done = opened.redo(steps, by)
    _say_acts("Did again", done, as_json)


def log(
    project: ProjectPath,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the newest so many.")] = None,
    of_classes: Annotated[
        bool, typer.Option("--classes", help="The changes of classes instead.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the ledger, newest first: decisions on images, or the changes of classes."""
    with Project.open(project) as opened:
        table = class_changes.log(opened.database, limit) if of_classes else opened.log(limit)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No class was changed yet." if of_classes else "No decision was taken yet.")
    elif of_classes:
        table["at"] = to_the_second(table["at"])
        columns = ["act", "at", "by", "action", "name_before", "name_after", "merged_into"]
        say_table(table[columns])
    else:
        table["at"] = to_the_second(table["at"])
        columns = ["decision", "at", "by", "image_id", "action", "label_before", "label_after"]
        say_table(table[[*columns, "score", "run_id"]].astype({"run_id": "Int64"}))


def classes(project: ProjectPath, as_json: AsJson = False) -> None:
    """List the classes with their images; deleted ones and those of no one class do not count."""
    with Project.open(project) as opened, opened.database.read() as connection:
        found = class_sizes(connection)
    rows = [{"class": size.name, "images": size.images} for size in found]
    if as_json:
        say_json(rows)
    elif not rows:
        say("There is no class yet: make one with `curator new-class PROJECT CLASS`.")
    else:
        say_table(pd.DataFrame(rows))


def new_class(
    project: ProjectPath,
    name: Annotated[str, typer.Argument(metavar="CLASS")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make a class; undo takes it back while it is empty."""
    with Project.open(project) as opened:
        _say_change(opened.new_class(name, by), as_json)


def rename_class(
    project: ProjectPath,
    old: Annotated[str, typer.Argument(metavar="CLASS")],
    new: Annotated[str, typer.Argument(metavar="NAME")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Give a class another name. Undo takes it back."""
    with Project.open(project) as opened:
        _say_change(opened.rename_class(old, new, by), as_json)


def merge_classes(
    project: ProjectPath,
    name: Annotated[str, typer.Argument(metavar="CLASS")],
    into: Annotated[str, typer.Argument(metavar="INTO")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make all images of one class images of another; also those still to come. Undo helps."""
    with Project.open(project) as opened:
        _say_change(opened.merge_classes(name, into, by), as_json)


def _say_change(decided: Decided, as_json: bool) -> None:
    if as_json:
        say_json(_as_dict(decided))
        return
    moved = f": {many(len(decided.image_ids), 'image')} moved" if decided.image_ids else ""
    said = decided.what or "the class has that name already, nothing changed"
    say(f"{said[0].upper()}{said[1:]}{moved}.")


def _say_acts(verb: str, done: Sequence[Decided], as_json: bool) -> None:
    if as_json:
        say_json([_as_dict(item) for item in done])
        return
    for item in done:
        many_ids = "images" if len(item.image_ids) > 1 else "image"
        on = f" ({many_ids} {_ids(item.image_ids)})" if item.image_ids else ""
        say(f"{verb}: {item.what}{on}.")


def _ids(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:SHOWN_IDS]))
    return f"{shown} and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else shown


def _as_dict(item: Decided) -> dict[str, object]:
    return {"batch": item.batch, "images": list(item.image_ids), "what": item.what}
