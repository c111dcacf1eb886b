"""The networks themselves: architectures of timm and torchvision, with or without weights.

The networks come without their classifier: images in, pooled features out. It knows
nothing of where weight files come from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from curator.encode import torchvision_compat, weights
from curator.encode.backbones.bundled import lite0_file, match_in_order
from curator.encode.backbones.clip import load_clip
from curator.errors import InputError, WeightsAltered, WeightsMissing

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from curator.encode.backbones.description import Backbone

# The module that turns pooled features into classes. Of convnext's classifier the normalisation
# and the flattening before it belong to the features.
_HEADS = {
    "resnet18": "fc",
    "resnet34": "fc",
    "resnet50": "fc",
    "convnext_tiny": "classifier.2",
    "efficientnet_v2_s": "classifier",
    "vit_b_16": "heads",
}


def build_network(backbone: Backbone) -> torch.nn.Module:
    """The architecture with random weights: images in, features (N, dimension) out, pooled.

    The names of its parameters are those of the library, so the state dict of :func:`load_network`
    fits.
    """
    _refuse_unknown(backbone)
    torchvision_compat.prepare()
    if backbone.library == "torchvision":
        return _build_torchvision(backbone, logits=False)
    import timm

    network: torch.nn.Module = timm.create_model(
        backbone.architecture, pretrained=False, num_classes=0
    )
    return network


def with_weights(backbone: Backbone, state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """The architecture with these weights, from wherever they are, in evaluation mode.

    Raises RuntimeError where they do not fit, before memory is taken for a network whose size
    somebody else has chosen.
    """
    import torch

    try:
        with torch.device("meta"):  # shapes alone
            shapes = {
                name: item.shape for name, item in build_network(backbone).state_dict().items()
            }
    except (NotImplementedError, RuntimeError):  # an architecture that computes when it is made
        shapes = {}
    for name, shape in shapes.items():
        if name not in state or state[name].shape != shape:
            raise RuntimeError(f"{name} is missing or has another shape")
    network = build_network(backbone)
    network.load_state_dict(state)
    return network.eval()


def _refuse_unknown(backbone: Backbone) -> None:
    """Plain names only: timm fetches ``hf-hub:...`` and reads ``local-dir:...``."""
    known = backbone.library == "timm" or backbone.architecture in _HEADS
    if not known or not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", backbone.architecture):
        raise InputError(
            f"{backbone.architecture[:100]!r} is no architecture of {backbone.library}.",
            "Choose one that `curator backbones` lists.",
        )


def load_network(backbone: Backbone, *, logits: bool = False) -> torch.nn.Module:
    """The network with its weights, in evaluation mode, on the CPU.

    Input: normalised float32 (N, 3, size, size). Output: features (N, dimension), or with
    ``logits`` the scores of the classes that it was pretrained on. Nothing is downloaded:
    :func:`curator.encode.backbones.fetch_weights` does that.

    Raises :class:`~curator.errors.WeightsMissing` or :class:`~curator.errors.WeightsAltered`.
    """
    # Before the imports, which take seconds: a missing weight file is told at once.
    path = _weight_file(backbone)
    torchvision_compat.prepare()
    network: torch.nn.Module
    if backbone.library == "open_clip":
        network = load_clip(backbone, path).visual
    elif backbone.bundled:
        network = _load_bundled(backbone, path, logits=logits)
    elif backbone.library == "torchvision":
        network = _load_torchvision(backbone, path, logits=logits)
    else:
        network = _load_timm(backbone, path, logits=logits)
    return network.eval()


def _weight_file(backbone: Backbone) -> Path:
    if backbone.bundled:
        return lite0_file()
    if backbone.source is None:
        raise WeightsMissing(
            f"Nothing says where the weights of {backbone.name} come from.",
            "Describe it with curator.encode.backbones.describe.",
        )
    return weights.stored_weights(backbone.source)


def _load_bundled(backbone: Backbone, path: Path, *, logits: bool) -> torch.nn.Module:
    import timm
    import torch

    model: Any = timm.create_model(backbone.architecture, pretrained=False)
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(match_in_order(state, model.state_dict()))
    if not logits:
        model.reset_classifier(0)
    network: torch.nn.Module = model
    return network


def _load_timm(backbone: Backbone, path: Path, *, logits: bool) -> torch.nn.Module:
    import timm

    # timm's own loader knows what each file needs (renamed tensors, a class too many); files of
    # the hub are in timm's format, also where a model's older files are read by a loader of its own
    overlay = {"file": str(path), "custom_load": False}
    more: dict[str, Any] = {} if logits else {"num_classes": 0}
    try:
        network: torch.nn.Module = timm.create_model(
            backbone.architecture, pretrained=True, pretrained_cfg_overlay=overlay, **more
        )
    except (RuntimeError, KeyError) as error:
        raise _does_not_fit(backbone, path) from error
    return network


def _build_torchvision(backbone: Backbone, *, logits: bool) -> torch.nn.Module:
    import torch
    import torchvision

    network: torch.nn.Module = torchvision.models.get_model(backbone.architecture, weights=None)
    if not logits:
        network.set_submodule(_HEADS[backbone.architecture], torch.nn.Identity())
    return network


def _load_torchvision(backbone: Backbone, path: Path, *, logits: bool) -> torch.nn.Module:
    from safetensors.torch import load_file

    network = _build_torchvision(backbone, logits=logits)
    head = "" if logits else f"{_HEADS[backbone.architecture]}."
    state = {
        name: tensor
        for name, tensor in load_file(path).items()
        if not head or not name.startswith(head)
    }
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise _does_not_fit(backbone, path) from error
    return network


def _does_not_fit(backbone: Backbone, path: Path) -> WeightsAltered:
    return WeightsAltered(
        f"{path} does not fit {backbone.architecture} of {backbone.library}.",
        f"Delete it, then run it again; if that does not help, install the {backbone.library} that"
        " the project asks for.",
    )
