"""Commands of the station Train: train, lr-find, learning-curve."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.engines import AddressOption, Engine, EngineOption, cluster_of
from curator.cli.printing import (
    AsJson,
    ProjectPath,
    run_job,
    say,
    say_table,
)
from curator.errors import InputError
from curator.frames import pd

if TYPE_CHECKING:
    from curator.learn.train import TrainReport
    from curator.store.run_json import Quality

SHOWN_STEPS = 8

Backbone = Annotated[
    str | None,
    typer.Option(help="A name of `curator backbones`, or timm:NAME. Default: the best at hand."),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or mps. Default: the fastest there.")]
# None stands for the recipe's own default, so that the defaults are in one place.


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(train)
    app.command("lr-find")(lr_find)
    app.command("learning-curve")(learning_curve)


def train(
    project: ProjectPath,
    *,
    recipe: Annotated[
        str, typer.Option(help="instant: heads in seconds; finetune: the network learns, minutes.")
    ] = "instant",
    backbone: Backbone = None,
    device: Device = None,
    folds: Annotated[
        int | None, typer.Option(help="Folds of the out-of-fold predictions. Default: 5.")
    ] = None,
    mirror: Annotated[
        bool | None, typer.Option("--mirror", help="Average with the mirrored image's prediction.")
    ] = None,
    tensorboard: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Write the curves there, too.")
    ] = None,
    l2: Annotated[
        float | None,
        typer.Option(help="instant: regularisation. Default: chosen on the folds."),
    ] = None,
    balance: Annotated[
        bool | None, typer.Option("--balance", help="Rare classes count as much as common ones.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="finetune: epochs of all layers. Default: 4.")
    ] = None,
    frozen_epochs: Annotated[
        int | None, typer.Option(help="finetune: epochs of the head alone, before. Default: 0.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="finetune: highest learning rate of the head; `curator lr-find` helps."),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="finetune: images a step.")] = None,
    mixup: Annotated[
        float | None, typer.Option(help="finetune: strength of mixing pairs; 0 is off, as usual.")
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="finetune: 0 to below 1. Default: 0.1.")
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="finetune: 0 to 1. Default: 0.01.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="finetune: stop after so many epochs without gain.")
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="finetune: learn from mirrored views, too. Default: where they do no harm.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="finetune: of all chance. Default: 42.")] = None,
    out_of_fold: Annotated[
        bool | None,
        typer.Option(
            "--out-of-fold",
            help="finetune: train once more for each fold, so that every image is judged by a"
            " network that did not see it. As many times the cost.",
        ),
    ] = None,
    engine: EngineOption = Engine.HERE,
    address: AddressOption = "",
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate",
            help="finetune: say how long it would take, and by a short trial whether it is likely"
            " to pay; train nothing.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a classifier and score every image."""
    given = {
        "folds": folds,
        "mirror": mirror,
        "flip": flip,
        "l2": l2,
        "balance": balance,
        "epochs": epochs,
        "frozen_epochs": frozen_epochs,
        "rate": rate,
        "batch": batch,
        "mixup": mixup,
        "label_smoothing": label_smoothing,
        "weight_decay": weight_decay,
        "patience": patience,
        "seed": seed,
        "out_of_fold": out_of_fold,
    }
    # Only what was asked for: a setting of the other recipe is then told, not ignored.
    given = {name: value for name, value in given.items() if value is not None}
    from curator.learn.finetune.settings import FinetuneSettings
    from curator.learn.recipes import recipe_named

    settings = recipe_named(recipe).settings_type.of(given)
    cluster = cluster_of(engine, {"address": address})
    if estimate:
        if not isinstance(settings, FinetuneSettings):
            raise InputError("Only fine-tuning takes long enough.", "Add --recipe finetune.")
        tuning = settings
        cost = run_job(
            project,
            as_json,
            lambda opened, listener: opened.estimate_cost(
                tuning, backbone=backbone, device=device, listener=listener
            ),
        )
        if not as_json:
            say(cost.sentence)
        return
    trained = run_job(
        project,
        as_json,
        lambda opened, listener: opened.train(
            settings,
            backbone=backbone,
            device=device,
            tensorboard=tensorboard,
            cluster=cluster,
            listener=listener,
        ),
    )
    if not as_json:
        _say_run(trained)


def _say_run(trained: TrainReport) -> None:
    metrics = trained.metrics
    say(f"Running on {trained.choice}", "")
    say("Baselines, error on the validation images:")
    baselines = metrics["baselines"]
    say(f"  majority: {share(baselines['majority'])}")
    say(f"  nearest mean image: {share(baselines['nearest_mean_image'])}")
    history = trained.history
    if history:
        say("", "Training, on the training images:")
        every = max(1, len(history) // SHOWN_STEPS)
        shown = sorted({*range(0, len(history), every), len(history) - 1})
        say_table(pd.DataFrame([history[i] for i in shown]))
    for finding in metrics.get("diagnosis", []):
        say("", f"{finding['sentence']} {finding['next_step']}".rstrip())
    say("", f"By class, {metrics.get('judged_on', 'out-of-fold')}:")
    say_table(
        pd.DataFrame(metrics["per_class"]),
        {"precision": ".1%", "recall": ".1%", "f1": ".1%"},
    )
    say("")
    if metrics["out_of_fold"]["error"] is not None:
        say(f"error, out-of-fold, all images:         {_quality(metrics['out_of_fold'])}")
    say(f"error, validation images, never seen:   {_quality(metrics['valid'])}")
    seconds = metrics["seconds"]
    say(f"{seconds:.1f} s, {metrics['seconds_features']:.1f} s of it for features", "")
    say(trained.sentence)


def lr_find(
    project: ProjectPath,
    backbone: Backbone = None,
    device: Device = None,
    batch: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    as_json: AsJson = False,
) -> None:
    """Raise the learning rate step by step and suggest one for `train --recipe finetune`."""
    from curator.learn.finetune.settings import FinetuneSettings

    found = run_job(
        project,
        as_json,
        lambda opened, listener: opened.find_rate(
            FinetuneSettings(batch=batch), backbone=backbone, device=device, listener=listener
        ),
    )
    if as_json:
        return
    rates, losses = found.rates, found.losses
    every = max(1, len(rates) // 16)
    say("rate      loss, smoothed")
    top = max(min(losses) * 3, losses[0])
    for rate, loss in list(zip(rates, losses, strict=True))[::every]:
        say(f"{rate:8.1e}  {loss:7.3f}  {'#' * round(40 * min(loss, top) / top)}")
    say("", found.sentence)


def learning_curve(
    project: ProjectPath,
    backbone: Backbone = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether more images would help: the error with growing shares of the training images."""
    curve = run_job(
        project,
        as_json,
        lambda opened, listener: opened.learning_curve(
            backbone=backbone, device=device, listener=listener
        ),
    )
    if as_json:
        return
    points = pd.DataFrame([asdict(point) for point in curve.points])
    say_table(points, {"error": ".1%", "low": ".1%", "high": ".1%"})
    say("", curve.sentence)


def share(value: float | None) -> str:
    """A share 0..1 as a percentage."""
    return "-" if value is None else f"{value:.1%}"


def interval(error: float | None, low: float | None, high: float | None, images: int) -> str:
    """An error with its 95 % interval."""
    if error is None:
        return "no images"
    return f"{share(error)} (95 %: {share(low)} to {share(high)}, {images} images)"


def _quality(row: Quality) -> str:
    return interval(row["error"], row["low"], row["high"], row["images"])
