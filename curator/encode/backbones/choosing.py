"""Backbone, device, runtime and precision, decided together and explained in one line.

Choosing looks at what is there and downloads nothing; fetching the weights is a step of its own,
with progress. On a GPU the choice is a stronger network than the bundled one as soon as its
weights are on disk.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import platform
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from curator.encode import weights
from curator.encode.backbones.description import Backbone
from curator.encode.backbones.registry import DEFAULT, describe
from curator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

Device = Literal["cpu", "cuda", "mps"]
Runtime = Literal["onnxruntime", "torch"]
Precision = Literal["float32", "bfloat16", "float16"]

STRONGER = "convnext_tiny"
"""The backbone on a GPU when none is named: 82.5 % right on ImageNet, and fast there."""

_PERMISSIVE = {"apache-2.0", "mit", "bsd-3-clause"}


@dataclass(frozen=True)
class Choice:
    """A backbone and where it runs, with the reason, to be shown to the user."""

    backbone: Backbone
    device: Device
    runtime: Runtime
    reason: str
    """One line: device, runtime and precision and why, weights and why."""
    precision: Precision = "float32"
    """Of the arithmetic on a GPU; features are float32 in any case."""

    def training(self, precision: str) -> Choice:
        """The same backbone and device, where the network itself learns: in torch."""
        why = self.reason.partition(": ")[2]
        reason = f"{self.device}, torch, {precision}: {why}"
        return replace(self, runtime="torch", reason=reason)


def choose(name: str | None = None, device: str | None = None) -> Choice:
    """Decide on backbone, device, runtime and precision.

    ``name``: as for :func:`describe`; None for the best that needs no download.
    ``device``: "cpu", "cuda" or "mps"; None for the fastest that is there.

    The precision is float32 everywhere: features computed once are read for years, on whatever
    machine, and bfloat16 would move them by about 1e-2. Half precision is for callers that ask for
    it (``dataclasses.replace``).

    Raises InputError for an unknown name or device, WeightsMissing for a timm model that is
    neither on disk nor to be reached.
    """
    where, why = _choose_device(device)
    return _on(where, why, *_choose_backbone(name, where))


def choose_for(backbone: Backbone, device: str | None = None) -> Choice:
    """:func:`choose` for a backbone that is given. Raises InputError for an unknown device."""
    return _on(*_choose_device(device), *_with_source(backbone))


def _on(where: Device, why: str, backbone: Backbone, source: str) -> Choice:
    runtime: Runtime = "onnxruntime" if where == "cpu" else "torch"
    engine = "ONNX Runtime" if runtime == "onnxruntime" else "torch"
    return Choice(backbone, where, runtime, f"{where}, {engine}, float32: {why}; {source}")


def fetch_weights(
    backbone: Backbone,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    note: Callable[[str], None] = lambda _text: None,
) -> None:
    """Have the weights on disk, downloaded once; nothing to do for a bundled backbone.

    ``progress``, ``note`` and errors as of :func:`curator.encode.weights.fetch`.
    """
    if backbone.source is not None:
        weights.fetch(backbone.source, progress, note)


def _choose_backbone(name: str | None, device: Device) -> tuple[Backbone, str]:
    """The backbone, and where its weights come from."""
    if name is not None:
        return _with_source(describe(name))
    bundled = _with_source(describe(DEFAULT))
    if device == "cpu":
        return bundled
    stronger = describe(STRONGER)
    if stronger.source is not None and weights.on_disk(stronger.source):
        return stronger, f"{STRONGER}, stronger than the bundled network: weights on disk"
    return bundled[0], f"{bundled[1]} ({STRONGER}, the choice on a GPU, is not on disk)"


def _with_source(backbone: Backbone) -> tuple[Backbone, str]:
    if backbone.source is None:
        return backbone, "bundled weights: no download needed"
    if weights.on_disk(backbone.source):
        said = f"{backbone.name}: weights on disk"
    else:
        size = round(backbone.source.size / weights.MEGABYTE)
        said = f"{backbone.name}: {size} MB of weights are downloaded once"
    if backbone.licence.lower() not in _PERMISSIVE:
        said += f" (their licence: {backbone.licence})"
    return backbone, said


def _choose_device(device: str | None) -> tuple[Device, str]:
    """The device and why it was chosen; torch is imported only where a GPU may be present."""
    if device == "cpu":
        return "cpu", "asked for"
    if device in {"cuda", "mps"}:
        if device not in _gpus():
            raise InputError(
                f"The device {device!r} is not there: torch finds no such GPU.",
                "Leave the device out, or use 'cpu'.",
            )
        return ("cuda" if device == "cuda" else "mps"), "asked for"
    if device is not None:
        raise InputError(f"There is no device {device!r}.", "Use 'cpu', 'cuda' or 'mps'.")
    if not _gpu_possible():
        return "cpu", "no GPU found"
    gpus = _gpus()
    if "cuda" in gpus:
        return "cuda", f"found {gpus['cuda']}"
    if "mps" in gpus:
        return "mps", f"found {gpus['mps']}"
    return "cpu", "no GPU that torch can use"


def _gpus() -> dict[str, str]:
    """Device to name, of the GPUs that torch can use. Imports torch."""
    import torch

    found: dict[str, str] = {}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name()
    if torch.backends.mps.is_available():
        found["mps"] = "the GPU of this Mac"
    return found


def _gpu_possible() -> bool:
    """Whether importing torch to ask for a GPU is worth its seconds: a driver must be there."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    if version.endswith("+cpu"):
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if "rocm" in version:
        return True
    for library in ("libcuda.so.1", "nvcuda.dll"):
        try:
            ctypes.CDLL(library)
        except OSError:
            continue
        return True
    return False
