"""The backbones by name: the bundled one, torchvision's, and any of timm's as ``timm:NAME``.

The numbers of torchvision's weights are a table here, so that describing one imports nothing; a
test holds the table against torchvision's own metadata. timm's numbers come from timm.
"""

from __future__ import annotations

import difflib
import os
from typing import Any

from curator.encode import torchvision_compat, weights
from curator.encode.backbones.bundled import LITE0_NAME, LITE0_SHA256
from curator.encode.backbones.description import PREPROCESSING_VERSION, Backbone
from curator.encode.weights import MEGABYTE, WeightSource
from curator.errors import InputError, WeightsMissing

TIMM_PREFIX = "timm:"
MIRROR_VARIABLE = "CURATOR_WEIGHTS_MIRROR"
"""A folder address that holds torchvision's weight files, in place of the official one."""

_TORCHVISION_ADDRESS = "https://download.pytorch.org/models"
_HUB_VARIABLE, _HUB_ADDRESS = "HF_ENDPOINT", "https://huggingface.co"
_HUB_SECONDS = 5.0
_HUB_FILE = "model.safetensors"
_HEX_DIGITS = 64
_DIGITS_IN_NAMES = 8

EFFICIENTNET_LITE0 = Backbone(
    name=LITE0_NAME,
    key=f"{LITE0_NAME}-{LITE0_SHA256[:12]}-p{PREPROCESSING_VERSION}",
    architecture="tf_efficientnet_lite0",
    dimension=1280,
    size=224,
    crop=0.875,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    interpolation="bicubic",
    bundled=True,
    licence="Apache-2.0",
)
BUNDLED: dict[str, Backbone] = {EFFICIENTNET_LITE0.name: EFFICIENTNET_LITE0}
DEFAULT = EFFICIENTNET_LITE0.name

# Newest ImageNet-1k weights: SHA-256 of the file, whose first digits end its name; megabytes of the
# download, features, side of the input and of the resized image in pixels. torchvision itself
# states the first eight digits; the rest is as several independent public projects recorded it.
_TORCHVISION: dict[str, tuple[str, float, int, int, int]] = {
    "resnet18": (
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        46.8,
        512,
        224,
        256,
    ),
    "resnet34": (
        "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
        87.3,
        512,
        224,
        256,
    ),
    "resnet50": (
        "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
        102.5,
        2048,
        224,
        232,
    ),
    "convnext_tiny": (
        "983f1562536e84ff750a1576fb08e54de751dbf2e17c0d8a4a13704341fdcd3d",
        114.4,
        768,
        224,
        236,
    ),
    "efficientnet_v2_s": (
        "dd5fe13b1d60ec15317ccc8ca158186e134d3366c3dde9cb9a4e301f2dc66c74",
        86.7,
        1280,
        384,
        384,
    ),
    "vit_b_16": (
        "c867db91d3e12c6cbadabb610d73c24a546bf82d8c03a9fea34f43a712ddb0e9",
        346.3,
        768,
        224,
        256,
    ),
}
REGISTRY: tuple[str, ...] = (*BUNDLED, *_TORCHVISION)
"""Every name that :func:`describe` knows without asking timm."""


def describe(name: str) -> Backbone:
    """The backbone called ``name``: one of :data:`REGISTRY`, or ``timm:NAME``.

    For a timm model that is not on disk yet, the hub is asked for its hash and size: its features
    are named after the hash. Raises InputError for an unknown name, WeightsMissing when the hub
    must be asked and cannot be.
    """
    if name in BUNDLED:
        return BUNDLED[name]
    if name in _TORCHVISION:
        return _describe_torchvision(name)
    if name.startswith(TIMM_PREFIX):
        return _describe_timm(name.removeprefix(TIMM_PREFIX))
    raise _unknown(name)


def weights_sha256(backbone: Backbone) -> str:
    """SHA-256 of the file that a backbone's weights came in, 64 hex digits."""
    return backbone.source.sha256 if backbone.source else LITE0_SHA256


def hub_address() -> str:
    """Where the hub is asked: ``$HF_ENDPOINT``, else huggingface.co."""
    return (os.environ.get(_HUB_VARIABLE) or _HUB_ADDRESS).rstrip("/")


def _describe_torchvision(name: str) -> Backbone:
    sha256, megabytes, dimension, size, resize = _TORCHVISION[name]
    digits = sha256[:_DIGITS_IN_NAMES]
    file = f"{name}-{digits}.pth"
    folder = os.environ.get(MIRROR_VARIABLE) or _TORCHVISION_ADDRESS
    return Backbone(
        name=name,
        key=f"torchvision-{name}-{digits}-p{PREPROCESSING_VERSION}",
        architecture=name,
        dimension=dimension,
        size=size,
        crop=size / resize,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        interpolation="bilinear",
        bundled=False,
        library="torchvision",
        licence="BSD-3-Clause",
        source=WeightSource(
            name=name,
            file=file,
            address=f"{folder.rstrip('/')}/{file}",
            sha256=sha256,
            size=round(megabytes * MEGABYTE),
        ),
    )


def _describe_timm(name: str) -> Backbone:
    torchvision_compat.prepare()
    import timm

    pretrained = timm.list_models(pretrained=True)
    if name not in pretrained and name not in {model.split(".")[0] for model in pretrained}:
        raise _unknown(f"{TIMM_PREFIX}{name}")
    settings: Any = timm.get_pretrained_cfg(name)
    # With the tag of its weights, so that a later timm with another default gives the same ones.
    full = f"{settings.architecture}.{settings.tag}" if settings.tag else name
    source = _timm_source(f"{TIMM_PREFIX}{name}", full, settings)
    model: Any = timm.create_model(full, pretrained=False, num_classes=0)
    resolve: Any = timm.data.resolve_data_config  # type: ignore[attr-defined]
    data = resolve(model=model, pretrained_cfg=settings.to_dict())
    _, height, width = data["input_size"]
    if height != width or data["crop_mode"] == "border":
        raise InputError(
            f"{TIMM_PREFIX}{name} sees images of {width} x {height} pixels, {data['crop_mode']}ed:"
            " only squares, cropped or squashed, are supported.",
            "Choose another backbone.",
        )
    return Backbone(
        name=f"{TIMM_PREFIX}{name}",
        key=f"timm-{full}-{source.sha256[:12]}-p{PREPROCESSING_VERSION}",
        architecture=full,
        dimension=int(getattr(model, "head_hidden_size", None) or model.num_features),
        size=int(width),
        crop=float(data["crop_pct"]),
        mean=_triple(data["mean"]),
        std=_triple(data["std"]),
        interpolation="bilinear" if data["interpolation"] == "bilinear" else "bicubic",
        bundled=False,
        squash=data["crop_mode"] == "squash",
        licence=settings.license or "not stated",
        source=source,
    )


def _timm_source(name: str, full: str, settings: Any) -> WeightSource:
    """Where a timm model's weights are, with the SHA-256 of the whole file.

    Once they were fetched or put by hand, the hash recorded then counts for good; before, the hub
    is asked.
    """
    if not settings.hf_hub_id:
        raise WeightsMissing(
            f"The weights of {name} cannot be downloaded: timm names no repository for them.",
            f"Choose another backbone, such as {DEFAULT}.",
        )
    import huggingface_hub

    file = settings.hf_hub_filename or _HUB_FILE
    endpoint = hub_address()
    address = huggingface_hub.hf_hub_url(settings.hf_hub_id, file, endpoint=endpoint)
    suffix = ".safetensors" if file.endswith(".safetensors") else ".pth"
    unknown = WeightSource(name, f"timm-{full}{suffix}", address, sha256="", size=0)
    known = weights.recorded_sha256(unknown)
    if known is None and weights.put_by_hand(unknown):
        weights.fetch(unknown)
        known = weights.recorded_sha256(unknown)
    if known is not None:
        return WeightSource(name, unknown.file, address, known, 0)
    try:
        found = huggingface_hub.get_hf_file_metadata(
            address, timeout=_HUB_SECONDS, endpoint=endpoint
        )
    # The hub's client raises its own, requests' or httpx's errors, depending on its version.
    except Exception as error:
        raise weights.missing(unknown, f"{address}: {type(error).__name__}") from error
    digits = (found.etag or "").lower()
    if len(digits) != _HEX_DIGITS or set(digits) - set("0123456789abcdef"):
        raise weights.missing(unknown, f"{address} comes without a SHA-256")
    return WeightSource(name, unknown.file, address, digits, found.size or 0)


def _unknown(name: str) -> InputError:
    """The error with the nearest names. Imports timm, which takes seconds."""
    torchvision_compat.prepare()
    import timm

    tagged = timm.list_models(pretrained=True)
    plain = sorted({model.split(".")[0] for model in tagged})
    bare = name.removeprefix(TIMM_PREFIX)
    # By the bare name: the prefix would make every timm name look near every other.
    near = {candidate: candidate for candidate in REGISTRY}
    near |= {model: f"{TIMM_PREFIX}{model}" for model in (*plain, *tagged) if model not in near}
    if name.startswith(TIMM_PREFIX):
        near |= {model: f"{TIMM_PREFIX}{model}" for model in plain}
    nearest = [near[key] for key in difflib.get_close_matches(bare, near, n=3, cutoff=0.4)]
    return InputError(
        f"There is no backbone {name!r}."
        + (f" The nearest names: {', '.join(nearest)}." if nearest else ""),
        f"Known: {', '.join(REGISTRY)}; any pretrained model of timm as {TIMM_PREFIX}NAME."
        " `curator backbones` lists them.",
    )


def _triple(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
