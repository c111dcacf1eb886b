"""Making ``model.onnx``: the graph of the backbone with the head, the mirror image and softmax.

The graph from pixels to features is the encoder's own, so the model sees what the training saw; the
rest is added to it node by node. What the exporter notes of the machine that it ran on is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD_NODES = ("head.product", "head.logits", "probabilities")
"""Names of the nodes behind the features: a head is small, and its precision decides."""


def whole_graph(
    features: bytes,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    mirror: bool,
) -> bytes:
    """Pixels uint8 (N, 3, S, S) to ``probabilities`` (N, K) and ``features`` (N, D).

    ``features``: the graph of :func:`curator.encode.encoder.export`. ``weight`` (K, D), ``bias``
    (K,): the calibrated head. ``mirror``: features are the mean of the picture's and of its mirror
    image's, both of them in one pass.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(features)
    graph = model.graph
    _forget_where_it_was_made(model)
    old_in, old_out = graph.input[0].name, graph.output[0].name
    classes, dimension = weight.shape
    shape = [dim.dim_value or None for dim in graph.input[0].type.tensor_type.shape.dim]
    constants: dict[str, NDArray[Any]] = {
        "head.weight": np.ascontiguousarray(weight.T, np.float32),
        "head.bias": bias.astype(np.float32),
    }
    before = []
    seen = "pixels"
    behind = []
    mean = old_out
    if mirror:
        constants |= {
            "mirror.start": np.array([-1], np.int64),
            "mirror.end": np.array([np.iinfo(np.int64).min], np.int64),
            "mirror.axis": np.array([3], np.int64),
            "mirror.step": np.array([-1], np.int64),
            "mirror.pairs": np.array([2, -1, dimension], np.int64),
            "mirror.of": np.array([0], np.int64),
        }
        cut = ["pixels", "mirror.start", "mirror.end", "mirror.axis", "mirror.step"]
        seen = "views.both"
        before = [
            helper.make_node("Slice", cut, ["views.mirrored"], name="views.mirrored"),
            helper.make_node("Concat", ["pixels", "views.mirrored"], [seen], name=seen, axis=0),
        ]
        behind = [
            helper.make_node(
                "Reshape", [old_out, "mirror.pairs"], ["views.pairs"], name="views.pairs"
            ),
            helper.make_node(
                "ReduceMean",
                ["views.pairs", "mirror.of"],
                ["views.mean"],
                name="views.mean",
                keepdims=0,
            ),
        ]
        mean = "views.mean"
    for node in graph.node:
        node.input[:] = [seen if name == old_in else name for name in node.input]
    product, logits, softmax = HEAD_NODES
    behind += [
        helper.make_node("Identity", [mean], ["features"], name="features"),
        helper.make_node("MatMul", [mean, "head.weight"], [product], name=product),
        helper.make_node("Add", [product, "head.bias"], [logits], name=logits),
        helper.make_node("Softmax", [logits], ["probabilities"], name=softmax, axis=-1),
    ]
    nodes = [*before, *graph.node, *behind]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
    float32 = onnx.TensorProto.FLOAT
    graph.input.append(
        helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, ["batch", *shape[1:]])
    )
    graph.output.extend(
        helper.make_tensor_value_info(name, float32, ["batch", size])
        for name, size in (("probabilities", classes), ("features", dimension))
    )
    if old_out == "features":
        _rename(graph, "features", "views.features")
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _rename(graph: Any, old: str, new: str) -> None:
    """Give a value that the backbone makes another name; the model's own output keeps its name."""
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        if node.name != "features":
            node.output[:] = [new if name == old else name for name in node.output]


def _forget_where_it_was_made(model: Any) -> None:
    """The exporter notes the lines of the code, with their folders."""
    del model.metadata_props[:]
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
