"""What is told before a fine-tuning: mistakes of the start, mirrored views, and a trial."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from curator.learn.finetune.data import ArrayPixels
from curator.learn.finetune.loop import fit
from curator.learn.finetune.outlook import Start, forecast, look, trial
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import small_network

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data
    from curator.learn.finetune.network import Classifier


@pytest.fixture(scope="module")
def reader(data: Data) -> Classifier:
    """A network that reads digits, from random weights."""
    settings = EngineSettings(
        epochs=8, frozen_epochs=0, rate=0.1, batch_statistics=True, flip=False, spread=1
    )
    return fit(small_network(), data, settings).network


def test_mirrored_digits_are_noticed(data: Data, reader: Classifier) -> None:
    """A reader of digits takes mirrored ones for others; of symmetric pictures it does not."""
    start = look(reader, data, "cpu")
    assert start.images == len(data.valid)
    assert start.error < 0.3
    assert start.forbids_mirroring
    every = data.pixels.read(np.arange(len(data.pixels)))
    symmetric = np.concatenate([every[..., :16], every[..., 15::-1]], axis=3)
    same = look(reader, dataclasses.replace(data, pixels=ArrayPixels(symmetric)), "cpu")
    assert same.wrong == same.mirrored_wrong
    assert not same.forbids_mirroring


@pytest.mark.parametrize(
    ("start", "tried", "said"),
    [
        (Start(0, 0, 0), None, ""),
        (
            Start(96, 4, 5),
            None,
            "The instant head misses 4 of 96 validation images, too few for a gain to show.",
        ),
        (Start(200, 50, 52), 0.2, "(25.0%); after a short trial the error is 20.0%: it is likely"),
        (Start(200, 50, 52), 0.25, "it is doubtful whether it pays."),
    ],
)
def test_the_outlook_in_a_sentence(start: Start, tried: float | None, said: str) -> None:
    """Few mistakes settle it; else the trial does."""
    assert said in forecast(start, tried)
    assert bool(said) == bool(forecast(start, tried))


def test_a_trial_leaves_no_trace(data: Data) -> None:
    """It learns from so many images, and gives the network back."""
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings = EngineSettings(rate=0.1, batch_statistics=True)
    error = trial(network, data, settings, "cpu", images=64)
    assert 0 < error <= 1
    assert error == trial(network, data, settings, "cpu", images=64)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
