"""Making ``model.int8.onnx``: the same model with whole numbers of 8 bits, and whether it agrees.

Weights and activations are counted in 255 steps whose width is measured on training images (static
quantisation, per channel). Where that changes answers, as in networks of attention, only the
products of matrices are, with steps chosen anew for each picture (dynamic). Weights keep to 7 bits:
processors without instructions for it would overflow. The bar is in docs/experiments.md.
"""

from __future__ import annotations

import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from curator.deliver.graph import HEAD_NODES
from curator.encode.graphs import CPU_BATCH, open_graph
from curator.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnxruntime
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]

SAME_ANSWER = 0.98
"""Share of the validation images whose likeliest class must be the same."""
MEAN_DIFFERENCE = 0.02
"""The most that a probability may differ, on average over images and classes."""
_ROUNDS, _TIMED = 3, 8  # repeats of the two sides in turn, and images in each

Method = Literal["static", "dynamic"]


@dataclass(frozen=True, kw_only=True)
class Int8(Record):
    """How a model of 8-bit numbers compares with the one that it was made from."""

    kept: bool
    """Whether it agrees, and so is in the folder."""
    method: Method
    calibrated_on: int
    """Training images that the steps were measured on; 0 with the dynamic method."""
    images: int
    """Validation images that were compared."""
    same_answer: float
    """Share of them whose likeliest class is the same."""
    mean_difference: float
    """Of a probability, over images and classes."""
    largest_difference: float
    bytes: int
    images_per_second: float
    """On the processor of the export, in batches of 4; median of 3 rounds taken in turn."""
    images_per_second_float32: float

    @property
    def sentence(self) -> str:
        """Whether it is there, how well it agrees and how fast it is."""
        times = self.images_per_second / self.images_per_second_float32
        agreement = f"{self.same_answer:.1%} of {self.images} validation images"
        if not self.kept:
            return f"In 8 bits the model says the same of {agreement} only, so it was left out."
        return (
            f"model.int8.onnx says the same of {agreement}, at {times:.2f} times the speed and "
            f"{self.bytes / 1e6:.1f} MB."
        )


def quantised(graph: bytes, training: Pixels, validation: Pixels) -> tuple[bytes, Int8] | None:
    """The model in 8 bits that agrees best, and how well; None where nothing can be compared.

    ``graph``: of :func:`curator.deliver.graph.whole_graph`. ``training``: pixels (N, 3, S, S) to
    measure the steps on; ``validation``: those to compare on.
    """
    if not len(training) or not len(validation):
        return None
    whole = open_graph(graph)
    expected = _asked(whole, validation)
    best: tuple[bytes, Int8] | None = None
    methods: tuple[Method, ...] = ("static", "dynamic")
    for method in methods:
        made = _made(graph, method, training)
        if made is None:
            continue
        small = open_graph(made)
        said = _asked(small, validation)
        difference = np.abs(said - expected)
        same = float((said.argmax(axis=1) == expected.argmax(axis=1)).mean())
        agrees = same >= SAME_ANSWER and float(difference.mean()) <= MEAN_DIFFERENCE
        if best is not None and same <= best[1].same_answer and not agrees:
            continue
        fast, slow = _speeds((small, whole), validation)
        found = Int8(
            kept=agrees,
            method=method,
            calibrated_on=len(training) if method == "static" else 0,
            images=len(validation),
            same_answer=same,
            mean_difference=float(difference.mean()),
            largest_difference=float(difference.max()),
            bytes=len(made),
            images_per_second=round(fast, 1),
            images_per_second_float32=round(slow, 1),
        )
        best = made, found
        if agrees:
            break
    return best


def _made(graph: bytes, method: Method, training: Pixels) -> bytes | None:
    """The graph in 8 bits; None where it has nothing for the method."""
    import onnx
    from onnxruntime import quantization as tool

    model = onnx.load_from_string(graph)
    weights = {each.name for each in model.graph.initializer}
    products = [
        node.name
        for node in model.graph.node
        if node.op_type in {"MatMul", "Gemm"}
        and node.name not in HEAD_NODES
        and node.input[1] in weights
    ]
    if method == "dynamic" and not products:
        return None
    before = logging.root.level  # the tool advises on the root logger
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "model.onnx"
        try:
            logging.root.setLevel(logging.ERROR)
            if method == "static":
                tool.quantize_static(
                    model,
                    out,
                    _Reader(training),
                    per_channel=True,
                    reduce_range=True,
                    nodes_to_exclude=_left_alone(model),
                )
            else:
                tool.quantize_dynamic(
                    model,
                    out,
                    op_types_to_quantize=["MatMul", "Gemm"],
                    per_channel=True,
                    reduce_range=True,
                    nodes_to_exclude=list(HEAD_NODES),
                )
        finally:
            logging.root.setLevel(before)
        small = onnx.load(out)
    used = {node.domain for node in small.graph.node}
    kept = [each for each in small.opset_import if each.domain in used | {""}]
    del small.opset_import[:], small.metadata_props[:]
    small.opset_import.extend(kept)
    data: bytes = small.SerializeToString()
    return data


def _left_alone(model: Any) -> list[str]:
    """Nodes before the first layer and behind the features: cheap, and their precision decides."""
    names: list[str] = []
    for node in model.graph.node:
        if node.op_type in {"Conv", "MatMul", "Gemm"}:
            break
        names.append(node.name)
    return [*names, *HEAD_NODES, "features", "views.pairs", "views.mean"]


class _Reader:
    """The training images, a batch at a time, as the tool asks for them."""

    def __init__(self, pixels: Pixels) -> None:
        starts = range(0, len(pixels), CPU_BATCH)
        self._batches = iter([pixels[start : start + CPU_BATCH] for start in starts])

    def get_next(self) -> dict[str, Pixels] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def _asked(session: onnxruntime.InferenceSession, pixels: Pixels) -> Floats:
    """Probabilities (N, K)."""
    parts = [
        session.run(["probabilities"], {"pixels": pixels[start : start + CPU_BATCH]})[0]
        for start in range(0, len(pixels), CPU_BATCH)
    ]
    return np.concatenate(parts)


def _speeds(sessions: Sequence[onnxruntime.InferenceSession], pixels: Pixels) -> list[float]:
    """Images a second of each, in turn; the median of the rounds."""
    asked = np.resize(pixels, (_TIMED, *pixels.shape[1:]))
    seconds: list[list[float]] = [[] for _ in sessions]
    for _ in range(_ROUNDS):
        for taken, session in zip(seconds, sessions, strict=True):
            began = time.perf_counter()
            _asked(session, asked)
            taken.append(time.perf_counter() - began)
    return [_TIMED / float(np.median(taken)) for taken in seconds]
