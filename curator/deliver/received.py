"""Reading a model folder that anyone may have made: config, graph and weights, checked before use.

Only plain files of the folder are opened, none of them before its size is known, and each must have
the SHA-256 that the config tells. The config must have the form that `export-model` writes, and
names an architecture of the two libraries by its plain name: timm would fetch ``hf-hub:...`` from
the network and read ``local-dir:...`` from anywhere. The weights are safetensors (no code in them);
what a graph may hold is said in :mod:`curator.deliver.received_graph`.
Everything that is refused is a :class:`~curator.errors.BundleInvalid` with the file's name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from curator.deliver.received_graph import check_graph
from curator.encode.backbones import Backbone
from curator.errors import BundleInvalid
from curator.hashing import sha256, sha256_of, sha256_of_json
from curator.learn.strangers.gate import Gate
from curator.store.class_names import valid_as_they_are
from curator.trust import not_plain

if TYPE_CHECKING:
    import torch

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
ONNX_FILE, INT8_FILE, PT2_FILE = "model.onnx", "model.int8.onnx", "model.pt2"
LABELS_FILE, EXAMPLE_FILE, CARD_FILE = "labels.txt", "example.py", "README.md"
GATE_FILE = "gate.safetensors"
FORMAT_VERSION = 3  # 1 knew timm's architectures only, 2 had no graph
WITH_GRAPH = 3  # from this version on a bundle answers without torch
LARGEST_CONFIG = 16 << 20  # bytes
LARGEST_WEIGHTS = 8 << 30
LARGEST_GATE = 1 << 30
LARGEST_GRAPH = (2 << 30) - 1  # protobuf takes no more

AGAIN = "Export the model again with `curator export-model`."

_Triple = tuple[
    Annotated[float, Field(ge=-10, le=10)],
    Annotated[float, Field(ge=-10, le=10)],
    Annotated[float, Field(ge=-10, le=10)],
]
_Deviation = Annotated[float, Field(ge=1e-3, le=10)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


class Description(_Strict):
    """The backbone, as :class:`~curator.encode.backbones.Backbone` says it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200)]
    key: Annotated[str, Field(max_length=300)]
    architecture: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", max_length=100)]
    dimension: Annotated[int, Field(ge=1, le=65_536)]
    size: Annotated[int, Field(ge=8, le=1_024)]
    crop: Annotated[float, Field(ge=0.25, le=2)]  # timm has networks with 1.15
    mean: _Triple
    std: tuple[_Deviation, _Deviation, _Deviation]
    interpolation: Literal["bilinear", "bicubic"]
    bundled: bool
    library: Literal["timm", "torchvision"] = "timm"
    squash: bool = False
    licence: Annotated[str, Field(max_length=1_000)] = ""

    def backbone(self) -> Backbone:
        """The same, without a place to download weights from."""
        return Backbone(**self.model_dump())


class Hashes(_Strict):
    """SHA-256 of the files that are used here; those of the others are for whoever has them."""

    weights: _Sha256 = Field(alias="model.safetensors")
    config: _Sha256 = Field(alias="config.json")
    graph: _Sha256 | None = Field(alias="model.onnx", default=None)
    int8: _Sha256 | None = Field(alias="model.int8.onnx", default=None)
    gate: _Sha256 | None = Field(alias="gate.safetensors", default=None)


class Config(_Strict):
    """What of a config is used to predict; figures and texts for people are passed over."""

    format_version: Annotated[int, Field(ge=1, le=FORMAT_VERSION)]
    classes: Annotated[list[str], Field(min_length=1, max_length=20_000)]
    backbone: Description
    mirror: bool = False
    versions: dict[str, str] = {}
    sha256: Hashes

    _are_names = field_validator("classes")(valid_as_they_are)

    @model_validator(mode="after")
    def _has_its_graph(self) -> Config:
        if self.has_graph and self.sha256.graph is None:
            raise ValueError(f"{ONNX_FILE} has no SHA-256")
        return self

    @property
    def has_graph(self) -> bool:
        """Whether the bundle answers without torch."""
        return self.format_version >= WITH_GRAPH


def read_config(folder: Path) -> Config:
    """The config of a bundle, checked against its own hash."""
    path = folder / CONFIG_FILE
    if not path.exists() and not path.is_symlink():
        raise BundleInvalid(
            f"{folder} is no exported model: {CONFIG_FILE} is missing.",
            "Name the folder that `curator export-model` made.",
        )
    _check_file(path, LARGEST_CONFIG)
    try:
        text = path.read_text(encoding="utf-8")
        said: Any = json.loads(text)
        version = said.get("format_version") if isinstance(said, dict) else None
        own = digest(said) if isinstance(said, dict) else ""
    except (OSError, ValueError) as error:
        raise BundleInvalid(f"{path} cannot be read: {error}.", AGAIN) from error
    except RecursionError as error:
        raise BundleInvalid(f"{path} cannot be read: it is nested too deep.", AGAIN) from error
    if type(version) is not int:
        raise BundleInvalid(f"{path} describes no model.", AGAIN)
    if version > FORMAT_VERSION:
        raise BundleInvalid(
            f"{path} has format version {version}; this curator knows up to {FORMAT_VERSION}.",
            "Update the curator, or ask ONNX Runtime alone, as example.py in the folder does.",
        )
    try:
        config = Config.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BundleInvalid(
            f"{path} describes no model that can be used: {place[:100]}: {first['msg'][:300]}.",
            AGAIN,
        ) from error
    if config.sha256.config != own:
        raise BundleInvalid(
            f"{path} was altered: what it says does not have the SHA-256 that it gives.",
            "Copy it again, or export the model again.",
        )
    return config


def digest(config: dict[str, Any]) -> str:
    """SHA-256 of all that a config says, apart from its hashes, as 64 hex digits."""
    said = {key: value for key, value in config.items() if key != "sha256"}
    return sha256_of_json(said)


def check_weights(folder: Path, config: Config) -> Path:
    """The weight file, which has the SHA-256 of the config."""
    path = _present(folder, WEIGHTS_FILE, LARGEST_WEIGHTS)
    if sha256_of(path) != config.sha256.weights:
        raise _altered(path)
    return path


def read_graph(folder: Path, config: Config, name: str = ONNX_FILE) -> bytes:
    """An ONNX file: the bytes with the SHA-256 of the config, which hold nothing but a graph.

    ``name``: ``ONNX_FILE`` or ``INT8_FILE``.
    """
    path = _present(folder, name, LARGEST_GRAPH)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleInvalid(f"{path} cannot be read: {error}.", AGAIN) from error
    if sha256(data) != (config.sha256.graph if name == ONNX_FILE else config.sha256.int8):
        raise _altered(path)
    check_graph(data, str(path))
    return data


def read_gate(folder: Path, config: Config) -> Gate | None:
    """What tells pictures of no class, where the bundle has it."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if config.sha256.gate is None:
        return None
    path = _present(folder, GATE_FILE, LARGEST_GATE)
    try:
        data = path.read_bytes()
        if sha256(data) != config.sha256.gate:
            raise _altered(path)
        arrays = load(data)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise BundleInvalid(f"{path} cannot be read: {error}.", AGAIN) from error
    return Gate.from_arrays(arrays, config.backbone.dimension, len(config.classes))


def read_tensors(path: Path, config: Config) -> dict[str, torch.Tensor]:
    """The tensors of a weight file: finite numbers, a head of the classes and the dimension."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise BundleInvalid(f"{path} cannot be read: {error}.", AGAIN) from error
    wanted = {
        "head.weight": (len(config.classes), config.backbone.dimension),
        "head.bias": (len(config.classes),),
    }
    for name, shape in wanted.items():
        found = tensors.get(name)
        if found is None or tuple(found.shape) != shape or found.dtype != torch.float32:
            raise BundleInvalid(
                f"{path} does not fit {CONFIG_FILE}: {name} is not float32 of the shape {shape}.",
                AGAIN,
            )
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise BundleInvalid(f"{path} holds what is no number in {name[:100]}.", AGAIN)
    return tensors


def _present(folder: Path, name: str, largest: int) -> Path:
    """A plain file of the folder, no larger than that."""
    path = folder / name
    if not path.exists() and not path.is_symlink():
        raise BundleInvalid(
            f"{folder} is incomplete: {name} is missing.",
            "Copy the whole folder, or export the model again.",
        )
    _check_file(path, largest)
    return path


def _altered(path: Path) -> BundleInvalid:
    return BundleInvalid(
        f"{path} was altered: its SHA-256 is not the one in {CONFIG_FILE}.",
        "Copy it again, or export the model again.",
    )


def _check_file(path: Path, largest: int) -> None:
    if problem := not_plain(path):
        raise BundleInvalid(
            f"{path} {problem}, and a model folder holds plain files.",
            "Copy the files themselves into the folder.",
        )
    size = path.stat().st_size
    if size > largest:
        raise BundleInvalid(f"{path} has {size} bytes, and {largest} are the most.", AGAIN)
