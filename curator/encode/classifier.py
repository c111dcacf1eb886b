"""What the pretrained network calls an image: its own last layer, on features computed before.

The encoder leaves out the layer that turns features into the 1,000 classes of ImageNet. That layer
is taken from the same weights once per machine and kept beside the encoder's graph, with readable
names of the classes, so that names cost one small matrix product and no second look at the images,
and torch is not imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.encode import torchvision_compat
from curator.encode.backbones import load_network
from curator.encode.derived import derived_file
from curator.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone

# Raise it when the stored layer or the way its classes are named changes.
CLASSIFIER_VERSION = 1
# Of a class's synonyms; the first two are those that people say, Latin names come later.
_SYNONYMS = 2


@dataclass(frozen=True)
class Classifier:
    """The last layer of a network pretrained on K classes, on features of D values."""

    weight: NDArray[np.float32]  # (K, D)
    bias: NDArray[np.float32]  # (K,)
    names: tuple[str, ...]  # (K,), such as "teddy, teddy bear"

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of the K classes, the full network's own: (N, D) in, (N, K) out."""
        return features @ self.weight.T + self.bias

    def best(
        self, features: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The ``count`` likeliest classes, likeliest first, with probabilities 0..1 (softmax).

        ``features``: (N, D). Returns positions in ``names`` and probabilities, both (N, count).
        """
        scores = self.logits(features).astype(np.float64)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True, initial=0.0))
        shares /= shares.sum(axis=1, keepdims=True)
        order = np.argsort(-shares, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(shares, order, axis=1)


def load_classifier(backbone: Backbone) -> Classifier:
    """The last layer of ``backbone``, which must be pretrained on ImageNet's 1,000 classes.

    Raises WeightsMissing, WeightsAltered, FileError (cache folder not writable).
    """
    from safetensors import safe_open

    name = f"{backbone.key}-c{CLASSIFIER_VERSION}-classifier.safetensors"
    path = derived_file(name, lambda: _extract(backbone))
    with safe_open(path, framework="np") as stored:
        names: list[str] = json.loads(stored.metadata()["names"])
        return Classifier(stored.get_tensor("weight"), stored.get_tensor("bias"), tuple(names))


def _extract(backbone: Backbone) -> bytes:
    """The layer as a safetensors file. Imports torch; takes some seconds."""
    from safetensors.numpy import save

    network: Any = load_network(backbone, logits=True)
    layer = network.get_classifier()
    arrays = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    names = _class_names()
    if arrays["weight"].shape != (len(names), backbone.dimension):
        raise InputError(
            f"{backbone.name} was not pretrained on the {len(names)} classes of ImageNet.",
            "Names need one that was, such as the bundled efficientnet_lite0.",
        )
    data: bytes = save(arrays, metadata={"names": json.dumps(names)})
    return data


def _class_names() -> list[str]:
    """The classes of ImageNet in the network's order, in the words that timm brings along."""
    torchvision_compat.prepare()
    import timm

    info: Any = timm.data.ImageNetInfo("imagenet-1k")  # type: ignore[attr-defined]
    described = (info.index_to_description(index) for index in range(info.num_classes()))
    return [", ".join(text.split(", ")[:_SYNONYMS]) for text in described]
