"""An exponential moving average of the weights while they learn.

Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992); the moving form
as in Tan and Le, EfficientNet (2019). In the first steps the average forgets sooner, or a run of a
hundred steps would end with what it began with.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from curator.learn.finetune.network import Classifier


class Averaged:
    """The average of a network's weights; ``decay`` 0: the network itself."""

    def __init__(self, network: Classifier, decay: float) -> None:
        self.network = copy.deepcopy(network) if decay else network
        """It has the averages, and everything else as the network has it."""
        self.steps = 0
        """That the average is of."""
        self._decay = decay

    @torch.no_grad()
    def update(self, network: Classifier) -> None:
        """Take in the weights after a step."""
        if not self._decay:
            return
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        averages: list[torch.Tensor] = [*self.network.parameters()]
        weights: list[torch.Tensor] = [*network.parameters()]
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, value in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(value)
