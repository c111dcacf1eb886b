"""The job `export-model`: a folder that predicts without the project.

    model.safetensors   backbone and head, one file
    config.json         classes in order, architecture, preprocessing, metrics, versions, hashes
    README.md           the model card

Before the folder appears it is read back, and its answers on some of the validation images are
compared with those that the run recorded.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import curator
from curator.collect.decoding import decode
from curator.deliver.card import card
from curator.deliver.predict import Predictor
from curator.deliver.received import CONFIG_FILE, FORMAT_VERSION, WEIGHTS_FILE, digest
from curator.encode.backbones import choose, fetch_weights
from curator.errors import BundleInvalid, ProjectAltered
from curator.files import refuse_occupied, replacing_folder, sha256_of, write_atomic
from curator.learn.metrics import softmax
from curator.learn.recording import HEAD_FILE, MODEL_FILE, kept_tensors
from curator.platform import shell_command
from curator.store import images, runs
from curator.store.classes import names_by_id
from curator.store.originals import read_whole
from curator.trust import plain_file

if TYPE_CHECKING:
    import pandas as pd

    from curator.encode.backbones import Backbone
    from curator.jobs.progress import Progress
    from curator.project import Project

CHECKED_IMAGES = 8
LARGEST_DIFFERENCE = 1e-2  # of a probability, between what the run said and the bundle says


def run(
    project: Project, progress: Progress, out: str, run_id: int | None = None
) -> dict[str, Any]:
    """Write the model of a run (the newest) to the new folder ``out``.

    The model is the one that saw training images only: its error on the validation images, given
    in the card, is that of this very model. Raises TargetNotEmpty, NoRun, UnknownRun, FileError,
    WeightsMissing, BundleInvalid, and OriginalMissing or OriginalAltered for an image that it is
    asked about.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    with project.database.read() as connection:
        found = runs.to_export(connection) if run_id is None else runs.get(connection, run_id)
        names = names_by_id(connection)
        live = images.live(connection)
        said = runs.predictions_of(connection, found)
    progress.begin("exporting the model", 3)
    choice = choose(found.backbone, "cpu")
    fetch_weights(choice.backbone)
    labels = [names[class_id] for class_id in found.class_ids]
    with replacing_folder(target) as folder:
        write_atomic(folder / WEIGHTS_FILE, _weights(project, found, choice.backbone))
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
            "metrics": {
                key: found.metrics[key]
                for key in (
                    "out_of_fold",
                    "valid",
                    "per_class",
                    "confusion",
                    "baselines",
                    "judged_on",
                )
                if key in found.metrics
            },
            "versions": {
                "curator": curator.__version__,
                "torch": importlib.metadata.version("torch"),
                choice.backbone.library: importlib.metadata.version(choice.backbone.library),
            },
        }
        config["sha256"] = {
            WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE),
            CONFIG_FILE: digest(config),
        }
        write_atomic(folder / CONFIG_FILE, json.dumps(config, indent=2).encode())
        write_atomic(folder / "README.md", card(project.name, config).encode())
        progress.advance()
        compared = _compare(project, folder, said, live)
        progress.advance()
    read_back = "" if compared is None else "; read back, its answers agree with the run's"
    return {
        "folder": str(target),
        "run": found.id,
        "classes": labels,
        "largest_difference": compared,
        "sentence": f"The model of run {found.id} is in {target}{read_back}. "
        f"Try: {shell_command('curator', 'predict', target, 'IMAGE')}",
    }


def _weights(project: Project, run: runs.Run, backbone: Backbone) -> bytes:
    """Backbone and head of the run as one file."""
    if run.recipe == "finetune":
        return plain_file(project.runs_folder / str(run.id) / MODEL_FILE).read_bytes()
    import torch
    from safetensors.torch import save

    tensors = {f"backbone.{name}": value for name, value in backbone.load().state_dict().items()}
    head = kept_tensors(project, run.id, HEAD_FILE, {"weight": 2, "bias": 1})
    if head is None:
        raise ProjectAltered(
            f"The head of run {run.id} is missing, or is not what was kept.",
            "Nothing was written. Train again, and export the new run.",
        )
    tensors |= {f"head.{name}": torch.from_numpy(value.copy()) for name, value in head.items()}
    return save({name: value.contiguous() for name, value in tensors.items()})


def _compare(
    project: Project, folder: Path, said: runs.Predictions, live: pd.DataFrame
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
        decode(read_whole(project.original(image["file"]), image["sha256"], image["bytes"]))
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
