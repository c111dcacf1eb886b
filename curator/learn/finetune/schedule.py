"""How learning rate and momentum run over a phase of training: one cycle. Pure.

Smith (2018), "A disciplined approach to neural network hyper-parameters", with the cosine shape and
the figures that fastai made usual: up from peak / ``divide`` in the first ``rise`` of the steps,
then down to peak / ``divide_end``; momentum goes the other way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HIGH_MOMENTUM, LOW_MOMENTUM = 0.95, 0.85


@dataclass(frozen=True)
class OneCycle:
    """A schedule of ``steps`` steps (1 or more); rates are relative to the peak, 0..1."""

    steps: int
    rise: float = 0.25
    """Share of the steps before the peak, 0..1."""
    divide: float = 25.0
    divide_end: float = 1e5

    def rate(self, step: int) -> float:
        """Share of the peak rate at ``step``, 0 to steps - 1."""
        return self._at(step, 1 / self.divide, 1.0, 1 / self.divide_end)

    def momentum(self, step: int) -> float:
        """Momentum (AdamW's first beta) at ``step``, 0.85 to 0.95."""
        return self._at(step, HIGH_MOMENTUM, LOW_MOMENTUM, HIGH_MOMENTUM)

    def _at(self, step: int, start: float, middle: float, end: float) -> float:
        position = step / self.steps
        if position < self.rise:
            return cosine(start, middle, position / self.rise)
        return cosine(middle, end, (position - self.rise) / (1 - self.rise))


def cosine(start: float, end: float, position: float) -> float:
    """Half a cosine from ``start`` at position 0 to ``end`` at 1."""
    return start + (1 + math.cos(math.pi * (1 - position))) * (end - start) / 2
