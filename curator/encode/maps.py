"""A network's features before they are pooled: where in the picture each of them was seen.

Most networks end in the mean over all places, and what is linear in the features can then be told
for each place (class activation maps: Zhou and others, Learning Deep Features for Discriminative
Localization, 2016). The maps are read from the encoder's own graph, so torch is not needed. It
knows nothing of heads and classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.encode.graphs import open_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESHAPING = {"Reshape", "Flatten", "Squeeze", "Identity"}  # leave the numbers as they are
_CLOSE = 1e-3  # of the largest feature: what the mean of the maps may differ by


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network makes of N pictures. ``features``: (N, D)."""

    features: NDArray[np.float32]
    maps: NDArray[np.float32] | None
    """(N, D, h, w), whose mean over the places is ``features``; None where a network does not end
    in a mean over places."""


class MapEncoder:
    """Runs the graph of :func:`curator.encode.encoder.export`, with its maps where it has them."""

    def __init__(self, features: bytes) -> None:
        graph, self._has_maps = _with_maps(features)
        self._session = open_graph(graph)

    def look(self, batch: NDArray[np.uint8]) -> Seen:
        """Features and maps of a batch: uint8 (N, 3, size, size)."""
        features, *maps = self._session.run(None, {"image": batch})
        if not maps or maps[0].ndim != 4 or maps[0].shape[:2] != features.shape:
            return Seen(features, None)
        mean = maps[0].mean(axis=(2, 3))
        bound = _CLOSE * max(1.0, float(np.abs(features).max(initial=0)))
        agree = bool(np.abs(mean - features).max(initial=0) <= bound)
        return Seen(features, maps[0] if agree else None)


def _with_maps(features: bytes) -> tuple[bytes, bool]:
    """The graph with what it pools as a second output, and whether it pools at its end."""
    import onnx
    from onnx import helper

    model = onnx.load_from_string(features)
    pooled = _pooled(model.graph)
    if pooled is None:
        return features, False
    model.graph.output.append(
        helper.make_tensor_value_info(pooled, onnx.TensorProto.FLOAT, [None] * 4)
    )
    return model.SerializeToString(), True


def _pooled(graph: Any) -> str | None:
    """The value whose mean over the last two axes is the graph's output; None if there is none."""
    from onnx import numpy_helper

    made_by = {name: node for node in graph.node for name in node.output}
    node = made_by.get(graph.output[0].name)
    while node is not None and node.op_type in _RESHAPING:
        node = made_by.get(node.input[0])
    if node is None:
        return None
    if node.op_type == "GlobalAveragePool":
        return str(node.input[0])
    if node.op_type != "ReduceMean":
        return None
    axes = [list(part.ints) for part in node.attribute if part.name == "axes"]
    if not axes and len(node.input) > 1:
        constants = {part.name: part for part in graph.initializer}
        if node.input[1] in constants:
            axes = [numpy_helper.to_array(constants[node.input[1]]).tolist()]
    places = {axis % 4 for axis in axes[0]} if axes else set()
    return str(node.input[0]) if places == {2, 3} else None
