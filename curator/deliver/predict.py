"""Predicting from an exported model alone: no project is needed.

The preprocessing is the training's own code, steered by the bundle's ``config.json``.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curator.deliver.received import AGAIN, check_weights, read_config, read_tensors
from curator.encode.backbones import Backbone, networks
from curator.encode.preprocess import prepare_image
from curator.errors import BundleInvalid

if TYPE_CHECKING:
    import torch


class Predictor:
    """A loaded bundle. ``classes`` are the labels in the order of the outputs, length K."""

    def __init__(
        self,
        classes: Sequence[str],
        backbone: Backbone,
        network: torch.nn.Module,
        head: tuple[NDArray[np.float32], NDArray[np.float32]],
        *,
        mirror: bool = False,
    ) -> None:
        self.classes = tuple(classes)
        self._mirror = mirror
        self._backbone = backbone
        self._network = network
        self._head = head

    @classmethod
    def load(cls, folder: str | Path) -> Predictor:
        """Read a bundle that anyone may have made; see :mod:`curator.deliver.received`.

        Raises :class:`BundleInvalid` for a missing, altered, unreadable or unsuitable file.
        """
        path = Path(folder).expanduser()
        config = read_config(path)
        weights = check_weights(path, config)
        # After the checks, which answer at once: what follows takes seconds to import.
        tensors = read_tensors(weights, config)
        head = (tensors["head.weight"].numpy(), tensors["head.bias"].numpy())
        body = {
            name.removeprefix("backbone."): value
            for name, value in tensors.items()
            if name.startswith("backbone.")
        }
        backbone = config.backbone.backbone()
        try:
            network = networks.with_weights(backbone, body)
            predictor = cls(config.classes, backbone, network, head, mirror=config.mirror)
            answers = predictor.logits([Image.new("RGB", (backbone.size, backbone.size))])
        # Whatever a library raises for an architecture that it does not know, or other tensors.
        except Exception as error:
            library = backbone.library
            made_with = config.versions.get(library, "unknown")
            raise BundleInvalid(
                f"{weights} does not fit {backbone.architecture} of {library} "
                f"{importlib.metadata.version(library)}.",
                f"It was made with {library} {made_with[:40]}: install that one, or export the "
                "model again.",
            ) from error
        if not np.isfinite(answers).all():
            raise BundleInvalid(f"{weights} answers with what is no number.", AGAIN)
        return predictor

    def logits(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Scores (N, K) of N RGB images."""
        import torch

        pixels = np.stack([prepare_image(picture, self._backbone) for picture in pictures])
        mean = np.array(self._backbone.mean, dtype=np.float32).reshape(1, 3, 1, 1)
        std = np.array(self._backbone.std, dtype=np.float32).reshape(1, 3, 1, 1)
        batch = (pixels.astype(np.float32) / 255 - mean) / std  # (N, 3, S, S)
        with torch.inference_mode():
            features = self._network(torch.from_numpy(batch)).numpy()  # (N, D)
            if self._mirror:
                mirrored = torch.from_numpy(batch).flip(-1)
                features = (features + self._network(mirrored).numpy()) / 2
        weight, bias = self._head
        result: NDArray[np.float32] = features @ weight.T + bias
        return result

    def predict(self, picture: Image.Image) -> list[tuple[str, float]]:
        """(label, probability 0..1) for one RGB image, likeliest first; they sum to 1."""
        logits = self.logits([picture])[0]
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")
        return [(self.classes[k], float(shares[k])) for k in order]
