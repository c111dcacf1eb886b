"""Commands of the station Review: what to look at, decisions, and where the project stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json, say_table, to_the_second
from curator.errors import InputError
from curator.files import write_atomic
from curator.project import Project
from curator.store.ledger import Action
from curator.words import many

GROUPED = ("duplicates", "two classes")  # queues whose images stand group by group
QUEUE_COLUMNS = [
    "group_id",
    "label",
    "listed_under",
    "label_score",
    "outlier_score",
    "predicted",
    "split",
    "state",
    "width",
    "height",
    "source",
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(rank)
    app.command()(queue)
    app.command()(tags)
    app.command()(confusion)
    app.command("most-confused")(most_confused)
    app.command()(decide)
    app.command()(undo)
    app.command()(log)
    app.command()(status)


def rank(
    project: ProjectPath,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    csv: Annotated[
        str | None, typer.Option(help="Write CSV to this file, or - for output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the live images, most suspicious first, by the newest run."""
    with Project.open(project) as opened:
        ranked = opened.rank(top)
    if csv == "-":
        ranked.to_csv(sys.stdout, index=False)
    elif csv is not None:
        write_atomic(Path(csv), ranked.to_csv(index=False).encode())
        say(f"{len(ranked)} rows are in {csv}.")
    elif as_json:
        say_json(ranked)
    else:
        say_table(ranked.drop(columns="path"), {"label_score": ".3f"})
        say("\nlabel_score: out-of-fold probability of the image's own label, low is suspicious.")


def queue(
    project: ProjectPath,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="Such as duplicates, two-classes, outliers, all.")
    ],
    label: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only this class.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Only images that the pretrained network calls so, in part.")
    ] = None,
    probability: Annotated[float, typer.Option(min=0, max=1, help="Of that name, at least.")] = 0.0,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the images of a review queue in its order."""
    from curator.check.conflicts import listed_under
    from curator.review.queues import QUEUES, open_queue
    from curator.store.classes import find_class

    name = kind.replace("-", " ").lower()
    with Project.open(project) as opened:
        with opened.database.read() as connection:
            wanted = find_class(connection, label).name if label else None
            several = listed_under(connection) if name == "two classes" else {}
        rows = open_queue(opened, name, wanted, tag=tag, tag_probability=probability)
    table = rows if top is None else rows.head(top)
    if several:
        under = [", ".join(several.get(image_id, [])) for image_id in table["image_id"]]
        table = table.assign(listed_under=under)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No image is in this queue.")
    else:
        columns = QUEUE_COLUMNS if name in GROUPED else QUEUE_COLUMNS[1:]
        shown = ["image_id", *(column for column in columns if column in table)]
        formats = {"label_score": ".3f", "outlier_score": ".3f"}
        say_table(table[shown].dropna(axis="columns", how="all"), formats)
        say(f"\n{QUEUES[name].meaning}")
        if len(table) < len(rows):
            say(f"The first {len(table)} of {len(rows)} images.")


def tags(
    project: ProjectPath,
    label: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only this class.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count what the pretrained network calls the images: rare names are worth a look."""
    from curator.store.classes import find_class
    from curator.store.tags import tag_counts

    with Project.open(project) as opened, opened.database.read() as connection:
        wanted = find_class(connection, label).name if label else None
        table = tag_counts(connection, wanted)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No image has a name yet: run `curator check` first.")
    else:
        say_table(table, {"probability": ".0%"})
        said = "probability: mean of these images. See them with `curator queue PROJECT all --tag"
        say(f"\n{said} NAME`.")


def confusion(project: ProjectPath, as_json: AsJson = False) -> None:
    """Show the confusion matrix: rows are labels, columns out-of-fold predictions."""
    with Project.open(project) as opened:
        counts = opened.confusion()
    if as_json:
        say_json({"labels": list(counts.index), "counts": counts.to_numpy().tolist()})
    else:
        say_table(counts.reset_index())


def most_confused(
    project: ProjectPath,
    min_count: Annotated[int, typer.Option("--min", min=1, help="Smallest count shown.")] = 1,
    as_json: AsJson = False,
) -> None:
    """List the pairs of classes that are confused most."""
    from curator.review.confusion import most_confused as pairs_of

    with Project.open(project) as opened:
        pairs = pairs_of(opened.confusion(), min_count)
    if as_json:
        say_json(pairs)
    elif pairs.empty:
        say(f"No pair is confused {min_count} times or more.")
    else:
        for row in pairs.itertuples():
            say(f"{row.label} taken for {row.predicted}: {row.count}")


def decide(
    project: ProjectPath,
    image_ids: Annotated[list[int], typer.Argument(metavar="IMAGE_ID...")],
    keep: Annotated[bool, typer.Option("--keep", help="The label is right.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Leave it out; undo brings it back.")
    ] = False,
    relabel: Annotated[str | None, typer.Option(metavar="CLASS", help="The right label.")] = None,
    unsure: Annotated[bool, typer.Option("--unsure", help="Look at it again later.")] = False,
    by: Annotated[str | None, typer.Option(help="Who decides; default: your user name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record a decision on images. All of one call is one step of undo."""
    chosen: list[Action] = []
    if keep:
        chosen.append("keep")
    if delete:
        chosen.append("delete")
    if relabel is not None:
        chosen.append("relabel")
    if unsure:
        chosen.append("unsure")
    if len(chosen) != 1:
        raise InputError("Give exactly one of --keep, --delete, --relabel CLASS, --unsure.")
    with Project.open(project) as opened:
        decided = opened.decide(image_ids, chosen[0], relabel, by)
    if as_json:
        say_json({"batch": decided.batch, "changed": list(decided.image_ids)})
        return
    asked = len(dict.fromkeys(image_ids))
    same = asked - len(decided.image_ids)
    say(
        f"{chosen[0]}: {many(len(decided.image_ids), 'image')} changed"
        + (f", {same} {'was' if same == 1 else 'were'} so already" if same else "")
        + "."
    )


def undo(
    project: ProjectPath,
    steps: Annotated[int, typer.Option(min=1, help="How many acts to take back.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Take back the last decisions, newest first."""
    with Project.open(project) as opened:
        undone = opened.undo(steps)
    if as_json:
        say_json([{"batch": item.batch, "images": list(item.image_ids)} for item in undone])
        return
    for item in undone:
        say(f"Took back a decision on images {', '.join(map(str, item.image_ids))}.")


def log(
    project: ProjectPath,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the newest so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the ledger of decisions, newest first."""
    with Project.open(project) as opened:
        table = opened.log(limit)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No decision was taken yet.")
    else:
        table["at"] = to_the_second(table["at"])
        columns = ["decision", "at", "by", "image_id", "action", "label_before", "label_after"]
        say_table(table[[*columns, "score", "run_id"]].astype({"run_id": "Int64"}))


def status(project: ProjectPath, as_json: AsJson = False) -> None:
    """Say where the project stands and what comes next."""
    from curator.store import jobs

    with Project.open(project) as opened:
        found = opened.status()
        job = jobs.latest(opened.database)
    if job is not None:
        found["job"] = {"kind": job.kind, "state": job.state, "message": job.message}
    if as_json:
        say_json(found)
        return
    say(f"{found['project']} in {found['path']}")
    rows = [{"class": name, "images": number} for name, number in found["classes"].items()]
    if rows:
        say_table(pd.DataFrame(rows))
    failed = sum(found["addresses"]["failed"].values())
    say(
        f"addresses and files: {found['addresses']['fetched']} fetched, "
        f"{found['addresses']['pending']} pending, {failed} failed"
    )
    say(f"decisions: {found['decisions']}, deleted images: {found['states'].get('deleted', 0)}")
    if found["run"]:
        rate = found["run"]["out_of_fold"]
        say(
            f"newest run: {found['run']['run']}, error {rate['error']:.1%} out-of-fold, "
            f"{found['left']} flagged images left to review"
        )
    if job is not None:
        say(f"last job: {job.kind}, {job.state}" + (f": {job.error}" if job.error else ""))
    say(f"Next: {next_step(found)}")


def next_step(found: dict[str, object]) -> str:
    """The command that brings the project on."""
    addresses = found["addresses"]
    assert isinstance(addresses, dict)
    if addresses["pending"]:
        return "curator fetch PROJECT"
    if not found["images"]:
        new_class = "" if found["classes"] else " --new-class"
        return f"curator add PROJECT --class NAME{new_class} LIST"
    if found["run"] is None:
        return "curator check PROJECT, then curator train PROJECT"
    if found["stale"]:
        return "curator train PROJECT: there are decisions or images that the run has not seen"
    if found["left"]:
        return "curator rank PROJECT --top 24, then curator decide"
    return "curator export PROJECT OUT"
