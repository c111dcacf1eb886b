"""Commands of the station Review: what to look at, and where the project stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_csv, say_json, say_table
from curator.files import write_atomic
from curator.frames import pd
from curator.project import Project
from curator.spreadsheets import csv_text
from curator.store import schema
from curator.store.vocabulary import STATES

if TYPE_CHECKING:
    from curator.review.status import Status

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
TABLE_CLASSES = 20  # the most whose confusion is shown as a table


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(rank)
    app.command()(queue)
    app.command()(tags)
    app.command()(confusion)
    app.command("most-confused")(most_confused)
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
        say_csv(ranked)
    elif csv is not None:
        write_atomic(Path(csv), csv_text(ranked).encode())
        say(f"{len(ranked)} rows are in {csv}.")
    elif as_json:
        say_json(ranked)
    else:
        say_table(ranked.drop(columns="path"), {"label_score": ".3f"})
        meaning = "out-of-fold probability of the image's own label, low is suspicious."
        say("", f"label_score: {meaning}")


def queue(
    project: ProjectPath,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="Such as duplicates, two-classes, outliers, all.")
    ],
    *,
    label: Annotated[str, typer.Option("--class", metavar="CLASS", help="Only this class.")] = "",
    predicted: Annotated[
        str, typer.Option(metavar="CLASS", help="Only what is predicted to be of this class.")
    ] = "",
    split: Annotated[str, typer.Option(help="Only train, valid or test.")] = "",
    host: Annotated[
        str, typer.Option(help="Only what came from this host; files: from no address.")
    ] = "",
    text: Annotated[str, typer.Option(help="Only with this in an address or path.")] = "",
    issue: Annotated[
        str, typer.Option(help="Only with this quality problem, such as dark or blurry.")
    ] = "",
    finding: Annotated[
        str, typer.Option(help="Only the images of this finding of `curator check --json`.")
    ] = "",
    tag: Annotated[
        str, typer.Option(help="Only images that the pretrained network calls so, in part.")
    ] = "",
    probability: Annotated[float, typer.Option(min=0, max=1, help="Of that name, at least.")] = 0.0,
    concept: Annotated[
        str, typer.Option(metavar="NAME", help="Only what most likely shows this concept.")
    ] = "",
    selection: Annotated[
        str, typer.Option(metavar="NAME", help="Only this selection, as `curator sample` names it.")
    ] = "",
    top: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the images of a review queue in its order."""
    from curator.review.queue.filters import Filters
    from curator.review.queue.kinds import queue_named

    name = queue_named(kind)
    filters = Filters(
        label,
        predicted,
        split,
        host,
        tag,
        probability,
        text,
        issue,
        finding,
        concept=concept,
        selection=selection,
    )
    with Project.open(project) as opened:
        opened_queue = opened.queue(name, filters)
        table = opened_queue.table(top)
    if as_json:
        say_json(table)
    elif table.empty:
        say("No image is in this queue.")
    else:
        table["listed_under"] = [", ".join(names) or None for names in table["listed_under"]]
        columns = QUEUE_COLUMNS if opened_queue.grouped else QUEUE_COLUMNS[1:]
        formats = {"label_score": ".3f", "outlier_score": ".3f"}
        say_table(table[["image_id", *columns]].dropna(axis="columns", how="all"), formats)
        say("", opened_queue.meaning)
        if len(table) < len(opened_queue):
            say(f"The first {len(table)} of {len(opened_queue)} images.")


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
        say("", f"{said} NAME`.")


def confusion(project: ProjectPath, as_json: AsJson = False) -> None:
    """Show the confusion matrix: rows are labels, columns out-of-fold predictions.

    Of more than 20 classes each row is a line that names what the class was taken for.
    """
    with Project.open(project) as opened:
        counts = opened.confusion()
    if as_json:
        matrix = {"labels": list(counts.index), "counts": counts.to_numpy().tolist()}
        say_json(matrix, one_line=True)
    elif len(counts) <= TABLE_CLASSES:
        say_table(counts.reset_index())
    else:
        say(*row_by_row(counts))


def row_by_row(counts: pd.DataFrame) -> list[str]:
    """The matrix (K, K) as a line for each label, only with the predictions that there are."""
    names, values = list(counts.index), counts.to_numpy()
    said: list[list[str]] = [[] for _ in names]
    rows, columns = np.nonzero(values)
    found = values[rows, columns]
    order = np.lexsort((columns, -found, rows))
    for row, column, number in zip(
        rows[order].tolist(), columns[order].tolist(), found[order].tolist(), strict=True
    ):
        if row != column:
            said[row].append(f"{names[column]} ({number})")
    return [
        f"{name}: {right} of {total} right" + (f", taken for {', '.join(others)}" if others else "")
        for name, right, total, others in zip(
            names, values.diagonal().tolist(), values.sum(axis=1).tolist(), said, strict=True
        )
    ]


def most_confused(
    project: ProjectPath,
    min_count: Annotated[int, typer.Option("--min", min=1, help="Smallest count shown.")] = 1,
    as_json: AsJson = False,
) -> None:
    """List the pairs of classes that are confused most."""
    from curator.review.confusion.matrix import most_confused as pairs_of

    with Project.open(project) as opened:
        pairs = pairs_of(opened.confusion(), min_count)
    if as_json:
        say_json(pairs)
    elif pairs.empty:
        say(f"No pair is confused {min_count} times or more.")
    else:
        columns = (pairs["label"], pairs["predicted"], pairs["count"])
        said = [f"{label} taken for {guess}: {n}" for label, guess, n in zip(*columns, strict=True)]
        say(*said)


def status(project: ProjectPath, as_json: AsJson = False) -> None:
    """Say where the project stands and what comes next."""
    from curator.jobs import health
    from curator.store import jobs

    with Project.open(project) as opened:
        silence = health.look(opened)
        found = opened.status()
        job = silence.job if silence else jobs.latest(opened.database)
        waiting = opened.waiting_jobs()
        if job is not None and job.id in {item.id for item in waiting}:
            job = None
    if as_json:
        shown = found.to_dict()
        shown["waiting"] = [
            {"job": item.id, "kind": item.kind, "arguments": item.arguments} for item in waiting
        ]
        if job is not None:
            shown["job"] = {
                "kind": job.kind,
                "state": job.state,
                "message": job.message,
                "error": job.error,
                "silent": silence and silence.sentence,
            }
        say_json(shown)
        return
    say(f"{found.project} in {found.path}")
    if found.damage:
        say(f"Damaged: {found.damage}")
    if found.read_only:
        say(f"Reading mode: {found.read_only}")
    say_table(
        pd.DataFrame(
            [
                {"station": item.station, "state": item.state, "what it means": item.sentence}
                for item in found.stations
            ]
        )
    )
    rows = [{"class": name, "images": number} for name, number in found.classes.items()]
    if rows:
        say_table(pd.DataFrame(rows))
    failed = sum(found.addresses.failed.values())
    say(
        f"addresses and files: {found.addresses.fetched} fetched, "
        f"{found.addresses.pending} pending, {failed} failed"
    )
    numbers = {**found.states, schema.UNLABELLED: found.unlabelled}
    outside = (*schema.LEFT_OUT, schema.UNLABELLED)
    out = [f"{numbers[state]} {STATES[state]}" for state in outside if numbers[state]]
    say(f"decisions: {found.decisions}, images left out: {', '.join(out) or 'none'}")
    if found.run:
        error, judged = found.run.error, found.run.judged_on
        verdict = "no image to judge it on" if error is None else f"error {error:.1%} {judged}"
        why = "chosen by you" if found.run.chosen else "the newest that was asked for"
        say(f"in use, and what `curator export-model` takes: {found.run.title}, {why}: {verdict}")
    if job is not None:
        said = silence.sentence if silence else job.error
        say(f"last job: {job.kind}, {job.state}" + (f": {said}" if said else ""))
    for item in waiting:
        say(
            f"waiting, not asked for by you: {item.sentence}. "
            f"`curator waiting PROJECT --run {item.id}` or `--dismiss {item.id}`"
        )
    say(f"Next: {next_step(found)}")


def next_step(found: Status) -> str:
    """The command that brings the project on."""
    from curator.review.status import NEEDS_YOU, REVIEW

    if found.addresses.pending:
        return "curator fetch PROJECT"
    if not found.images:
        new_class = "" if found.classes else " --new-class"
        return f"curator add PROJECT --class NAME{new_class} LIST"
    if found.run is None:
        return "curator check PROJECT, then curator train PROJECT"
    if found.stale:
        return "curator train PROJECT: there are decisions or images that the run has not seen"
    if found.station(REVIEW).state == NEEDS_YOU:
        return "curator rank PROJECT --top 24, then curator decide"
    return "curator export PROJECT OUT"
