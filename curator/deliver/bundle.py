"""The job `export-model`: a folder that predicts without the project.

    model.safetensors   backbone and head, one file
    config.json         classes in order, architecture, preprocessing, metrics, versions, hashes
    README.md           the model card

Before the folder appears it is read back, and its answers on some of the project's images are
compared with those of the run.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

import curator
from curator.collect.decoding import decode
from curator.deliver.card import card
from curator.deliver.predict import CONFIG_FILE, FORMAT_VERSION, WEIGHTS_FILE, Predictor, digest
from curator.encode.backbones import choose
from curator.encode.stored import feature_cache
from curator.errors import BundleInvalid
from curator.files import refuse_occupied, replacing_folder, sha256_of, write_atomic
from curator.learn.train import HEAD_FILE
from curator.store import images, runs
from curator.store.classes import names_by_id

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.project import Project

CHECKED_IMAGES = 4
LARGEST_DIFFERENCE = 1e-2  # of a logit, between the run's features and the bundle's own


def run(
    project: Project, progress: Progress, out: str, run_id: int | None = None
) -> dict[str, Any]:
    """Write the model of a run (the newest) to the new folder ``out``.

    The head is the one that saw training images only: its error on the validation images, given
    in the card, is that of this very model. Raises TargetNotEmpty, NoRun, UnknownRun, FileError.
    """
    target = Path(out).expanduser().resolve()
    refuse_occupied(target)
    with project.database.read() as connection:
        found = runs.get(connection, run_id)
        names = names_by_id(connection)
        live = images.live(connection)
    progress.begin("exporting the model", 3)
    choice = choose(found.backbone, "cpu")
    head = load_file(project.runs_folder / str(found.id) / HEAD_FILE)
    labels = [names[class_id] for class_id in found.class_ids]
    with replacing_folder(target) as folder:
        _save_weights(folder / WEIGHTS_FILE, choice.backbone.load(), head)
        progress.advance()
        description = asdict(choice.backbone)
        description.pop("weights")
        config: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "classes": labels,
            "backbone": description,
            "run": found.id,
            "trained_at": found.at,
            "metrics": {
                key: found.metrics[key]
                for key in ("out_of_fold", "valid", "per_class", "confusion", "baselines")
            },
            "versions": {
                "curator": curator.__version__,
                "torch": importlib.metadata.version("torch"),
                "timm": importlib.metadata.version("timm"),
            },
        }
        config["sha256"] = {
            WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE),
            CONFIG_FILE: digest(config),
        }
        write_atomic(folder / CONFIG_FILE, json.dumps(config, indent=2).encode())
        write_atomic(folder / "README.md", card(project.name, config).encode())
        progress.advance()
        compared = _compare(project, folder, choice, head, live.head(CHECKED_IMAGES))
        progress.advance()
    return {
        "folder": str(target),
        "run": found.id,
        "classes": labels,
        "largest_difference": compared,
        "sentence": f"The model of run {found.id} is in {target}; read back, its answers agree "
        f"with the run's. Try: curator predict {target} IMAGE",
    }


def _save_weights(path: Path, network: Any, head: dict[str, Any]) -> None:
    import torch
    from safetensors.torch import save

    tensors = {f"backbone.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"head.{name}": torch.from_numpy(value.copy()) for name, value in head.items()}
    write_atomic(path, save({name: value.contiguous() for name, value in tensors.items()}))


def _compare(project: Project, folder: Path, choice: Any, head: dict[str, Any], some: Any) -> float:
    """Largest difference of a logit between the run and the bundle as read from disk."""
    if some.empty:
        return 0.0
    features = feature_cache(project, choice.backbone).rows(some["sha256"].tolist())
    expected = features @ head["weight"].T + head["bias"]
    predictor = Predictor.load(folder)
    pictures = [decode(project.originals / file) for file in some["file"]]
    difference = float(np.abs(predictor.logits(pictures) - expected).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleInvalid(
            f"The exported model's answers differ from the run's by {difference:.3g}.",
            "Nothing was written. Delete the folder features/ of the project and train again.",
        )
    return difference
