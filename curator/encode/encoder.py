"""From pixels to features: the backbone, running.

On a CPU it runs in ONNX Runtime. The graph is exported from torch once, kept in the user's cache
folder under the backbone's key, and checked by its hash at each start; with a good file there,
torch is never imported. On a GPU it runs in torch, in full float32 unless asked otherwise, so
that features do not depend on the machine beyond 1e-3.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_dir

from curator.errors import FileError, InputError
from curator.files import sha256_of, write_atomic
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone, Choice

# Raise it when the exported graph changes (input, output, normalisation), whatever made it.
GRAPH_VERSION = 1
CACHE_VARIABLE = "CURATOR_CACHE"

# More images at once push each other's activations out of the processor's cache: on two shared
# cores, median of four interleaved runs, 4 give 331 images/s, 8 give 285, 16 give 269, 32 give 256.
_CPU_BATCH = 4

_log = logging.getLogger(__name__)


class _Runner(Protocol):
    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]: ...


class Encoder:
    """Holds the loaded network.

    ``half`` allows bfloat16 or float16 on a CUDA device: faster, features differ by about 1e-2.

    Raises :class:`~curator.errors.WeightsMissing`, :class:`~curator.errors.WeightsAltered` or
    :class:`~curator.errors.FileError` (cache folder not writable) when made.
    """

    def __init__(self, choice: Choice, *, half: bool = False) -> None:
        self.choice = choice
        self._run: _Runner = (
            _OnnxRunner(graph_file(choice.backbone))
            if choice.runtime == "onnxruntime"
            else _TorchRunner(choice, half=half)
        )

    @property
    def backbone(self) -> Backbone:
        """The network's description."""
        return self.choice.backbone

    def encode(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of a batch: uint8 (N, 3, size, size) in, float32 (N, dimension) out.

        N may be 0. Raises :class:`~curator.errors.InputError` for another shape or type.
        """
        size = self.backbone.size
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (3, size, size):
            raise InputError(
                f"{self.backbone.name} takes uint8 (N, 3, {size}, {size}), not {batch.dtype}"
                f" {batch.shape}.",
                "Prepare the images with curator.encode.preprocess.prepare_image.",
            )
        if len(batch) == 0:
            return np.empty((0, self.backbone.dimension), np.float32)
        return self._run(batch)


def cache_folder() -> Path:
    """Where exported graphs are kept: ``$CURATOR_CACHE``, else the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or user_cache_dir("curator"))


def graph_file(backbone: Backbone) -> Path:
    """The ONNX file of ``backbone``: from the cache, or exported now when missing or corrupt.

    Input ``image`` uint8 (N, 3, size, size), output ``features`` float32 (N, dimension).
    """
    return derived_file(f"{backbone.key}-g{GRAPH_VERSION}.onnx", lambda: export(backbone))


def derived_file(name: str, make: Callable[[], bytes]) -> Path:
    """A file that is made once per machine from a backbone's weights, and kept in the cache folder.

    It is checked by its hash at each use, and made again when missing or altered. Raises
    :class:`~curator.errors.FileError` where the cache folder cannot be used.
    """
    path = cache_folder() / "encoders" / name
    recorded = path.with_suffix(".sha256")
    if _intact(path, recorded):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            # Another process may have made it while this one waited.
            if not _intact(path, recorded):
                if path.exists():
                    _log.warning("%s is not what was written there; it is made again.", path)
                # The hash goes last: a kill between the two leaves a file that is made anew.
                recorded.unlink(missing_ok=True)
                write_atomic(path, make())
                write_atomic(recorded, sha256_of(path).encode())
    except OSError as error:
        raise FileError(
            f"The cache folder {path.parent} cannot be used: {error.strerror or error}.",
            f"Set {CACHE_VARIABLE} to a folder that you may write to.",
        ) from error
    return path


def export(backbone: Backbone) -> bytes:
    """The backbone, normalisation included, as an ONNX model with a free batch size.

    Imports torch; takes some seconds.
    """
    import torch

    network = _normalised(backbone)
    example = torch.zeros((2, 3, backbone.size, backbone.size), dtype=torch.uint8)
    with warnings.catch_warnings(), _quiet(), torch.no_grad():
        # The exporter's own use of deprecated calls is nothing that a user could mend.
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["image"],
            output_names=["features"],
            external_data=False,
            verbose=False,
        )
    data: bytes = program.model_proto.SerializeToString()
    return data


def _intact(path: Path, recorded: Path) -> bool:
    try:
        return recorded.read_text("utf-8") == sha256_of(path)
    except (FileNotFoundError, UnicodeDecodeError):
        return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines off the user's screen."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _normalised(backbone: Backbone) -> torch.nn.Module:
    """The backbone behind its normalisation: takes uint8 pixels."""
    import torch

    class Normalised(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = backbone.load()
            shape = (1, 3, 1, 1)
            # (pixel / 255 - mean) / std, as one subtraction and one multiplication.
            self.register_buffer("mean", torch.tensor(backbone.mean).reshape(shape) * 255)
            self.register_buffer("factor", 1 / (torch.tensor(backbone.std).reshape(shape) * 255))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            pixels: Any = image.to(torch.float32)
            features: torch.Tensor = self.network((pixels - self.mean) * self.factor)
            return features

    return Normalised().eval()


class _OnnxRunner:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cpu_count()
        options.log_severity_level = 3
        # Waiting threads would spin and take the cores from the threads that decode: files to
        # features of 480 images, median of three, take 1.91 s without spinning, 2.02 s with it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [
            self._session.run(None, {"image": batch[start : start + _CPU_BATCH]})[0]
            for start in range(0, len(batch), _CPU_BATCH)
        ]
        return np.concatenate(parts)


class _TorchRunner:
    """torch on a GPU (or, for comparison, on the CPU)."""

    def __init__(self, choice: Choice, *, half: bool) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(choice.device)
        network: Any = _normalised(choice.backbone)  # memory_format is missing from torch's stubs
        self._network = network.to(self._device, memory_format=torch.channels_last)
        self._half: torch.dtype | None = None
        if half and choice.device == "cuda":
            modern = torch.cuda.get_device_capability()[0] >= 8
            self._half = torch.bfloat16 if modern else torch.float16
        self._largest = 1 << 30  # images a forward pass may take; shrinks when memory runs out

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts: list[NDArray[np.float32]] = []
        start = 0
        while start < len(batch):
            piece = batch[start : start + self._largest]
            try:
                parts.append(self._forward(piece))
            except self._torch.cuda.OutOfMemoryError:
                if len(piece) == 1:
                    raise
                self._largest = len(piece) // 2
                self._torch.cuda.empty_cache()
                _log.warning("GPU memory ran out; batches are now %d images.", self._largest)
                continue
            start += len(piece)
        return np.concatenate(parts)

    def _forward(self, piece: NDArray[np.uint8]) -> NDArray[np.float32]:
        torch = self._torch
        pixels = torch.from_numpy(piece).to(self._device)
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), _exact_float32(torch), self._precision():
            features = self._network(pixels)
        result: NDArray[np.float32] = features.float().cpu().numpy()
        return result

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self._half is None:
            return contextlib.nullcontext()
        return self._torch.autocast(self._device.type, dtype=self._half)


@contextlib.contextmanager
def _exact_float32(torch: Any) -> Iterator[None]:
    """TensorFloat-32 off for the time of a forward pass: it keeps 10 bits of the mantissa only."""
    before = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
