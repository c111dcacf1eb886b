"""The job `export-model`: a folder that predicts without the project.

    model.safetensors   backbone and head, one file
    config.json         classes in order, architecture, preprocessing, metrics, versions, hashes
    gate.safetensors    where "none of these" begins, for a frozen backbone
    README.md           the model card

Before the folder appears it is read back, and its answers on some of the validation images are
compared with those that the run recorded.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from curator.deliver.card import card
from curator.deliver.predict import Predictor
from curator.deliver.received import CONFIG_FILE, FORMAT_VERSION, WEIGHTS_FILE, digest
from curator.encode.backbones import choose, fetch_weights
from curator.errors import BundleInvalid
from curator.files import refuse_occupied, replacing_folder, write_atomic
from curator.hashing import sha256_of
from curator.imaging.decoding import decode
from curator.jobs.report import Report
from curator.learn.evaluation.metrics import softmax
from curator.learn.recipes import recipe_named
from curator.learn.strangers.from_run import GATE_FILE, fit_gate
from curator.platform import shell_command
from curator.store import images, judgements, runs
from curator.store.classes import names_by_id
from curator.store.originals import read_whole
from curator.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace

CHECKED_IMAGES = 8
CARD_METRICS = ("out_of_fold", "valid", "per_class", "confusion", "baselines", "judged_on")
LARGEST_DIFFERENCE = 1e-2  # of a probability, between what the run said and the bundle says


@dataclass(frozen=True, kw_only=True)
class ModelReport(Report):
    """A model that was written."""

    folder: str
    run: int
    classes: tuple[str, ...]
    """In the order of the model's outputs."""
    largest_difference: float | None
    """Of a probability, between what the run said and what the bundle, read back, says; None where
    no validation image was left to ask about."""


def run(
    workspace: Workspace, progress: Progress, out: str, run_id: int | None = None
) -> ModelReport:
    """Write the model of a run to the new folder ``out``; by default of :func:`runs.to_export`.

    The model is the one that saw training images only: its error on the validation images, given
    in the card, is that of this very model. Raises TargetNotEmpty, NoRun, UnknownRun, FileError,
    WeightsMissing, BundleInvalid, and OriginalMissing or OriginalAltered for an image that it is
    asked about.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    with workspace.database.read() as connection:
        found = runs.to_export(connection) if run_id is None else runs.get(connection, run_id)
        if found.interim and not found.out_of_fold:
            raise runs.replaced(found)
        names = names_by_id(connection)
        live = images.live(connection)
        said = runs.predictions_of(connection, found)
        on_test = judgements.newest(connection, found.id)
        looks = {"run": judgements.times(connection, found.id), "all": judgements.times(connection)}
    progress.begin("exporting the model", 3)
    choice = choose(found.backbone, "cpu")
    fetch_weights(choice.backbone)
    labels = [names[class_id] for class_id in found.class_ids]
    with replacing_folder(target) as folder:
        kept = workspace.runs_folder / str(found.id)
        model = recipe_named(found.recipe).model(kept, choice.backbone)
        write_atomic(folder / WEIGHTS_FILE, model)
        gate = fit_gate(workspace, found)
        progress.advance()
        description = asdict(choice.backbone)
        description.pop("source")
        config: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "classes": labels,
            "backbone": description,
            # Whether an answer is the average over the image and its mirror image.
            "mirror": bool(found.settings.get("mirror")),
            "recipe": found.recipe,
            "run": found.id,
            "trained_at": found.at,
            "metrics": {key: value for key, value in found.metrics.items() if key in CARD_METRICS},
            "versions": {
                "curator": __version__,
                "torch": importlib.metadata.version("torch"),
                choice.backbone.library: importlib.metadata.version(choice.backbone.library),
            },
        }
        if on_test is not None:
            config["metrics"]["test"] = on_test.quality
            config["test_set_looks"] = looks
        files = [WEIGHTS_FILE]
        if gate is not None:
            write_atomic(folder / GATE_FILE, save(gate.to_arrays()))
            config["none_of_these"] = gate.sentence
            files.append(GATE_FILE)
        config["sha256"] = {file: sha256_of(folder / file) for file in files}
        config["sha256"][CONFIG_FILE] = digest(config)
        write_atomic(folder / CONFIG_FILE, json.dumps(config, indent=2).encode())
        write_atomic(folder / "README.md", card(workspace.name, config).encode())
        progress.advance()
        compared = _compare(workspace, folder, said, live)
        progress.advance()
    read_back = "" if compared is None else "; read back, its answers agree with the run's"
    return ModelReport(
        folder=str(target),
        run=found.id,
        classes=tuple(labels),
        largest_difference=compared,
        sentence=f"The model of {found.title} is in {target}{read_back}. "
        f"Try: {shell_command('curator', 'predict', target, 'IMAGE')}",
    )


def _compare(
    workspace: Workspace, folder: Path, said: runs.Predictions, live: pd.DataFrame
) -> float | None:
    """Largest difference of a probability between the run and the bundle as read from disk.

    None where no validation image is left to ask about.
    """
    judged = ~np.isnan(said.fixed).any(axis=1)
    there = np.isin(said.image_ids, live["image_id"])
    rows = np.flatnonzero(judged & there)[:CHECKED_IMAGES].tolist()
    if not rows:
        return None
    predictor = Predictor.load(folder)
    asked = live.set_index("image_id").loc[said.image_ids[rows]]
    # Another picture under the old name would look like a fault of the model.
    pictures = [
        decode(read_whole(workspace.original(image["file"]), image["sha256"], image["bytes"]))
        for image in asked.to_dict("records")
    ]
    answers = softmax(predictor.logits(pictures))
    difference = float(np.abs(answers - said.fixed[rows]).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleInvalid(
            f"The exported model's answers differ from the run's by {difference:.3g}.",
            "Nothing was written. Train again, and export the new run.",
        )
    return difference
