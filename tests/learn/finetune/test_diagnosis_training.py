"""The diagnosis names what was done wrong: each fault is made by training that way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from curator.errors import TrainingDiverged
from curator.learn.evaluation.baselines import majority_error
from curator.learn.finetune import diagnosis
from curator.learn.finetune.data import ArrayPixels, Data, Frame
from curator.learn.finetune.diagnosis import diagnose
from curator.learn.finetune.loop import fit
from curator.learn.finetune.network import Classifier
from curator.learn.finetune.settings import EngineSettings

pytestmark = pytest.mark.slow

CLASSES = 3
PLAIN = {
    "flip": False,
    "rotate": 0.0,
    "lighting": 0.0,
    "min_scale": 1.0,
    "stretch": 1.0,
    "label_smoothing": 0.0,
    "weight_decay": 0.0,
    "spread": 1.0,
    "batch": 16,
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Use one thread: for pictures this small, more of them only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures(rows):
    """Handwritten digits 0 to 2 as (N, 3, 16, 16) uint8 with their labels, always the same."""
    data = load_digits()
    chosen = np.flatnonzero(data.target < CLASSES)
    chosen = np.random.default_rng(0).permutation(chosen)[:rows]
    small = (data.images[chosen] * 255 / 16).astype(np.uint8)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    return np.repeat(large[:, None], 3, axis=1), data.target[chosen].astype(np.int64)


def network(width=16):
    """A small convolutional network with random weights, always the same."""
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    return Classifier(body, nn.Linear(2 * width * 16, CLASSES))


def trained(rows=400, train=240, rate=3e-3, epochs=6, change=None, clip=1.0):
    """Train on changed digits; give the codes of what the diagnosis finds."""
    images, labels = pictures(rows)
    valid = np.arange(rows) >= train
    if change:
        change(images, labels, valid)
    data = Data(
        ArrayPixels(images),
        labels,
        np.flatnonzero(~valid),
        np.flatnonzero(valid),
        Frame(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        CLASSES,
    )
    given = EngineSettings(
        epochs=epochs, frozen_epochs=0, rate=rate, unfrozen_rate=rate, clip=clip, **PLAIN
    )
    try:
        history = fit(network(), data, given).history
    except TrainingDiverged as error:
        history = error.history
    majority = majority_error(labels, ~valid, valid)
    return [finding.code for finding in diagnose(history, CLASSES, majority, int(valid.sum()))]


def shuffle(_images, labels, _valid):
    """Give every image the label of another."""
    labels[:] = np.random.default_rng(1).permutation(labels)


def spoil_labels(_images, labels, valid):
    """Make two in five of the training labels wrong."""
    random = np.random.default_rng(2)
    wrong = ~valid & (random.random(len(labels)) < 0.4)
    labels[wrong] = (labels[wrong] + random.integers(1, CLASSES, wrong.sum())) % CLASSES


def negative(images, _labels, valid):
    """Prepare the validation images differently: as negatives."""
    images[valid] = 255 - images[valid]


def darken(images, _labels, valid):
    """Prepare the validation images differently: scaled to 0..1 twice."""
    images[valid] = images[valid] // 255


def test_a_good_setting():
    """Twelve epochs at a fitting rate: nothing is found."""
    assert trained(epochs=12) == [diagnosis.WELL]


@pytest.mark.parametrize("rate", [0.3, 3.0, 10.0])
def test_a_rate_too_high(rate):
    """The losses explode, and the rate is named."""
    assert trained(rate=rate, clip=None) == [diagnosis.RATE_TOO_HIGH]


@pytest.mark.parametrize("rate", [1e-6, 1e-5, 5e-5])
def test_a_rate_too_low(rate):
    """Nothing or little is learnt, slowly, and the rate is named."""
    assert trained(rate=rate) == [diagnosis.RATE_TOO_LOW]


@pytest.mark.parametrize("epochs", [1, 2])
def test_too_few_epochs(epochs):
    """Stopped while the losses fall steeply: more epochs are asked for."""
    assert trained(rate=1e-3, epochs=epochs) == [diagnosis.TOO_FEW_EPOCHS]


def test_overfitting():
    """A tiny training set with wrong labels, learnt by heart: the error gets worse."""
    found = trained(rows=260, train=60, epochs=25, rate=3e-3, change=spoil_labels)
    assert found == [diagnosis.OVERFITTING]


def test_uninformative_labels():
    """Shuffled labels: the validation error stays at the majority baseline."""
    found = trained(epochs=15, change=shuffle)
    assert found == [diagnosis.UNINFORMATIVE_LABELS]


@pytest.mark.parametrize("change", [negative, darken])
def test_another_preprocessing(change):
    """Validation images that are prepared differently: the question is asked."""
    assert trained(epochs=8, change=change) == [diagnosis.PREPROCESSING]
