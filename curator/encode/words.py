"""From words to features: the half of the words' network that reads. Imports torch when it runs.

The half that sees pictures is a backbone like any other (:mod:`curator.encode.backbones.clip`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.encode import weights
from curator.encode.backbones.clip import load_clip
from curator.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone


def words_features(backbone: Backbone, text: str) -> NDArray[np.float32]:
    """Features (dimension,) of a text, of length 1, to be compared with those of images.

    Raises InputError for a text that is longer than the network reads, PackageMissing,
    WeightsMissing, WeightsAltered.
    """
    assert backbone.source is not None
    reader = _reader(backbone, weights.stored_weights(backbone.source))
    import open_clip
    import torch

    tokeniser = open_clip.tokenizer.SimpleTokenizer(context_length=reader.context_length)
    pieces, most = len(tokeniser.encode(text)), reader.context_length - 2  # a mark at either end
    if not 0 < pieces <= most:
        raise InputError(
            f"The network reads {most} pieces of words, not {pieces}.", "Say it in fewer words."
        )
    with torch.inference_mode():
        found = reader.encode_text(tokeniser([text]), normalize=True)
    return np.asarray(found[0].numpy(), dtype=np.float32)


@lru_cache(maxsize=1)  # a worker process reads the next words at once
def _reader(backbone: Backbone, path: Path) -> Any:
    import torch

    network = load_clip(backbone, path)
    network.visual = torch.nn.Identity()  # the larger half, which is not needed here
    return network
