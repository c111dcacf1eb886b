"""The command `backbones`: which networks there are, and which of them are on this machine."""

from __future__ import annotations

import pandas as pd
import typer

from curator.cli.printing import AsJson, say, say_json, say_table


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(backbones)


def backbones(as_json: AsJson = False) -> None:
    """List the backbones with their features, input size, download and licence."""
    from curator.encode import weights
    from curator.encode.backbones import REGISTRY, TIMM_PREFIX, describe

    rows = []
    for name in REGISTRY:
        backbone = describe(name)
        source = backbone.source
        rows.append(
            {
                "backbone": name,
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
        f" {TIMM_PREFIX}NAME. Weights are downloaded once, into {weights.weights_folder()}.",
    )
