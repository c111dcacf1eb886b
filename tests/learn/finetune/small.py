"""A network and a data set that train in a second, for the tests and for processes they start."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from curator.learn.finetune.data import ArrayPixels, Data, Frame
from curator.learn.finetune.network import Classifier, classifier
from curator.learn.finetune.settings import EngineSettings

FRAME = Frame(28, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
FEATURES = 32
SCRATCH = EngineSettings(
    epochs=2,
    frozen_epochs=1,
    batch=32,
    unfrozen_rate=1e-2,
    spread=1,
    flip=False,
    batch_statistics=True,
)


def digit_pixels(side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's 1,797 digits: uint8 (N, 3, side, side), side a multiple of 8; labels (N,)."""
    digits = load_digits()
    grey = (digits.images * 255 / 16).astype(np.uint8)
    large = grey.repeat(side // 8, axis=1).repeat(side // 8, axis=2)
    return large[:, None].repeat(3, axis=1), digits.target.astype(np.int64)


def digit_data(count: int = 400, frame: Frame = FRAME) -> Data:
    """``count`` digits in random order, the first fifth held out."""
    pictures, labels = digit_pixels()
    chosen = np.random.default_rng(0).permutation(len(labels))[:count]
    rows = np.arange(count)
    fifth = count // 5
    pixels = ArrayPixels(pictures[chosen])
    return Data(pixels, labels[chosen], rows[fifth:], rows[:fifth], frame, 10)


def small_body(seed: int = 0) -> nn.Module:
    """Three convolutions, with batch normalisation and dropout: (N, 3, S, S) to (N, FEATURES)."""

    def block(inside: int, outside: int) -> nn.Module:
        convolution = nn.Conv2d(inside, outside, 3, 2, 1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            block(3, 16),
            block(16, 32),
            nn.Dropout(0.1),
            block(32, FEATURES),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )


def small_network(seed: int = 0) -> Classifier:
    """``small_body`` with a head for ten classes."""
    return classifier(small_body(seed), FEATURES, 10)
