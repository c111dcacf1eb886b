"""The one-cycle schedule: where it begins, peaks and ends."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from curator.learn.finetune.schedule import OneCycle

# fastai 2.8.12: combined_cos(0.25, 1/25, 1, 1e-5) and combined_cos(0.25, 0.95, 0.85, 0.95) at
# i / 20; its hyper-parameters are float32.
RATES = [
    0.04, 0.13167185, 0.37167185, 0.66832819, 0.90832817, 1.0, 0.9890739, 0.95677317, 0.90450945,
    0.83456698, 0.75000249, 0.65451194, 0.55226866, 0.44774134, 0.3454981, 0.25000747, 0.16544302,
    0.09550054, 0.04323687, 0.01093609,
]  # fmt: skip
MOMENTA = [
    0.95, 0.94045085, 0.91545085, 0.88454915, 0.85954915, 0.85, 0.85109262, 0.85432273, 0.85954915,
    0.86654347, 0.875, 0.88454915, 0.89477358, 0.90522642, 0.91545084, 0.925, 0.93345653,
    0.94045085, 0.94567727, 0.94890738,
]  # fmt: skip


def test_it_is_fastais() -> None:
    """Rates and momenta of a cycle of 20 steps are those that fastai computes."""
    cycle = OneCycle(20)
    assert [cycle.rate(step) for step in range(20)] == pytest.approx(RATES, abs=1e-6)
    assert [cycle.momentum(step) for step in range(20)] == pytest.approx(MOMENTA, abs=1e-6)


def test_it_is_torchs() -> None:
    """Torch's OneCycleLR, whose cycle ends with the last step and not after it, agrees."""
    steps = 101
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    peer = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, steps, pct_start=(1 + 25) / steps, div_factor=25, final_div_factor=4000
    )
    ours = OneCycle(steps - 1, rise=0.25, divide_end=1e5)
    for step in range(steps - 1):
        assert ours.rate(step) == pytest.approx(peer.get_last_lr()[0], abs=1e-9)
        assert ours.momentum(step) == pytest.approx(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        peer.step()


@given(
    steps=st.integers(1, 500),
    rise=st.floats(0, 0.99),
    divide=st.floats(1, 100),
)
def test_it_rises_once_and_falls_once(steps: int, rise: float, divide: float) -> None:
    """Rates stay above 0 and up to the peak; momentum falls while the rate rises."""
    cycle = OneCycle(steps, rise, divide)
    rates = [cycle.rate(step) for step in range(steps)]
    assert all(0 < rate <= 1 + 1e-12 for rate in rates)
    top = rates.index(max(rates))
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(rates[top:]))
    assert all(0.85 - 1e-9 <= cycle.momentum(step) <= 0.95 + 1e-9 for step in range(steps))
