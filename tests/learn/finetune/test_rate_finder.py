"""The learning-rate finder: what it suggests, and when it suggests nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from curator.errors import InputError, JobCancelled
from curator.learn.finetune.loop import fit
from curator.learn.finetune.rate_finder import find_rate, suggestions
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import small_network

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data

SETTINGS = EngineSettings(flip=False, spread=1, batch_statistics=True)


@pytest.mark.slow
def test_it_finds_a_rate_that_works_and_changes_nothing(data: Data) -> None:
    """Both suggestions train well, far smaller and far larger rates do not; weights stay."""
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    told: list[tuple[int, int]] = []
    found = find_rate(
        network,
        data,
        SETTINGS,
        frozen=False,
        steps=60,
        on_step=lambda step, of, _rate, _loss: told.append((step, of)),
    )
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert len(found.rates) == len(found.losses) == len(told)
    assert told[-1][1] == 60
    ratios = np.diff(np.log(found.rates))
    assert found.rates[0] == 1e-7
    np.testing.assert_allclose(ratios, np.log(1e8) / 59, rtol=1e-6)
    assert found.minimum is not None
    assert found.steep is not None
    assert 1e-4 < found.minimum < 1
    assert 1e-4 < found.steep < 1
    assert f"{found.minimum:.1e}" in found.sentence

    def error_at(rate: float) -> float:
        settings = SETTINGS.but(epochs=3, frozen_epochs=0, unfrozen_rate=min(rate, 10))
        return fit(small_network(), data, settings).history[-1]["error_rate"]

    good = min(error_at(found.minimum), error_at(found.steep))
    assert good < error_at(found.minimum / 1000) - 0.1


def test_suggestions_of_a_known_curve() -> None:
    """A loss that falls most steeply at 1e-3, is lowest at 1e-2 and explodes after it."""
    rates = np.logspace(-7, 1, 81)
    x = np.log10(rates)
    losses = 2 - 1 / (1 + np.exp(-3 * (x + 3))) + np.exp(6 * (x + 1.4))
    minimum, steep = suggestions(rates.tolist(), losses.tolist(), 81)
    lowest = rates[losses.argmin()]
    assert minimum == pytest.approx(lowest / 10)
    assert steep == pytest.approx(1e-3, rel=0.3)


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    """Rising from the first step, or broken off at once: there is no suggestion."""
    rates = np.logspace(-7, 1, 50).tolist()
    assert suggestions(rates, np.linspace(1, 5, 50).tolist(), 50) == (None, None)
    assert suggestions(rates[:6], [1.0] * 6, 50) == (None, None)


def test_an_explosion_ends_the_search(data: Data) -> None:
    """At four times the lowest loss the search stops, long before the highest rate."""
    found = find_rate(small_network(), data, SETTINGS, frozen=True, highest=1e6, steps=60)
    assert len(found.rates) < 60
    assert found.losses[-1] > 4 * min(found.losses)


def test_it_can_be_cancelled_and_refuses_nonsense(data: Data) -> None:
    """Cancel leaves the network as it was, like an end; ranges that do not rise are named."""
    network = small_network()
    before = network.head.weight.detach().clone()
    asked = iter(range(100))
    with pytest.raises(JobCancelled, match="step 5 of 40"):
        find_rate(network, data, SETTINGS, steps=40, cancelled=lambda: next(asked) >= 5)
    assert torch.equal(network.head.weight, before)
    assert not network.frozen
    with pytest.raises(InputError, match="do not rise"):
        find_rate(network, data, SETTINGS, lowest=1, highest=0.1)
    with pytest.raises(InputError, match="5 steps"):
        find_rate(network, data, SETTINGS, steps=5)
