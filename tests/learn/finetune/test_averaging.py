"""The moving average of weights, and views that grow."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import torch

from curator.learn.finetune.averaging import Averaged
from curator.learn.finetune.engine import predict
from curator.learn.finetune.loop import fit
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import FRAME, SCRATCH, small_network

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data


def test_it_is_the_formula() -> None:
    """Each weight is the decayed sum; the first steps forget sooner; buffers are the network's."""
    network = small_network()
    averaged = Averaged(network, 0.5)
    expected = network.head.weight.detach().clone()
    for step in range(20):
        with torch.no_grad():
            network.head.weight.add_(torch.randn_like(network.head.weight))
            next(network.body.buffers()).add_(1.0)
        averaged.update(network)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network.head.weight.detach()
    torch.testing.assert_close(averaged.network.head.weight.detach(), expected)
    assert averaged.steps == 20
    for mine, theirs in zip(averaged.network.buffers(), network.buffers(), strict=True):
        assert torch.equal(mine, theirs)


def test_without_decay_it_is_the_network() -> None:
    """Nothing is copied, and nothing costs."""
    network = small_network()
    averaged = Averaged(network, 0.0)
    averaged.update(network)
    assert averaged.network is network


@pytest.mark.slow
def test_the_average_is_what_is_judged_and_given_back(data: Data) -> None:
    """The last row's error is that of the network that the caller has now."""
    settings = SCRATCH.but(weight_average=0.9)
    network = small_network()
    fitted = fit(network, data, settings)
    assert fitted.network is network
    predicted = predict(network, data.pixels, FRAME, data.valid, "cpu").argmax(axis=1)
    wrong = float((predicted != data.labels[data.valid]).mean())
    assert fitted.history[-1]["error_rate"] == wrong
    plain = fit(small_network(), data, SCRATCH)
    assert not torch.equal(plain.network.head.weight, network.head.weight)


def test_views_grow_evenly() -> None:
    """From first_scale in the first epoch to train_scale in the last, whatever the phases."""
    settings = EngineSettings(epochs=3, frozen_epochs=2, first_scale=0.5, train_scale=1.0)
    scales = [settings.scale_in(epoch) for epoch in range(1, 6)]
    steps = [later - earlier for earlier, later in itertools.pairwise(scales)]
    assert (scales[0], scales[-1]) == (0.5, 1.0)
    assert steps == pytest.approx([0.125] * 4)
    assert EngineSettings(train_scale=0.7).scale_in(3) == 0.7
