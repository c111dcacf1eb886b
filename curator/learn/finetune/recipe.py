"""The recipe `finetune`: the backbone learns from the project's images.

The network that is exported learns from the training images alone, so its predictions of the fixed
validation images are honest. Its temperature is fitted on all of them, but figures are by one that
the others gave. What it says of training images is in-sample and marked so. With
``out_of_fold`` one more network is trained for each fold, and every image is judged by one that did
not see it. The engine is :mod:`curator.learn.finetune`.

It begins with the instant recipe's head on the same images, which is seconds' work and a better
start than chance: on clear photographs little is left to gain.

A run that was killed or cancelled left its last epoch in ``runs/unfinished``; the same run, asked
for again, goes on from there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from curator.encode.backbones import load_network
from curator.errors import FileError
from curator.learn.evaluation.calibration import calibrated_apart, fit_temperature
from curator.learn.evaluation.metrics import softmax
from curator.learn.finetune.diagnosis import diagnose
from curator.learn.finetune.settings import EngineSettings, FinetuneSettings
from curator.learn.instant import fit as instant
from curator.learn.instant.settings import FitSettings
from curator.learn.recording import MODEL_FILE, Outcome
from curator.trust import plain_file

if TYPE_CHECKING:
    from pathlib import Path

    from curator.encode.backbones import Backbone
    from curator.jobs.progress import Progress
    from curator.learn.finetune.data import Data, Pixels
    from curator.learn.finetune.loop import Fitted
    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.outlook import Start
    from curator.learn.training_set import TrainingSet
    from curator.store.run_json import EpochRow, FindingRow, HistoryRow, Metrics, RunSettings
    from curator.store.workspace import Workspace

UNFINISHED = "unfinished"
Head = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights (K, D) and bias (K,)."""


@dataclass(frozen=True)
class FinetuneRecipe:
    """See :class:`curator.learn.recipes.Recipe`."""

    settings: FinetuneSettings
    name: ClassVar[str] = "finetune"
    settings_type: ClassVar[type[FinetuneSettings]] = FinetuneSettings
    takes_minutes: ClassVar[bool] = True
    backbone_is: ClassVar[str] = "fine-tuned"
    keeps_head: ClassVar[bool] = False

    @property
    def needs_mirrored_features(self) -> bool:
        """Never: it looks at pixels."""
        return False

    def fit(self, workspace: Workspace, progress: Progress, data: TrainingSet) -> Outcome:
        """See :func:`fit`."""
        return fit(workspace, progress, data, self.settings)

    @staticmethod
    def findings(data: TrainingSet, outcome: Outcome, figures: Metrics) -> list[FindingRow]:
        """What the curves say."""
        seen = outcome.in_sample
        wrong = outcome.probabilities.argmax(axis=1) != data.labels
        majority = figures["baselines"]["majority"]
        found = diagnose(
            outcome.history,
            len(data.names),
            1.0 if majority is None else majority,
            figures["valid"]["images"],
            float(wrong[seen].mean()) if seen.any() else None,
            figures["valid"]["error"],
            outcome.settings["start_error"],
        )
        return [
            {"code": item.code, "sentence": item.sentence, "next_step": item.next_step}
            for item in found
        ]

    @staticmethod
    def model(folder: Path, _backbone: Backbone) -> bytes:
        """Backbone and head as one file: what the run kept."""
        return plain_file(folder / MODEL_FILE).read_bytes()


def fit(
    workspace: Workspace, progress: Progress, data: TrainingSet, settings: FinetuneSettings
) -> Outcome:
    """Fine-tune and judge every image.

    Raises what :func:`curator.learn.finetune.loop.fit` raises.
    """
    from curator.learn.finetune.engine import predict
    from curator.learn.finetune.loop import fit as train
    from curator.learn.finetune.outlook import look

    pixels = stored_pixels(workspace, progress, data)
    learning = learning_data(data, pixels)
    choice = data.choice
    place = workspace.runs_folder / UNFINISHED
    trainings = 1 + (settings.folds if settings.out_of_fold else 0)
    progress.begin(f"fine-tuning on {choice.device}, training 1 of {trainings}")
    history: list[HistoryRow] = []

    def on_epoch(row: EpochRow) -> None:
        history.append(row)
        progress.row(row)

    def on_batch(done: int, total: int, _loss: float) -> None:
        progress.total = total
        progress.reach(done)

    starts = instant_heads(workspace, data, settings)
    model = network(data, settings.seed, starts[-1])
    start = look(model, learning, choice.device)
    engine, notes = engine_for(settings, start)
    if start.leaves_little:
        progress.begin(f"{progress.message}; {start.sentence}")
    if not settings.warm:
        starts = [None] * len(starts)
        model = network(data, settings.seed)
    fitted = train(
        model,
        learning,
        engine,
        choice.device,
        folder=place / "model",
        identity=choice.backbone.key,
        on_epoch=on_epoch,
        on_batch=on_batch,
        cancelled=progress.cancelled,
    )
    progress.begin("judging every image")
    every = np.arange(len(data.labels))
    logits = predict(
        fitted.network, pixels, learning.frame, every, choice.device, flip=settings.mirror
    )
    held_out = ~data.learnt_from
    folds = data.folds(settings.folds, workspace.seed)
    temperature = 1.0
    judged = np.full(logits.shape, np.nan, np.float32)
    if held_out.any():
        temperature = fit_temperature(logits[held_out], data.labels[held_out])
        judged[held_out] = calibrated_apart(
            logits[held_out], data.labels[held_out], folds[held_out]
        )
    probabilities = softmax(logits / temperature).astype(np.float32)
    fixed = np.where(held_out[:, None], probabilities, np.float32(np.nan))
    notes, in_sample = [*notes, *fitted.notes], ~held_out
    if settings.out_of_fold:
        probabilities, said = _out_of_fold(
            workspace, progress, data, settings, engine, pixels, starts
        )
        notes += said
        in_sample = np.zeros(len(every), dtype=bool)
    outcome = Outcome(
        recipe=FinetuneRecipe.name,
        settings={
            **cast("RunSettings", settings.model_dump()),
            "flip": engine.flip,
            "batch": fitted.batch,
            "precision": fitted.precision,
            "choice": choice.training(fitted.precision).reason,
            "runtime": "torch",
            "epoch": fitted.epoch,
            "temperature": temperature,
            "start_error": start.error if start.images else None,
            "pace": pace(fitted.history, len(learning.train)),
        },
        history=history,
        probabilities=probabilities,
        in_sample=in_sample,
        fixed=fixed,
        judged=judged,
        files={MODEL_FILE: _weights(fitted, temperature)},
        notes=notes,
    )
    shutil.rmtree(place, ignore_errors=True)
    return outcome


def stored_pixels(workspace: Workspace, progress: Progress, data: TrainingSet) -> Pixels:
    """The images decoded once, at the size that the backbone needs.

    Raises JobCancelled, FileError.
    """
    from curator.learn.finetune.pixels import StoredPixels, ensure_pixels, pixel_cache

    backbone = data.choice.backbone
    cache = pixel_cache(workspace.features, backbone)
    if cache.missing(data.digests):
        progress.begin("decoding the images once", len(data.digests))
        paths = [workspace.original(file) for file in data.table["file"]]
        items = list(zip(data.digests, paths, strict=True))
        failed = ensure_pixels(items, cache, backbone, progress.reach, progress.cancelled)
        if failed:
            # Its features could be read, so the file changed a moment ago.
            raise FileError(
                f"{len(failed)} images could not be read any more: {failed[0][1]}",
                "Train again: what cannot be read is then left out.",
            )
    return StoredPixels(cache, data.digests, backbone)


def learning_data(data: TrainingSet, pixels: Pixels) -> Data:
    """Training rows to learn from, validation rows held out."""
    from curator.learn.finetune.data import Data, Frame

    return Data(
        pixels,
        data.labels,
        np.flatnonzero(data.learnt_from),
        np.flatnonzero(~data.learnt_from),
        Frame.of(data.choice.backbone),
        len(data.trained),
    )


def network(data: TrainingSet, seed: int, start: Head | None = None) -> Classifier:
    """The pretrained backbone with a head: ``start``, or a random one drawn from ``seed``.

    Raises WeightsMissing, WeightsAltered.
    """
    from curator.learn.finetune.network import classifier

    backbone, device = data.choice.backbone, data.choice.device
    return classifier(
        load_network(backbone),
        backbone.dimension,
        len(data.trained),
        start,
        device=device,
        seed=seed,
    )


def instant_heads(
    workspace: Workspace, data: TrainingSet, settings: FinetuneSettings
) -> list[Head | None]:
    """Heads on the features as they come: of each fold's other images, and the exported one."""
    found = instant.fit(
        data.features(workspace),
        data.labels,
        data.folds(settings.folds, workspace.seed),
        data.learnt_from,
        len(data.trained),
        FitSettings(folds=settings.folds, balance=settings.balance),
        trusted=data.trusted,
    )
    return [found.heads.folded(number) for number in range(settings.folds + 1)]


def engine_for(settings: FinetuneSettings, start: Start) -> tuple[EngineSettings, list[str]]:
    """What the engine is to know, and what was decided by the start."""
    engine = settings.engine
    if engine.flip is not None:
        return engine, []
    if not start.forbids_mirroring:
        return engine.but(flip=True), []
    text = (
        f"Without mirrored views: of {start.images} validation images the instant head takes"
        f" {start.mirrored_wrong} for another class when they are mirrored, and"
        f" {start.wrong} as they are."
    )
    return engine.but(flip=False), [text]


def pace(history: list[EpochRow], pictures: int) -> dict[str, float]:
    """Training images a second, validation included, in epochs of the "head" and of "all"."""
    found = {}
    for phase in ("head", "all"):
        seconds = [row["seconds"] for row in history if row["phase"] == phase]
        if seconds and sum(seconds):
            found[phase] = round(pictures * len(seconds) / sum(seconds), 2)
    return found


def _out_of_fold(
    workspace: Workspace,
    progress: Progress,
    data: TrainingSet,
    settings: FinetuneSettings,
    engine: EngineSettings,
    pixels: Pixels,
    starts: list[Head | None],
) -> tuple[NDArray[np.float32], list[str]]:
    from curator.learn.finetune.data import Frame
    from curator.learn.finetune.folds import fit_folds

    trainings = 1 + settings.folds

    def on_fold(fold: int, _of: int) -> None:
        done = progress.done
        progress.begin(f"fine-tuning, training {fold + 1} of {trainings}", progress.total)
        progress.reach(done)

    def on_batch(done: int, total: int, _loss: float) -> None:
        progress.total = total
        progress.reach(done)

    progress.begin(f"fine-tuning, training 2 of {trainings}")
    choice = data.choice
    folds = data.folds(settings.folds, workspace.seed).astype(np.int64)
    found = fit_folds(
        lambda fold: network(data, settings.seed, starts[fold]),
        pixels,
        data.labels,
        folds,
        Frame.of(choice.backbone),
        len(data.trained),
        engine,
        choice.device,
        flip=settings.mirror,
        folder=workspace.runs_folder / UNFINISHED,
        identity=choice.backbone.key,
        on_fold=on_fold,
        on_batch=on_batch,
        cancelled=progress.cancelled,
    )
    logits = np.log(np.maximum(found.probabilities, 1e-12))
    return calibrated_apart(logits, data.labels, folds), found.notes


def _weights(fitted: Fitted, temperature: float) -> bytes:
    """Backbone and head as one file; the head gives calibrated logits."""
    from safetensors.torch import save

    tensors = {
        f"backbone.{name}": tensor for name, tensor in fitted.network.body.state_dict().items()
    }
    head = fitted.network.head
    tensors |= {"head.weight": head.weight / temperature, "head.bias": head.bias / temperature}
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
