"""What a run's table of epochs says, and which run it is. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data
    from curator.learn.finetune.network import Classifier
    from curator.learn.finetune.settings import FinetuneSettings

Row = dict[str, Any]
"""An epoch, as :func:`curator.learn.finetune.loop.fit` describes it."""


def best_epoch(history: list[Row]) -> int:
    """The epoch, from 1, of the lowest error rate; of equal ones that of the lowest loss."""
    return 1 + min(
        range(len(history)), key=lambda i: (history[i]["error_rate"], history[i]["valid_loss"])
    )


def last_progress(history: list[Row]) -> int:
    """The last epoch, from 1, that had a new lowest validation loss or error rate; 0: none."""
    found, loss, error = 0, math.inf, math.inf
    for number, row in enumerate(history, 1):
        if row["valid_loss"] < loss or row["error_rate"] < error:
            found = number
        loss, error = min(loss, row["valid_loss"]), min(error, row["error_rate"])
    return found


def fingerprint(
    network: Classifier, data: Data, settings: FinetuneSettings, device: str, identity: str
) -> str:
    """Names what a run computes: equal for runs that would end alike."""
    shapes = [(name, tuple(value.shape)) for name, value in network.state_dict().items()]
    batch = settings.batch_for(device, len(data.train))
    said = [identity, settings.record(), batch, data.identity(), shapes]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
