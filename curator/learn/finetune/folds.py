"""An out-of-fold prediction for every image by fine-tuning: one network for each fold.

A network that learnt from an image cannot judge its label. Here each image is predicted by a
network that never saw it: trained afresh on the other folds, for a fixed number of epochs. No
epoch is picked by its held-out images, since that would leak them. It costs as much as training
once for each fold.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from curator.errors import InputError
from curator.learn.evaluation.metrics import softmax
from curator.learn.finetune import checkpoint
from curator.learn.finetune.data import Data, Frame, Pixels, batches_of
from curator.learn.finetune.engine import predict
from curator.learn.finetune.history import Row, fingerprint
from curator.learn.finetune.loop import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

_DONE = "held-out.safetensors"


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of N images, each by the network of its own fold."""

    probabilities: NDArray[np.float32]
    """(N, K), rows sum to 1."""
    histories: list[list[Row]]
    """Of each fold, as of :func:`curator.learn.finetune.loop.fit`; empty for an empty fold."""
    notes: list[str]


def fit_folds(
    build: Callable[[int], Classifier],
    pixels: Pixels,
    labels: NDArray[np.int64],
    fold_of: NDArray[np.int64],
    frame: Frame,
    classes: int,
    settings: EngineSettings,
    device: str = "cpu",
    *,
    flip: bool = False,
    folder: Path | None = None,
    identity: str = "",
    on_fold: Callable[[int, int], None] = lambda _fold, _of: None,
    on_epoch: Callable[[int, Row], None] = lambda _fold, _row: None,
    on_batch: Callable[[int, int, float], None] = lambda _done, _total, _loss: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> OutOfFold:
    """Train a network for each fold, and predict the fold's images with it.

    ``build`` gives a fresh network for fold 0..F-1 (with a head that learnt from other folds alone,
    if from any). ``labels`` (N,) 0..K-1; ``fold_of`` (N,) 0..F-1, near-duplicates in one fold.
    ``settings.patience`` and ``settings.keep`` do not apply. ``flip``: average with mirrored
    images. ``folder``: each fold keeps its checkpoints there, and when it is done its predictions,
    so a run that was stopped goes on. ``on_fold`` and ``on_epoch`` get the fold from 1;
    ``on_batch`` counts over all folds. Errors as of :func:`curator.learn.finetune.loop.fit`.
    """
    if len(fold_of) != len(labels) or (len(fold_of) and fold_of.min() < 0):
        raise InputError(
            f"{len(fold_of)} folds for {len(labels)} images do not fit.",
            "Give each image a fold from 0.",
        )
    plain = settings.but(patience=None, keep="last")
    count = int(fold_of.max()) + 1
    every = [
        Data(
            pixels,
            labels,
            np.flatnonzero(fold_of != f),
            np.flatnonzero(fold_of == f),
            frame,
            classes,
        )
        for f in range(count)
    ]
    totals = [
        plain.total_epochs * len(batches_of(data.train, plain.batch_for(device, len(data.train))))
        for data in every
    ]
    logits = np.zeros((len(labels), classes), np.float32)
    histories: list[list[Row]] = []
    notes: list[str] = []
    for fold, data in enumerate(every):
        before = sum(totals[:fold])
        histories.append([])
        if not len(data.valid):
            continue
        on_fold(fold + 1, count)
        network = build(fold)
        place = folder / f"fold-{fold + 1}" if folder else None
        name = fingerprint(network, data, plain, device, f"{identity}|{flip}")
        kept = _kept(place, name, notes)
        if kept is None:
            fitted = fit(
                network,
                data,
                plain,
                device,
                folder=place,
                identity=identity,
                on_epoch=lambda row, fold=fold: on_epoch(fold + 1, row),  # type: ignore[misc]
                on_batch=lambda done, _total, loss, before=before: on_batch(  # type: ignore[misc]
                    before + done, sum(totals), loss
                ),
                cancelled=cancelled,
            )
            said = predict(network, pixels, frame, data.valid, device, flip=flip)
            kept = checkpoint.Checkpoint(name, fitted.history, {"logits": torch.from_numpy(said)})
            notes += [f"Fold {fold + 1}: {note}" for note in fitted.notes]
            _keep(place, kept)
        else:
            for row in kept.history:
                on_epoch(fold + 1, row)
            on_batch(before + totals[fold], sum(totals), kept.history[-1]["train_loss"] or 0.0)
        logits[data.valid] = kept.network["logits"].numpy()
        histories[-1] = kept.history
    return OutOfFold(softmax(logits).astype(np.float32), histories, notes)


def _kept(place: Path | None, name: str, notes: list[str]) -> checkpoint.Checkpoint | None:
    """What a fold that was finished before says."""
    if place is None:
        return None
    return checkpoint.read_or_set_aside(place / _DONE, name, notes)


def _keep(place: Path | None, done: checkpoint.Checkpoint) -> None:
    """Keep a finished fold's predictions; its weights serve nobody any more."""
    if place is None:
        return
    checkpoint.write(place / _DONE, done)
    checkpoint.forget_best_but(place, 0)
    with contextlib.suppress(OSError):
        (place / checkpoint.LAST).unlink(missing_ok=True)
