"""From pixels to features: the backbone, running.

On a CPU it runs in ONNX Runtime. The graph is exported from torch once, kept in the user's cache
folder under the backbone's key, and checked by its hash at each start; with a good file there,
torch is never imported. On a GPU it runs in torch, in full float32 unless the choice says
otherwise, so that features do not depend on the machine beyond 1e-3.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from curator.encode.backbones import load_network
from curator.encode.derived import derived_file, is_made
from curator.encode.graphs import CPU_BATCH, open_graph
from curator.errors import InputError, JobError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from curator.encode.backbones import Backbone, Choice

# Raise it when the exported graph changes (input, output, normalisation), whatever made it.
GRAPH_VERSION = 1

_log = logging.getLogger(__name__)


class _Runner(Protocol):
    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]: ...


class Encoder:
    """Holds the loaded network.

    A ``precision`` of the choice other than float32 counts in torch on a GPU: faster, and the
    features differ by about 1e-2. ``threads``: cores that a batch takes in ONNX Runtime, all unless
    told; batches may come from several threads.

    Raises :class:`~curator.errors.WeightsMissing`, :class:`~curator.errors.WeightsAltered` or
    :class:`~curator.errors.FileError` (cache folder not writable) when made.
    """

    def __init__(self, choice: Choice, threads: int | None = None) -> None:
        self.choice = choice
        self._notes: list[str] = []
        self._run: _Runner = (
            _OnnxRunner(graph_file(choice.backbone, self._notes.append), threads)
            if choice.runtime == "onnxruntime"
            else _TorchRunner(choice, self._notes.append)
        )

    def take_notes(self) -> list[str]:
        """Sentences for the user since the last call: a graph made again, batches halved."""
        taken = list(self._notes)
        self._notes.clear()
        return taken

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


def graph_file(backbone: Backbone, note: Callable[[str], None] = lambda _text: None) -> Path:
    """The ONNX file of ``backbone``: from the cache, or exported now when missing or corrupt.

    Input ``image`` uint8 (N, 3, size, size), output ``features`` float32 (N, dimension).
    ``note`` gets a sentence for the user when the file was there but altered.
    """
    return derived_file(_graph_name(backbone), lambda: export(backbone), note)


def graph_is_made(backbone: Backbone) -> bool:
    """Whether :func:`graph_file` is a matter of milliseconds."""
    return is_made(_graph_name(backbone))


def _graph_name(backbone: Backbone) -> str:
    return f"{backbone.key}-g{GRAPH_VERSION}.onnx"


def export(backbone: Backbone, network: torch.nn.Module | None = None) -> bytes:
    """The backbone, normalisation included, as an ONNX model with a free batch size.

    ``network``: the backbone with other weights than its own, such as fine-tuned ones. Imports
    torch; takes some seconds.
    """
    import torch

    network = normalised(backbone, network)
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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress lines off the user's screen."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def normalised(backbone: Backbone, network: torch.nn.Module | None = None) -> torch.nn.Module:
    """The backbone, or ``network`` in its place, behind its normalisation: takes uint8 pixels."""
    import torch

    class Normalised(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = load_network(backbone) if network is None else network
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

    def __init__(self, path: Path, threads: int | None) -> None:
        self._session = open_graph(path, threads)

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [
            self._session.run(None, {"image": batch[start : start + CPU_BATCH]})[0]
            for start in range(0, len(batch), CPU_BATCH)
        ]
        return np.concatenate(parts)


class _TorchRunner:
    """torch on a GPU (or, for comparison, on the CPU)."""

    def __init__(self, choice: Choice, note: Callable[[str], None]) -> None:
        import torch

        self._torch = torch
        self._note = note
        self._device = torch.device(choice.device)
        network: Any = normalised(choice.backbone)  # memory_format is missing from torch's stubs
        self._network = network.to(self._device, memory_format=torch.channels_last)
        self._half: torch.dtype | None = (
            None if choice.precision == "float32" else getattr(torch, choice.precision)
        )
        self._largest = 1 << 30  # images a forward pass may take; shrinks when memory runs out

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts: list[NDArray[np.float32]] = []
        start = 0
        while start < len(batch):
            piece = batch[start : start + self._largest]
            try:
                parts.append(self._forward(piece))
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                if len(piece) == 1:
                    raise JobError(
                        f"The memory of the {self._device.type} device does not hold the network"
                        " and a single image.",
                        "Close what else uses it, or train with the device cpu.",
                    ) from error
                self._halve(len(piece))
                continue
            start += len(piece)
        return np.concatenate(parts)

    def _halve(self, images: int) -> None:
        self._largest = images // 2
        if self._device.type == "cuda":
            self._torch.cuda.empty_cache()
        said = (
            f"The memory of the {self._device.type} device ran out at {images} images at once;"
            f" the network went on with {self._largest}."
        )
        _log.warning(said)
        self._note(said)

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


def _out_of_memory(error: RuntimeError) -> bool:
    """CUDA has an error class of its own for it, the GPU of a Mac a message."""
    return type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error)


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
