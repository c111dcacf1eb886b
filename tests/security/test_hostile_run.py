"""Heads and checkpoints of a project from an attacker are believed only in their own form."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from curator.errors import ProjectAltered
from curator.learn.finetune import checkpoint
from curator.learn.recording import HEAD_FILE, WARM_FILE, kept_tensors
from curator.project import Project
from tests.conftest import copy_project

if TYPE_CHECKING:
    from pathlib import Path

HEADS = {
    "a pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
    "nothing": b"",
    "a header longer than the file": struct.pack("<Q", 1 << 62),
    "no tensors": save({"x": np.zeros(1, np.float32)}),
    "one dimension": save({"weight": np.zeros(3, np.float32), "bias": np.zeros(3, np.float32)}),
    "not a number": save(
        {"weight": np.full((3, 1280), np.nan, np.float32), "bias": np.zeros(3, np.float32)}
    ),
    "whole numbers": save({"weight": np.zeros((3, 4), np.int64), "bias": np.zeros(3, np.float32)}),
}


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_a_hostile_head_is_not_exported(head: str, sample_folder: Path, tmp_path: Path) -> None:
    """It is as good as none, and the export says which run's head is not what was kept."""
    with Project.open(copy_project(sample_folder, tmp_path / "hostile")) as project:
        newest = int(project.runs()["run"].iloc[-1])
        folder = project.runs_folder / str(newest)
        (folder / HEAD_FILE).write_bytes(HEADS[head])
        assert kept_tensors(folder, HEAD_FILE, {"weight": 2, "bias": 1}) is None
        with pytest.raises(ProjectAltered, match=f"The head of run {newest}"):
            project.export_model(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 2, 3), (6, 3, 9)])
def test_training_does_not_go_on_from_hostile_heads(
    shape: tuple[int, ...], sample_folder: Path, tmp_path: Path
) -> None:
    """Kept heads of other shapes are passed over, and the training is done anew."""
    kept = {
        "weights": np.zeros(shape, np.float32),
        "bias": np.zeros(shape[:2], np.float32),
        "mean": np.zeros(shape[-1], np.float32),
        "scale": np.ones(shape[-1], np.float32),
    }
    with Project.open(copy_project(sample_folder, tmp_path / "hostile")) as project:
        newest = int(project.runs()["run"].iloc[-1])
        (project.runs_folder / str(newest) / WARM_FILE).write_bytes(save(kept))
        assert project.train().run == newest + 1


RECORDS = {
    "nested too deep": "[" * 200_000,
    "a list": "[]",
    "words": '"x"',
    "no history": '{"format": "finetune-1", "fingerprint": "x", "extra": {}}',
    "history of words": '{"format": "finetune-1", "fingerprint": "x", "extra": {}, "history": 1}',
}


@pytest.mark.parametrize("record", RECORDS)
def test_a_hostile_checkpoint_is_set_aside(record: str, tmp_path: Path) -> None:
    """One with the right hash over what is no record is kept aside, and the run starts anew."""
    path = tmp_path / checkpoint.LAST
    tensors = {"network.a": torch.zeros(2)}
    digest = checkpoint._digest(tensors, RECORDS[record])
    path.write_bytes(save_torch(tensors, {"record": RECORDS[record], "sha256": digest}))
    notes: list[str] = []
    assert checkpoint.read_or_set_aside(path, "x", notes) is None
    assert "was damaged" in notes[0]
    assert not path.exists()
