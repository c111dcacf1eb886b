"""Which network turns an image into features, and on what it runs.

    description   a backbone: names and numbers, no weights
    registry      the backbones by name: bundled, torchvision's, any of timm's
    networks      the network itself, with or without weights (torch is imported here)
    clip          the network that knows words, of open_clip
    bundled       the weights that come with the installation
    choosing      backbone, device, runtime and precision, with the reason in one line

Describing and choosing a bundled or torchvision backbone imports no torch.
"""

from __future__ import annotations

from curator.encode.backbones.bundled import match_in_order
from curator.encode.backbones.choosing import (
    STRONGER,
    Choice,
    Device,
    Precision,
    Runtime,
    choose,
    choose_for,
    fetch_weights,
)
from curator.encode.backbones.clip import words_network
from curator.encode.backbones.description import PREPROCESSING_VERSION, Backbone
from curator.encode.backbones.networks import build_network, load_network
from curator.encode.backbones.registry import (
    BUNDLED,
    DEFAULT,
    EFFICIENTNET_LITE0,
    REGISTRY,
    TIMM_PREFIX,
    describe,
    weights_sha256,
)

__all__ = [
    "BUNDLED",
    "DEFAULT",
    "EFFICIENTNET_LITE0",
    "PREPROCESSING_VERSION",
    "REGISTRY",
    "STRONGER",
    "TIMM_PREFIX",
    "Backbone",
    "Choice",
    "Device",
    "Precision",
    "Runtime",
    "build_network",
    "choose",
    "choose_for",
    "describe",
    "fetch_weights",
    "load_network",
    "match_in_order",
    "weights_sha256",
    "words_network",
]
