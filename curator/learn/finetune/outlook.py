"""Whether fine-tuning will pay, told before its minutes are spent: by its start, and by a trial.

The network begins as the pretrained body with the instant recipe's head. What that misses of the
held-out images bounds what can be gained and shown; what it misses of the same images mirrored
says whether mirrored views may be learnt from; and a short phase of the real training, undone
afterwards, says which way the error goes. Thresholds: docs/experiments.md, "Fine-tuning". Light to
import: torch comes with what needs it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from curator.learn.finetune.diagnosis import worse_than_chance

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.learn.finetune.data import Data
    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

FEWEST_MISTAKES = 6
"""From so many on a model that makes none of them differs by McNemar's exact test at 5 %."""
TRIAL_IMAGES = 320


@dataclass(frozen=True)
class Start:
    """What the network says of the held-out images before anything of its body is learnt."""

    images: int
    wrong: int
    mirrored_wrong: int
    """Of the same images left to right swapped."""

    @property
    def error(self) -> float:
        """0..1; 1 where there is no held-out image."""
        return self.wrong / self.images if self.images else 1.0

    @property
    def forbids_mirroring(self) -> bool:
        """Whether mirrored images are taken for others more often than chance would do."""
        mirrored = self.mirrored_wrong / self.images if self.images else 1.0
        return worse_than_chance(mirrored, self.error, self.images)

    @property
    def leaves_little(self) -> bool:
        """Whether even a network without a mistake could not be told from this one."""
        return self.images > 0 and self.wrong < FEWEST_MISTAKES

    @property
    def sentence(self) -> str:
        """How many it misses; what follows where they are few."""
        text = f"the instant head misses {self.wrong} of {self.images} validation images"
        return f"{text}, too few for a gain to show" if self.leaves_little else text


def look(network: Classifier, data: Data, device: str) -> Start:
    """Judge the held-out images of ``data``, plain and mirrored. Raises DeviceFull."""
    from curator.learn.finetune.engine import predict

    def wrong(*, mirrored: bool) -> int:
        rows = data.valid
        logits = predict(network, data.pixels, data.frame, rows, device, mirrored=mirrored)
        return int((logits.argmax(axis=1) != data.labels[rows]).sum())

    return Start(len(data.valid), wrong(mirrored=False), wrong(mirrored=True))


def trial(
    network: Classifier,
    data: Data,
    settings: EngineSettings,
    device: str,
    images: int = TRIAL_IMAGES,
    cancelled: Callable[[], bool] = lambda: False,
) -> float:
    """Error 0..1 on the held-out images of ``data`` after all layers learnt from ``images``.

    Those are drawn once from the training images, all of them where there are fewer; the network
    is given back as it came. Raises what :func:`curator.learn.finetune.loop.fit` raises.
    """
    from curator.learn.finetune.loop import fit
    from curator.learn.finetune.network import restoring

    drawn = np.random.default_rng(settings.seed).permutation(data.train)[:images]
    short = settings.but(epochs=1, frozen_epochs=0, patience=None, keep="last")
    with restoring(network):
        fitted = fit(network, replace(data, train=drawn), short, device, cancelled=cancelled)
    error = fitted.history[-1]["error_rate"]
    assert error is not None
    return error


def forecast(start: Start, tried: float | None) -> str:
    """A sentence on whether fine-tuning will pay; empty where no image was held out.

    ``tried``: the error 0..1 after :func:`trial`, if it was made.
    """
    if not start.images:
        return ""
    sentence = start.sentence[0].upper() + start.sentence[1:]
    if start.leaves_little or tried is None:
        return f"{sentence}."
    after = f"{sentence} ({start.error:.1%}); after a short trial the error is {tried:.1%}"
    if tried < start.error:
        return f"{after}: it is likely to pay."
    return f"{after}: it is doubtful whether it pays."
