"""Predicting from an exported model alone: no project is needed.

The preprocessing is the training's own code, steered by the bundle's ``config.json``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curator.encode.backbones import Backbone
from curator.encode.preprocess import prepare_image
from curator.errors import BundleInvalid
from curator.files import sha256_of

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
FORMAT_VERSION = 2  # 1 knew timm's architectures only


class Predictor:
    """A loaded bundle. ``classes`` are the labels in the order of the outputs, length K."""

    def __init__(
        self,
        classes: Sequence[str],
        backbone: Backbone,
        network: Any,
        head: Any,
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
        """Read a bundle; config and weights are checked against the hashes in the config.

        Raises :class:`BundleInvalid` for a missing, altered or unreadable file.
        """
        path = Path(folder).expanduser()
        config = _config(path)
        _check_weights(path, config["sha256"][WEIGHTS_FILE])
        # After the checks: they answer at once, and this import takes seconds.
        from safetensors.torch import load_file

        description = dict(config["backbone"])
        backbone = Backbone(
            **description | {"mean": tuple(description["mean"]), "std": tuple(description["std"])}
        )
        tensors = load_file(path / WEIGHTS_FILE)
        body = {
            name.removeprefix("backbone."): value
            for name, value in tensors.items()
            if name.startswith("backbone.")
        }
        try:
            network = backbone.build()
            network.load_state_dict(body)
            head = (tensors["head.weight"].numpy(), tensors["head.bias"].numpy())
        except (KeyError, RuntimeError) as error:
            library = backbone.library
            made_with = config.get("versions", {}).get(library, "unknown")
            raise BundleInvalid(
                f"{path / WEIGHTS_FILE} does not fit {backbone.architecture} of {library} "
                f"{importlib.metadata.version(library)}.",
                f"It was made with {library} {made_with}: install that one, or export the model "
                "again.",
            ) from error
        mirror = bool(config.get("mirror"))
        return cls(config["classes"], backbone, network.eval(), head, mirror=mirror)

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


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    again = "Export the model again with `curator export-model`."
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleInvalid(
            f"{folder} is no exported model: {CONFIG_FILE} is missing.",
            "Name the folder that `curator export-model` made.",
        ) from error
    except (OSError, ValueError) as error:
        raise BundleInvalid(f"{path} cannot be read: {error}.", again) from error
    version = config.get("format_version") if isinstance(config, dict) else None
    if not isinstance(version, int):
        raise BundleInvalid(f"{path} describes no model.", again)
    if version > FORMAT_VERSION:
        raise BundleInvalid(
            f"{path} has format version {version}; this curator knows up to {FORMAT_VERSION}.",
            "Update the curator.",
        )
    hashes = config.get("sha256")
    if not isinstance(hashes, dict) or WEIGHTS_FILE not in hashes:
        raise BundleInvalid(f"{path} lacks the hash of {WEIGHTS_FILE}.", again)
    if hashes.get(CONFIG_FILE) != digest(config):
        raise BundleInvalid(
            f"{path} was altered: what it says does not have the SHA-256 that it gives.",
            "Copy it again, or export the model again.",
        )
    return config


def digest(config: dict[str, Any]) -> str:
    """SHA-256 of all that a config says, apart from its hashes, as 64 hex digits."""
    said = {key: value for key, value in config.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _check_weights(folder: Path, expected: str) -> None:
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise BundleInvalid(
            f"{folder} is incomplete: {WEIGHTS_FILE} is missing.",
            "Copy the whole folder, or export the model again.",
        )
    if sha256_of(path) != expected:
        raise BundleInvalid(
            f"{path} was altered: its SHA-256 is not the one in {CONFIG_FILE}.",
            "Copy it again, or export the model again.",
        )
