"""A run from end to end: history, repeatability, early stop, and losses that are no numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from curator.errors import InputError, NotEnoughData, TrainingDiverged
from curator.learn.finetune.checkpoint import LAST, read
from curator.learn.finetune.data import ArrayPixels, Data, batches_of, order_of_epoch
from curator.learn.finetune.engine import predict
from curator.learn.finetune.history import best_epoch, last_progress
from curator.learn.finetune.loop import fit
from curator.learn.finetune.network import classifier
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import FEATURES, FRAME, SCRATCH, digit_data, small_network

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_a_run_tells_what_happens(data: Data) -> None:
    """One row an epoch with its phase and peak rate; steps count up to the total announced."""
    rows: list[dict[str, Any]] = []
    steps: list[tuple[int, int]] = []
    fitted = fit(
        small_network(),
        data,
        SCRATCH,
        on_epoch=rows.append,
        on_batch=lambda done, total, _loss: steps.append((done, total)),
    )
    assert rows == fitted.history
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["phase"] for row in rows] == ["head", "all", "all"]
    assert list(rows[0]) == [
        "epoch", "phase", "train_loss", "valid_loss", "error_rate", "rate", "seconds",
    ]  # fmt: skip
    assert steps == [(done, 30) for done in range(1, 31)]
    # The head's ten steps peak between two of them.
    assert rows[0]["rate"] == pytest.approx(SCRATCH.rate, rel=0.02)
    assert rows[1]["rate"] == pytest.approx(SCRATCH.upper_rate, rel=0.02)
    assert rows[2]["rate"] < rows[1]["rate"]
    assert rows[2]["valid_loss"] < rows[1]["valid_loss"] < rows[0]["valid_loss"]
    assert (fitted.epoch, fitted.notes, fitted.precision, fitted.batch) == (3, [], "float32", 32)
    assert not fitted.network.training


def test_the_last_row_is_recomputed_from_predictions(data: Data) -> None:
    """Loss and error of the last row are those of the network that is given back."""
    fitted = fit(small_network(), data, SCRATCH)
    logits = torch.from_numpy(predict(fitted.network, data.pixels, FRAME, data.valid, "cpu"))
    labels = torch.from_numpy(data.labels[data.valid])
    loss = float(torch.nn.functional.cross_entropy(logits, labels))
    assert fitted.history[-1]["valid_loss"] == pytest.approx(loss, abs=1e-6)
    assert fitted.history[-1]["error_rate"] == pytest.approx(
        float((logits.argmax(1) != labels).double().mean())
    )


@pytest.mark.slow
def test_equal_seeds_end_alike_and_leave_the_callers_numbers_alone(data: Data) -> None:
    """Weights agree bit by bit; another seed ends elsewhere; torch's generator is untouched."""
    settings = SCRATCH.but(mixup=0.2, balance=True)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = fit(small_network(), data, settings)
    assert torch.equal(torch.rand(3), expected)
    second = fit(small_network(), data, settings)
    other = fit(small_network(), data, settings.but(seed=1))
    assert torch.equal(first.network.head.weight, second.network.head.weight)
    assert not torch.equal(first.network.head.weight, other.network.head.weight)


def test_early_stop_keeps_the_best_epoch() -> None:
    """Labels that mean nothing get no better: the run stops, and its best epoch is the result."""
    data = digit_data(120)
    noise = np.random.default_rng(0).integers(0, 10, 120)
    data = dataclasses.replace(data, labels=noise)
    settings = SCRATCH.but(epochs=12, frozen_epochs=0, patience=2)
    fitted = fit(small_network(), data, settings)
    assert len(fitted.history) < 12
    assert len(fitted.history) - last_progress(fitted.history) == 2
    assert fitted.epoch == best_epoch(fitted.history)
    assert "Stopped after epoch" in fitted.notes[-1]
    logits = predict(fitted.network, data.pixels, FRAME, data.valid, "cpu")
    error = float((logits.argmax(1) != noise[data.valid]).mean())
    assert error == fitted.history[fitted.epoch - 1]["error_rate"]


def test_a_rate_far_too_high_is_named(data: Data, tmp_path: Path) -> None:
    """The error names rate and epoch, what to do, and carries the history; the last epoch stays."""
    # Many layers without normalisation: their weights' product overflows in a few steps.
    layers = [nn.Linear(FEATURES, FEATURES) for _ in range(20)]
    first = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, FEATURES))
    network = classifier(nn.Sequential(first, *layers), FEATURES, 10)
    settings = EngineSettings(unfrozen_rate=10.0, spread=1)
    with pytest.raises(TrainingDiverged, match=r"loss is \w+ in epoch 2.*rate 10\b") as caught:
        fit(network, data, settings, folder=tmp_path)
    assert "unfrozen_rate=1" in caught.value.fix
    assert "epoch 1 is kept" in caught.value.fix
    assert [row["epoch"] for row in caught.value.history] == [1, 2]
    assert caught.value.history[-1]["train_loss"] is None
    kept = read(tmp_path / LAST)
    assert kept is not None
    assert len(kept.history) == 1


def test_without_validation_images_there_is_no_best_epoch(data: Data) -> None:
    """Training goes on, rows say None; asking for the best epoch is refused."""
    alone = dataclasses.replace(data, valid=data.valid[:0])
    fitted = fit(small_network(), alone, SCRATCH.but(epochs=0))
    assert fitted.history[0]["valid_loss"] is None
    assert fitted.history[0]["error_rate"] is None
    for setting in ({"patience": 1}, {"keep": "best"}):
        with pytest.raises(InputError, match="no validation image"):
            fit(small_network(), alone, SCRATCH.but(**setting))


def history(*rows: tuple[float, float]) -> list[dict[str, Any]]:
    """Rows of (error, loss)."""
    return [{"error_rate": error, "valid_loss": loss} for error, loss in rows]


def test_the_best_epoch_and_the_last_progress() -> None:
    """The lowest error wins, then the lowest loss, then the first; either counts as progress."""
    assert best_epoch(history((0.2, 1.0), (0.1, 2.0), (0.1, 1.5), (0.1, 1.5))) == 3
    assert last_progress(history((0.2, 1.0), (0.1, 2.0), (0.3, 0.9), (0.1, 0.9))) == 3
    assert last_progress(history((0.2, 1.0), (0.2, 1.0))) == 1


def test_batches_are_even() -> None:
    """No small rest: 65 rows at 32 are 22, 22 and 21, and every row comes once."""
    batches = batches_of(np.arange(65), 32)
    assert [len(batch) for batch in batches] == [22, 22, 21]
    assert np.concatenate(batches).tolist() == list(range(65))
    assert batches_of(np.arange(0), 32) == []


def test_balanced_epochs_show_rare_classes_as_often() -> None:
    """With 90 of one class and 10 of another, each is half of what is learnt from."""
    labels = np.repeat([0, 1], [90, 10])
    pixels = ArrayPixels(np.zeros((100, 3, 28, 28), np.uint8))
    data = Data(pixels, labels, np.arange(100), np.arange(0), FRAME, 2)
    random = np.random.default_rng(0)
    drawn = np.concatenate([order_of_epoch(random, data, balance=True) for _ in range(50)])
    assert 0.45 < labels[drawn].mean() < 0.55
    assert sorted(order_of_epoch(random, data, balance=False)) == list(range(100))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"labels": np.zeros(3, int)}, InputError, "3 labels for 400"),
        ({"labels": np.full(400, 10)}, InputError, "10 classes"),
        ({"train": np.arange(399, 401)}, InputError, "399 to 400|0 to 400"),
        ({"train": np.arange(100)}, InputError, "both learnt from and held out"),
        ({"train": np.array([200])}, NotEnoughData, "1 images to learn from"),
        ({"frame": dataclasses.replace(FRAME, size=40)}, InputError, "40 px"),
    ],
)
def test_data_that_does_not_fit_is_refused(
    data: Data, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    """Each mistake has its own sentence with the numbers found."""
    with pytest.raises(error, match=words):
        dataclasses.replace(data, **change)


def test_pictures_of_a_wrong_shape_are_refused() -> None:
    """Float pixels or oblong pictures are named before they are trained on."""
    with pytest.raises(InputError, match="float64"):
        ArrayPixels(np.zeros((2, 3, 8, 8)))
    with pytest.raises(InputError, match="no square"):
        ArrayPixels(np.zeros((2, 3, 8, 9), np.uint8))
