"""The command `backbones`: which networks there are, and which serves a project's images best."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from curator.cli.printing import AsJson, run_job, say, say_json, say_table
from curator.frames import pd


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(backbones)


def backbones(
    project: Annotated[
        Path | None,
        typer.Option(
            "--try",
            metavar="PROJECT",
            help="Compare those on this machine on that project's images, and recommend one.",
        ),
    ] = None,
    images: Annotated[int, typer.Option(help="How many images to try on.")] = 500,
    as_json: AsJson = False,
) -> None:
    """List the backbones with their features, input size, download and licence."""
    if project is not None:
        _try(project, images, as_json)
        return
    from curator.encode import weights
    from curator.encode.backbones import REGISTRY, TIMM_PREFIX, describe, words_network

    rows = []
    for backbone in (*map(describe, REGISTRY), words_network()):
        source = backbone.source
        rows.append(
            {
                "backbone": backbone.name,
                "features": backbone.dimension,
                "pixels": backbone.size,
                "download_mb": round(source.size / weights.MEGABYTE, 1) if source else 0.0,
                "licence": backbone.licence,
                "on_disk": source is None or weights.on_disk(source),
            }
        )
    if as_json:
        say_json(rows)
        return
    table = pd.DataFrame(rows)
    table["on_disk"] = table["on_disk"].map({True: "yes", False: "no"})
    say_table(table, {"download_mb": ".1f"})
    say(
        "",
        f"Use one with `curator train PROJECT --backbone NAME`. Any pretrained model of timm:"
        f" {TIMM_PREFIX}NAME. {words_network().name} serves `curator find` alone. Weights are"
        f" downloaded once, into {weights.weights_folder()}.",
    )


def _try(project: Path, images: int, as_json: bool) -> None:
    found = run_job(
        project,
        as_json,
        lambda opened, listener: opened.try_backbones(images=images, listener=listener),
    )
    if as_json:
        return
    table = pd.DataFrame([asdict(one) for one in found.tried])
    say_table(table, {"error": ".1%", "low": ".1%", "high": ".1%", "images_a_second": ".0f"})
    say("", found.sentence)
