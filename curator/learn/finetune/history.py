"""What a run's table of epochs says, and which run it is. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from curator.hashing import sha256_of_json
from curator.store.run_json import EpochRow

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data
    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import EngineSettings

Row = EpochRow
"""An epoch, as :func:`curator.learn.finetune.loop.fit` describes it."""


def best_epoch(history: list[Row]) -> int:
    """The epoch, from 1, of the lowest error rate; of equal ones that of the lowest loss."""
    return 1 + min(
        range(len(history)),
        key=lambda i: (_or_worst(history[i]["error_rate"]), _or_worst(history[i]["valid_loss"])),
    )


def last_progress(history: list[Row]) -> int:
    """The last epoch, from 1, that had a new lowest validation loss or error rate; 0: none."""
    found, loss, error = 0, math.inf, math.inf
    for number, row in enumerate(history, 1):
        new_loss, new_error = _or_worst(row["valid_loss"]), _or_worst(row["error_rate"])
        if new_loss < loss or new_error < error:
            found = number
        loss, error = min(loss, new_loss), min(error, new_error)
    return found


def _or_worst(value: float | None) -> float:
    return math.inf if value is None else value


def fingerprint(
    network: Classifier, data: Data, settings: EngineSettings, device: str, identity: str
) -> str:
    """Names what a run computes: equal for runs that would end alike."""
    shapes = [(name, tuple(value.shape)) for name, value in network.state_dict().items()]
    batch = settings.batch_for(device, len(data.train))
    said = [identity, settings.model_dump(), batch, data.identity(), shapes]
    return sha256_of_json(said)
