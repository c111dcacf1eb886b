"""The exported model in torch: how older bundles answer, and what ``model.pt2`` holds.

It is made from ``model.safetensors`` and the config, and says what ``model.onnx`` says.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.deliver.received import AGAIN, check_weights, read_tensors
from curator.encode.backbones import networks
from curator.encode.encoder import export, normalised
from curator.errors import BundleInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from curator.deliver.received import Config
    from curator.encode.backbones import Backbone

    Model = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]


def network_of(
    tensors: Mapping[str, torch.Tensor], backbone: Backbone, *, mirror: bool
) -> torch.nn.Module:
    """The network of a weight file: pixels to probabilities and features.

    Raises whatever the backbone's library does for tensors that are not its own.
    """
    import torch

    body = {
        name.removeprefix("backbone."): value
        for name, value in tensors.items()
        if name.startswith("backbone.")
    }

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = normalised(backbone, networks.with_weights(backbone, body))
            self.register_buffer("weight", tensors["head.weight"])
            self.register_buffer("bias", tensors["head.bias"])

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features: torch.Tensor = self.body(pixels)
            if mirror:
                features = (features + self.body(pixels.flip(-1))) / 2
            weight: Any = self.weight
            logits = features @ weight.T + self.bias
            return torch.softmax(logits, dim=-1), features

    return Whole().eval()


def whole_network(folder: Path, config: Config) -> torch.nn.Module:
    """Pixels uint8 (N, 3, S, S) to probabilities (N, K) and features (N, D), from a bundle.

    Raises :class:`BundleInvalid`.
    """
    import torch

    weights = check_weights(folder, config)
    tensors = read_tensors(weights, config)
    backbone = config.backbone.backbone()
    try:
        network = network_of(tensors, backbone, mirror=config.mirror)
        with torch.inference_mode():
            network(torch.zeros((1, 3, backbone.size, backbone.size), dtype=torch.uint8))
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
    return network


def features_graph(backbone: Backbone, weights: Path) -> bytes:
    """The graph from pixels to features of a weight file of our own; takes some seconds."""
    from safetensors.torch import load_file

    body = {
        name.removeprefix("backbone."): value
        for name, value in load_file(weights).items()
        if name.startswith("backbone.")
    }
    return export(backbone, networks.with_weights(backbone, body))


def model(folder: Path, config: Config) -> Model:
    """The bundle's model as a function of pixels. Raises :class:`BundleInvalid`."""
    return as_model(whole_network(folder, config))


def as_model(network: torch.nn.Module) -> Model:
    """A network like :func:`whole_network`'s as a function of arrays."""
    import torch

    def ask(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.inference_mode():
            probabilities, features = network(torch.from_numpy(pixels))
        return probabilities.numpy(), features.numpy()

    return ask


def write_program(folder: Path, config: Config, path: Path) -> None:
    """Write the model as a program of torch.export, with a free batch size.

    Raises :class:`BundleInvalid` for a network that torch.export does not take.
    """
    import torch

    network = whole_network(folder, config)
    size = config.backbone.size
    example = torch.zeros((2, 3, size, size), dtype=torch.uint8)
    try:
        program = torch.export.export(
            network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
        torch.export.save(program, path)
    except Exception as error:
        raise BundleInvalid(
            f"torch.export does not take {config.backbone.architecture}: {error!s:.300}",
            AGAIN.replace("Export", "Without --pt2 export"),
        ) from error


def read_program(path: Path) -> Model:
    """What :func:`write_program` wrote; for files of our own alone, since it may hold code."""
    import torch

    return as_model(torch.export.load(path).module())
