"""A training process for test_resume to kill: trains in the folder it is given."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from curator.learn.finetune.loop import Fitted, fit
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import digit_data, small_network

# The kill must fall into both phases and between them; the seed is not the default one.
SETTINGS = EngineSettings(
    epochs=3,
    frozen_epochs=2,
    batch=32,
    unfrozen_rate=1e-2,
    batch_statistics=True,
    seed=7,
    keep="best",
)


def train(folder: Path | None, settings: EngineSettings = SETTINGS, **listeners: object) -> Fitted:
    """The run that is killed and resumed, from a network that is always the same."""
    torch.set_num_threads(1)
    return fit(small_network(), digit_data(), settings, folder=folder, **listeners)


if __name__ == "__main__":
    train(
        Path(sys.argv[1]),
        on_batch=lambda done, _total, _loss: print(done, flush=True),  # noqa: T201  it is read
    )
