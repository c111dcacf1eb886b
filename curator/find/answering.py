"""The network of a run, with its maps, and the head that judged an image.

Of an instant run the heads of all folds are kept; the one that judged the image is that which gives
the probabilities that were kept of it. A fine-tuned network's graph is made from its weights once,
which takes torch and some seconds, and kept in the user's cache under the weights' hash.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.encode.backbones import networks
from curator.encode.derived import derived_file
from curator.encode.encoder import export, graph_file
from curator.encode.maps import MapEncoder
from curator.errors import InputError, ProjectAltered
from curator.hashing import sha256_of
from curator.learn.evaluation.metrics import softmax
from curator.learn.recipes import recipe_named
from curator.learn.recording import HEAD_FILE, MODEL_FILE, WARM_FILE, kept_tensors
from curator.store import runs, schema
from curator.store.predictions import unpack_row
from curator.trust import inside, plain_file

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.encode.backbones import Backbone
    from curator.store.workspace import Workspace

_SAME = 0.02  # of a probability: what a head's answer may differ by from the one that was kept
_REMEMBERED = 2  # graphs, some 20 to 100 MB each

_graphs: OrderedDict[Path, MapEncoder] = OrderedDict()

Head = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
"""Weights (K, D) and bias (K,); the softmax of its logits is calibrated."""


@dataclass(frozen=True, eq=False)
class Said:
    """What the run said of the image, (K,), if it saw it, and whether by a model that did so."""

    probabilities: NDArray[np.float32] | None
    learnt_from: bool  # by the exported model


def said_of(connection: Connection, run: runs.Run, image_id: int) -> Said:
    """What a run said of an image, nothing where it did not see it."""
    table = schema.predictions.c
    query = select(table.probabilities, table.in_sample, table.fixed_probabilities).where(
        table.run_id == run.id, table.image_id == image_id
    )
    row = connection.execute(query).first()
    if row is None:
        return Said(None, learnt_from=False)
    shares = None
    if not row.in_sample:
        shares = unpack_row(row.probabilities, len(run.class_ids), run.id)
    return Said(shares, learnt_from=row.fixed_probabilities is None)


def mean_of_views(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean (D, h, w) of the maps (V, D, h, w) of a picture and, turned back, its mirror image.

    ``V``: 1, the picture alone, or 2.
    """
    turned = [part[..., ::-1] if place else part for place, part in enumerate(maps)]
    found: NDArray[np.float32] = np.mean(turned, axis=0)
    return found


def answering(
    workspace: Workspace,
    run: runs.Run,
    backbone: Backbone,
    views: list[NDArray[np.uint8]],
    told: Said,
    ready_only: bool,
) -> tuple[MapEncoder, Head, bool, NDArray[np.float32] | None]:
    """The network, the head that judged the image, whether it learnt from it, maps (D, h, w).

    The maps are the mean over the views, mirrored ones turned back.
    """
    folder = workspace.runs_folder / str(run.id)
    if recipe_named(run.recipe).keeps_head:
        network = _network(graph_file(backbone))
        heads = _kept_heads(folder, run, backbone.dimension)
    else:
        weights = plain_file(inside(folder, MODEL_FILE))
        network = _network(_tuned_graph(weights, backbone, run, ready_only))
        heads = [_tuned_head(weights, run, backbone.dimension)]
    seen = network.look(np.stack(views))
    maps = None if seen.maps is None else mean_of_views(seen.maps)
    features = seen.features.mean(axis=0)
    if told.probabilities is not None and len(heads) > 1:
        away = [
            float(np.abs(softmax((features @ w.T + b)[None])[0] - told.probabilities).max())
            for w, b in heads
        ]
        nearest = int(np.argmin(away))
        if away[nearest] <= _SAME:
            return network, heads[nearest], False, maps
    return network, heads[0], told.learnt_from, maps


def _kept_heads(folder: Path, run: runs.Run, dimension: int) -> list[Head]:
    """The exported head, then those of the folds, all calibrated."""
    kept = kept_tensors(folder, HEAD_FILE, {"weight": 2, "bias": 1})
    classes = len(run.class_ids)
    if kept is None or kept["weight"].shape != (classes, dimension):
        raise _altered(run)
    found: list[Head] = [(kept["weight"], kept["bias"])]
    sizes = {"weights": 3, "bias": 2, "mean": 1, "scale": 1}
    heads = kept_tensors(folder, WARM_FILE, sizes)
    heat, folds = run.settings.get("temperature"), run.settings.get("folds")
    if heads is None or not isinstance(heat, int | float) or not isinstance(folds, int):
        return found
    weights, bias = heads["weights"], heads["bias"]
    if weights.shape[1:] != (classes, dimension) or bias.shape != weights.shape[:2]:
        return found
    for each, own in list(zip(weights, bias, strict=True))[: max(0, folds)]:
        raw = each / heads["scale"]
        found.append((raw / np.float32(heat), (own - raw @ heads["mean"]) / np.float32(heat)))
    return found


def _network(graph: Path) -> MapEncoder:
    network = _graphs.pop(graph, None) or MapEncoder(graph.read_bytes())
    _graphs[graph] = network
    while len(_graphs) > _REMEMBERED:
        _graphs.popitem(last=False)
    return network


def _tuned_graph(weights: Path, backbone: Backbone, run: runs.Run, ready_only: bool) -> Path:
    """The graph of a fine-tuned network, made once for its weights and kept."""

    def make() -> bytes:
        if ready_only:
            raise InputError(
                f"The network of {run.title} was fine-tuned and is not prepared for this yet.",
                "Run `curator explain PROJECT ID --out FOLDER` once, then ask again.",
            )
        return export(backbone, _tuned_network(weights, backbone, run))

    try:
        key = sha256_of(weights)[:32]
    except OSError as error:
        raise _altered(run) from error
    return derived_file(f"{backbone.key}-{key}-tuned.onnx", make)


def _tuned_network(weights: Path, backbone: Backbone, run: runs.Run) -> torch.nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(weights)
        body = {
            name.removeprefix("backbone."): value
            for name, value in tensors.items()
            if name.startswith("backbone.")
        }
        return networks.with_weights(backbone, body)
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise _altered(run) from error


def _tuned_head(weights: Path, run: runs.Run, dimension: int) -> Head:
    kept = kept_tensors(weights.parent, weights.name, {"head.weight": 2, "head.bias": 1})
    if kept is None or kept["head.weight"].shape != (len(run.class_ids), dimension):
        raise _altered(run)
    return kept["head.weight"], kept["head.bias"]


def _altered(run: runs.Run) -> ProjectAltered:
    return ProjectAltered(
        f"What {run.title} kept of its model is missing, or is not what was kept.", "Train again."
    )
