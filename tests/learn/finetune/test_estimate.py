"""What is said of the cost before a run starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from curator.learn.finetune.estimate import estimate_seconds
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import small_network

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data


def test_it_measures_and_leaves_the_network_alone(data: Data) -> None:
    """Epochs of both kinds cost something, the sum is theirs, and no weight moves."""
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings = EngineSettings(epochs=3, frozen_epochs=2)
    found = estimate_seconds(network, data, settings)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert found.head_epoch > 0
    assert found.full_epoch > 0
    assert found.seconds == pytest.approx(2 * found.head_epoch + 3 * found.full_epoch)
    alone = estimate_seconds(network, data, EngineSettings(frozen_epochs=0))
    assert alone.head_epoch == 0
