"""Commands of the station Train: train, runs."""

from __future__ import annotations

from typing import Annotated, Any

import pandas as pd
import typer

from curator.cli.printing import (
    AsJson,
    ProjectPath,
    run_job,
    say,
    say_json,
    say_table,
    to_the_second,
)
from curator.errors import DataError
from curator.learn.heads import DEFAULT_L2
from curator.project import Project

SHOWN_STEPS = 8


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(train)
    app.command()(runs)


def train(
    project: ProjectPath,
    backbone: Annotated[
        str | None, typer.Option(help="Default: bundled EfficientNet-Lite0; or timm:NAME.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; default: the best.")] = None,
    folds: Annotated[int, typer.Option(help="Folds of the out-of-fold predictions.")] = 5,
    l2: Annotated[float, typer.Option(help="Strength of the regularisation.")] = DEFAULT_L2,
    as_json: AsJson = False,
) -> None:
    """Train the instant head on cached features and score every image out-of-fold."""
    result = run_job(
        project, "train", as_json, backbone=backbone, device=device, folds=folds, l2=l2
    )
    if as_json:
        return
    metrics = result["metrics"]
    say(f"Running on {result['choice']}\n")
    say("Baselines, error on the validation images:")
    for name, value in metrics["baselines"].items():
        say(f"  {name.replace('_', ' ')}: {share(value)}")
    say("\nHead on the training images:")
    history = result["history"]
    shown = sorted({*range(0, len(history), max(1, len(history) // SHOWN_STEPS)), len(history) - 1})
    say_table(pd.DataFrame([history[i] for i in shown]))
    say("\nOut-of-fold, by class:")
    say_table(
        pd.DataFrame(metrics["per_class"]),
        {"precision": ".1%", "recall": ".1%", "f1": ".1%"},
    )
    say(f"\nerror, out-of-fold, all images:         {interval(metrics['out_of_fold'])}")
    say(f"error, validation images, never seen:   {interval(metrics['valid'])}")
    seconds = metrics["seconds"]
    say(f"{seconds:.1f} s, {metrics['seconds_features']:.1f} s of it for features\n")
    say(result["sentence"])


def runs(project: ProjectPath, as_json: AsJson = False) -> None:
    """List all runs, and compare the first with the newest on the same validation images."""
    from curator.review.comparing import compare

    with Project.open(project) as opened:
        table = opened.runs()
        try:
            compared: dict[str, Any] | None = compare(opened)
        except DataError as error:
            compared, problem = None, str(error)
    if as_json:
        say_json({"runs": table, "comparison": compared})
        return
    if table.empty:
        say(problem)
        return
    columns = ["run", "at", "backbone", "images", "out_of_fold_error", "valid_error", "seconds"]
    shares = {"out_of_fold_error": ".1%", "valid_error": ".1%"}
    table["at"] = to_the_second(table["at"])
    say_table(table[columns], shares)
    if compared is None:
        say(problem)
        return
    say_comparison(compared)


def say_comparison(compared: dict[str, Any]) -> None:
    """Before and after, in words."""
    number = compared["images"]
    say(f"\nOn the same {number} validation images, with the labels as they are now:")
    for side in ("before", "after"):
        row = {**compared[side], "images": number}
        say(f"  {side:6} (run {row['run']}): {interval(row)}, {row['wrong']} wrong")
    say(f"{compared['decisions']} decisions in between. {compared['sentence']}")


def share(value: float | None) -> str:
    """A share 0..1 as a percentage."""
    return "-" if value is None else f"{value:.1%}"


def interval(row: dict[str, Any]) -> str:
    """An error with its 95 % interval."""
    if row["error"] is None:
        return "no images"
    return (
        f"{share(row['error'])} (95 %: {share(row['low'])} to {share(row['high'])}, "
        f"{row['images']} images)"
    )
