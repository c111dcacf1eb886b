"""Training from random weights: one one-cycle epoch of a ResNet-18 on handwritten digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from curator.encode import torchvision_compat
from curator.learn.finetune.data import ArrayPixels, Data, Frame
from curator.learn.finetune.loop import fit
from curator.learn.finetune.network import classifier
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import digit_pixels


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_resnet18_from_scratch_beats_the_baseline() -> None:
    """One epoch on 1,438 digits: at most 4 % of 359 others wrong; the nearest mean: 10 %."""
    torchvision_compat.prepare()
    import torchvision

    pictures, labels = digit_pixels(64)
    order = np.random.default_rng(42).permutation(len(labels))
    valid, train = order[:359], order[359:]
    with torch.random.fork_rng():
        torch.manual_seed(42)
        body = torchvision.models.resnet18()
    body.fc = nn.Identity()
    frame = Frame(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    data = Data(ArrayPixels(pictures), labels, train, valid, frame, 10)
    settings = EngineSettings(
        epochs=1,
        frozen_epochs=0,
        unfrozen_rate=2e-3,
        spread=1,
        batch=16,
        batch_statistics=True,
        label_smoothing=0,
        min_scale=0.9,
        stretch=1.05,
        flip=False,
        rotate=5,
        lighting=0,
    )
    wrong = fit(classifier(body, 512, 10), data, settings).history[-1]["error_rate"]

    # The mean image of each class, the nearest by mean absolute difference (fastbook, chapter 4).
    flat = pictures[:, 0, ::8, ::8].reshape(len(labels), -1).astype(np.float64)
    means = np.stack([flat[train][labels[train] == digit].mean(axis=0) for digit in range(10)])
    distance = np.abs(flat[valid][:, None] - means).mean(axis=2)
    nearest = float((distance.argmin(axis=1) != labels[valid]).mean())
    assert 0.08 < nearest < 0.12
    assert wrong <= 0.04
