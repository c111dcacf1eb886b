"""The job `export-model`: a folder that predicts without the project, and without this program.

    model.onnx          pixels to calibrated probabilities and features, one file
    model.int8.onnx     the same in 8 bits, where it agrees
    model.safetensors   the weights of backbone and head
    model.pt2           the same as a program of torch.export, where asked for
    gate.safetensors    where "none of these" begins, for a frozen backbone
    labels.txt          classes in order, one a line
    config.json         classes, architecture, preprocessing, metrics, versions, hashes
    example.py          predicts with onnxruntime, numpy and pillow alone
    README.md           the model card

Before the folder appears each model in it is read back, and its answers on validation images are
compared with those that the run recorded.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save

from curator.deliver import by_torch
from curator.deliver.card import card
from curator.deliver.graph import whole_graph
from curator.deliver.predict import Predictor
from curator.deliver.quantised import Int8, quantised
from curator.deliver.received import (
    CARD_FILE,
    CONFIG_FILE,
    EXAMPLE_FILE,
    FORMAT_VERSION,
    GATE_FILE,
    INT8_FILE,
    LABELS_FILE,
    ONNX_FILE,
    PT2_FILE,
    WEIGHTS_FILE,
    digest,
    read_config,
)
from curator.encode.backbones import choose, fetch_weights
from curator.encode.backbones.description import described
from curator.encode.encoder import graph_file
from curator.encode.preprocess import prepare_image
from curator.errors import BundleInvalid
from curator.files import refuse_occupied, replacing_folder, write_atomic
from curator.hashing import sha256_of
from curator.imaging.decoding import decode
from curator.jobs.report import Report
from curator.learn.recipes import recipe_named
from curator.learn.strangers.from_run import fit_gate
from curator.platform import shell_command
from curator.store import images, judgements, runs
from curator.store.classes import names_by_id
from curator.store.originals import read_whole
from curator.store.predictions import Predictions, predictions_of
from curator.version import __version__

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.encode.backbones import Backbone
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

COMPARED, COMPARED_BY_TORCH, CALIBRATED = 96, 8, 16  # images
CARD_METRICS = (
    "out_of_fold",
    "valid",
    "elsewhere",
    "per_class",
    "confusion",
    "baselines",
    "judged_on",
)
LARGEST_DIFFERENCE = 1e-2  # of a probability, between what the run said and the bundle says


@dataclass(frozen=True, kw_only=True)
class ModelReport(Report):
    """A model that was written."""

    folder: str
    run: int
    classes: tuple[str, ...]
    """In the order of the model's outputs."""
    files: dict[str, int]
    """The files of the folder, with their bytes."""
    largest_difference: float | None
    """Of a probability, between what the run said and what the bundle, read back, says; None where
    no validation image was left to ask about."""
    int8: Int8 | None
    """How the model in 8 bits compares; None where it was not asked for or nothing to compare."""


def run(
    workspace: Workspace,
    progress: Progress,
    out: str,
    run_id: int | None = None,
    pt2: bool = False,
    int8: bool = True,
) -> ModelReport:
    """Write the model of a run to the new folder ``out``; by default of :func:`runs.to_export`.

    The model is the one that saw training images only: its error on the validation images, given
    in the card, is that of this very model. ``pt2``: a program of torch.export, too. ``int8``: try
    a model in 8 bits. Raises TargetNotEmpty, NoRun, UnknownRun, FileError, WeightsMissing,
    BundleInvalid, and OriginalMissing or OriginalAltered for an image that it is asked about.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    with workspace.database.read() as connection:
        found = runs.to_export(connection) if run_id is None else runs.get(connection, run_id)
        if found.interim and not found.out_of_fold:
            raise runs.replaced(found)
        names = names_by_id(connection)
        live = images.live(connection)
        said = predictions_of(connection, found)
        tested = _tested(connection, found)
    progress.begin("exporting the model", 5 + pt2)
    choice = choose(found.backbone, "cpu")
    fetch_weights(choice.backbone)
    labels = [names[class_id] for class_id in found.class_ids]
    asked = _Asked.of(workspace, choice.backbone, said, live, with_training=int8)
    progress.advance()
    with replacing_folder(target) as folder:
        kept = workspace.runs_folder / str(found.id)
        gate = fit_gate(workspace, found)
        if gate is not None:
            write_atomic(folder / GATE_FILE, save(gate.to_arrays()))
        recipe = recipe_named(found.recipe)
        write_atomic(folder / WEIGHTS_FILE, recipe.model(kept, choice.backbone))
        config = _config(found, choice.backbone, labels)
        config["none_of_these"] = None if gate is None else gate.sentence
        config["metrics"] |= tested["metrics"]
        config["test_set_looks"] = tested["looks"]
        graph = _graph(folder, choice.backbone, frozen=recipe.keeps_head, mirror=config["mirror"])
        write_atomic(folder / ONNX_FILE, graph)
        progress.advance()
        small = quantised(graph, asked.training, asked.validation) if int8 else None
        if small is not None and small[1].kept:
            write_atomic(folder / INT8_FILE, small[0])
        config["int8"] = None if small is None else small[1].to_dict()
        progress.advance()
        _write_helpers(folder, labels)
        _sign(folder, config)
        if pt2:
            by_torch.write_program(folder, read_config(folder), folder / PT2_FILE)
            progress.advance()
        config["files"] = _sizes(folder)
        write_atomic(folder / CARD_FILE, card(workspace.name, config).encode())
        _sign(folder, config)
        progress.advance()
        compared = _compare(folder, asked)
        progress.advance()
        files = _sizes(folder)
    read_back = "" if compared is None else "; read back, its answers agree with the run's"
    return ModelReport(
        folder=str(target),
        run=found.id,
        classes=tuple(labels),
        files=files,
        largest_difference=compared,
        int8=None if small is None else small[1],
        sentence=f"The model of {found.title} is in {target}{read_back}. "
        f"Try: {shell_command('curator', 'predict', target, 'IMAGE')}",
    )


def _config(run: runs.Run, backbone: Backbone, labels: list[str]) -> dict[str, Any]:
    """What a config says of the run and its network."""
    return {
        "format_version": FORMAT_VERSION,
        "classes": labels,
        "backbone": described(backbone),
        # Whether an answer is the average over the image and its mirror image.
        "mirror": bool(run.settings.get("mirror")),
        "recipe": run.recipe,
        "run": run.id,
        "trained_at": run.at,
        "metrics": {key: value for key, value in run.metrics.items() if key in CARD_METRICS},
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "onnx", "onnxruntime", backbone.library)
        }
        | {"curator": __version__},
    }


def example_source() -> Path:
    """The file that becomes ``example.py``."""
    return Path(__file__).with_name("example.py")


@dataclass(frozen=True)
class _Asked:
    """Images as the model sees them, uint8 (N, 3, S, S), and what the run said of some."""

    validation: NDArray[np.uint8]
    expected: NDArray[np.float32]  # (N, K), of the validation images
    training: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        backbone: Backbone,
        said: Predictions,
        live: pd.DataFrame,
        *,
        with_training: bool,
    ) -> _Asked:
        """Images spread over what is there. Raises OriginalMissing, OriginalAltered."""
        judged = ~np.isnan(said.fixed).any(axis=1)
        there = np.isin(said.image_ids, live["image_id"])
        table = live.set_index("image_id")

        def pixels(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
            # Another picture under the old name would look like a fault of the model.
            found = [
                prepare_image(
                    decode(
                        read_whole(
                            workspace.original(image["file"]), image["sha256"], image["bytes"]
                        ),
                        at_least=backbone.resize,
                    ),
                    backbone,
                )
                for image in table.loc[said.image_ids[rows]].to_dict("records")
            ]
            empty = np.empty((0, 3, backbone.size, backbone.size), np.uint8)
            return np.stack(found) if found else empty

        valid = _spread(np.flatnonzero(judged & there), COMPARED)
        train = _spread(np.flatnonzero(~judged & there), CALIBRATED * with_training)
        return cls(pixels(valid), said.fixed[valid], pixels(train))


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Up to so many of the rows, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]


def _graph(folder: Path, backbone: Backbone, *, frozen: bool, mirror: bool) -> bytes:
    """The graph of the model whose weights are in the folder."""
    tensors = load_file(folder / WEIGHTS_FILE)
    if frozen:
        features = graph_file(backbone).read_bytes()
    else:
        features = by_torch.features_graph(backbone, folder / WEIGHTS_FILE)
    return whole_graph(features, tensors["head.weight"], tensors["head.bias"], mirror=mirror)


def _tested(connection: Connection, run: runs.Run) -> dict[str, Any]:
    """How the run did on the test images, where it was judged on them, and how often."""
    newest = judgements.newest(connection, run.id)
    if newest is None:
        return {"metrics": {}, "looks": None}
    looks = {"run": judgements.times(connection, run.id), "all": judgements.times(connection)}
    return {"metrics": {"test": newest.quality}, "looks": looks}


def _write_helpers(folder: Path, labels: list[str]) -> None:
    """What uses without this program need beside the model."""
    write_atomic(folder / LABELS_FILE, "".join(f"{label}\n" for label in labels).encode())
    write_atomic(folder / EXAMPLE_FILE, example_source().read_bytes())


def _sizes(folder: Path) -> dict[str, int]:
    """The files of a folder by name, with their bytes."""
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def _sign(folder: Path, config: dict[str, Any]) -> None:
    """Write the config with the hashes of all files."""
    config["sha256"] = {
        name: sha256_of(folder / name) for name in _sizes(folder) if name != CONFIG_FILE
    } | {CONFIG_FILE: digest(config)}
    write_atomic(folder / CONFIG_FILE, json.dumps(config, indent=2).encode())


def _compare(folder: Path, asked: _Asked) -> float | None:
    """Largest difference of a probability between the run and the bundle as read from disk.

    None where no validation image is left to ask about.
    """
    predictor = Predictor.load(folder)
    few = asked.validation[:COMPARED_BY_TORCH]
    answers = {
        ONNX_FILE: predictor.ask(asked.validation).probabilities,
        WEIGHTS_FILE: by_torch.model(folder, read_config(folder))(few)[0],
    }
    if (folder / PT2_FILE).exists():
        answers[PT2_FILE] = by_torch.read_program(folder / PT2_FILE)(few)[0]
    if (folder / INT8_FILE).exists():
        Predictor.load(folder, int8=True)  # whose answers were compared when it was made
    if not len(few):
        return None
    largest = 0.0
    for name, shares in answers.items():
        difference = float(np.abs(shares - asked.expected[: len(shares)]).max())
        if not difference <= LARGEST_DIFFERENCE:
            raise BundleInvalid(
                f"The answers of the exported {name} differ from the run's by {difference:.3g}.",
                "Nothing was written. Train again, and export the new run.",
            )
        largest = max(largest, difference)
    return largest
