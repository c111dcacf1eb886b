"""The command `fetch`: what it downloads, with what, and what it says of failures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curator.cli.engines import AddressOption, Engine, EngineOption, cluster_of
from curator.cli.printing import AsJson, ProjectPath, run_job, say, say_json, say_table
from curator.frames import pd
from curator.phrasing import many
from curator.project import Project

SHOWN_NOTES = 20


class Keep(StrEnum):
    """How originals lie that a cluster fetched."""

    FILES = "files"
    SHARDS = "shards"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(fetch)


def fetch(
    project: ProjectPath,
    retry: Annotated[
        str,
        typer.Option(
            help="Failed addresses to ask again: passing, all or none; or only those with these "
            "reasons, separated by commas."
        ),
    ] = "passing",
    *,
    report: Annotated[
        bool, typer.Option("--report", help="Fetch nothing; say what failed, in groups, and why.")
    ] = False,
    threads: Annotated[int | None, typer.Option(help="Downloads at a time.")] = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Also fetch from this machine and the local network."),
    ] = False,
    ignore_robots: Annotated[
        bool,
        typer.Option("--ignore-robots", help="Also fetch what X-Robots-Tag forbids for training."),
    ] = False,
    engine: EngineOption = Engine.HERE,
    address: AddressOption = "",
    place: Annotated[
        str,
        typer.Option(
            help="Folder or address, such as s3://bucket/prefix, that all machines of the cluster "
            "reach."
        ),
    ] = "",
    parcel: Annotated[
        int | None, typer.Option(help="Addresses that one task of the cluster fetches, at most.")
    ] = None,
    keep: Annotated[
        Keep | None,
        typer.Option(help="Originals as files of their own, or in the cluster's shards."),
    ] = None,
    features: Annotated[
        bool, typer.Option("--features", help="The cluster also computes what `check` needs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Download and verify what is missing; run it again and it fetches only what still is."""
    if report:
        say_failures(project, as_json)
        return
    cluster = cluster_of(
        engine,
        {
            "address": address,
            "place": place,
            "parcel": parcel,
            "keep": keep and keep.value,
            "features": features,
        },
    )
    from curator.collect.http.client import FetchSettings

    settings = FetchSettings.model_validate(
        {
            "allow_private": allow_private,
            "respect_robots": not ignore_robots,
            **({} if threads is None else {"threads": threads}),
        }
    )
    fetched = run_job(
        project,
        as_json,
        lambda opened, listener: opened.fetch(
            settings, retry=retry, cluster=cluster, listener=listener
        ),
    )
    if as_json:
        return
    say(fetched.sentence)
    for note in fetched.notes[:SHOWN_NOTES]:
        say(f"  {note}")
    if len(fetched.notes) > SHOWN_NOTES:
        say(f"  ... and {len(fetched.notes) - SHOWN_NOTES} more")
    if fetched.failed:
        from curator.imaging.reasons import Reason

        rows = [
            {"failed": number, "reason": code, "meaning": Reason(code).explanation}
            for code, number in sorted(fetched.failed.items(), key=lambda item: -item[1])
        ]
        say_table(pd.DataFrame(rows))
        say("More: curator fetch PROJECT --report")


def say_failures(path: Path, as_json: bool) -> None:
    """What failed, in groups, each with examples and the command that tries it again."""
    from curator.collect.failures import report

    with Project.open(path) as project:
        groups = report(project)
    if as_json:
        say_json([group.to_dict() for group in groups])
        return
    if not groups:
        say("Nothing has failed.")
    for group in groups:
        say(f"{group.count} {group.title}: {group.explanation}")
        for example in group.examples:
            facts = [f"status {example.http_status}"] if example.http_status else []
            facts += [many(example.attempts, "attempt")] if example.attempts > 1 else []
            facts += [f"{example.seconds:.1f} s"] if example.seconds else []
            note = "; ".join([example.detail, *facts] if example.detail else facts)
            say(f"    {example.address}" + (f" ({note})" if note else ""))
        say(f"  {group.next_step}")
        if group.retry:
            allow = f" --{group.allow.replace('_', '-')}" if group.allow else ""
            say(f"  Again: curator fetch PROJECT --retry {group.retry}{allow}")
