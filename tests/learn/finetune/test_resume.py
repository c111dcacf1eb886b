"""Checkpoints: a run that is killed goes on as if nothing had been; a damaged file is set aside."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

from curator.errors import JobCancelled, WeightsAltered
from curator.learn.finetune.checkpoint import LAST, Checkpoint, read, write
from tests.learn.finetune.killed import SETTINGS, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.learn.finetune.loop import Fitted

ROOT = Path(__file__).resolve().parents[3]
STEPS = 10  # of an epoch: 320 rows, 32 at a time


@pytest.fixture(scope="module")
def whole() -> Fitted:
    """The run without interruption."""
    return train(None)


def without_time(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must repeat itself."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def assert_equal(found: Fitted, expected: Fitted) -> None:
    """Histories, chosen epoch and every weight are the same, bit by bit."""
    assert without_time(found.history) == without_time(expected.history)
    assert found.epoch == expected.epoch
    other = expected.network.state_dict()
    for name, value in found.network.state_dict().items():
        assert torch.equal(value, other[name]), name


def kill_after(step: int, folder: Path) -> None:
    """Start a training process and kill it when it reports that step."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.learn.finetune.killed", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if int(line) >= step:
                process.kill()
                break
    assert process.wait() != 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        2 * STEPS + 4,
        pytest.param(STEPS + 3, marks=pytest.mark.soak),
        pytest.param(4 * STEPS - 2, marks=pytest.mark.soak),
    ],
)
def test_a_killed_run_goes_on_exactly(step: int, whole: Fitted, tmp_path: Path) -> None:
    """Killed with the head alone learning, just after it, or later: the end is the same."""
    kill_after(step, tmp_path)
    kept = read(tmp_path / LAST)
    assert kept is not None
    done = len(kept.history)
    assert done in {(step - 1) // STEPS, step // STEPS}
    told: list[int] = []
    found = train(tmp_path, on_epoch=lambda row: told.append(row["epoch"]))
    assert_equal(found, whole)
    assert told == [1, 2, 3, 4, 5]
    assert found.notes == [f"Went on after epoch {done}, from the checkpoint."]


def cancel_after(step: int) -> Callable[[], bool]:
    """Answer yes from that question on; it is asked before each batch."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= step


@pytest.mark.slow
def test_a_cancelled_run_goes_on_exactly(whole: Fitted, tmp_path: Path) -> None:
    """Cancel raises within a batch, names the epoch, and keeps the last whole one."""
    with pytest.raises(JobCancelled, match=r"epoch 4 of 5.*Start it again"):
        # Two batches of validation images an epoch are asked before, too.
        train(tmp_path, cancelled=cancel_after(3 * (STEPS + 2) + 4))
    found = train(tmp_path)
    assert found.notes == ["Went on after epoch 3, from the checkpoint."]
    assert_equal(found, whole)


@pytest.mark.slow
def test_averages_and_growing_views_go_on_exactly(tmp_path: Path) -> None:
    """The average of the weights is kept as well, and so is how many steps it is of."""
    settings = SETTINGS.but(keep="last", weight_average=0.95, first_scale=0.5)
    with pytest.raises(JobCancelled):
        train(tmp_path, settings, cancelled=cancel_after(3 * (STEPS + 2) + 4))
    kept = read(tmp_path / LAST)
    assert kept is not None
    assert kept.average.keys() == kept.network.keys()
    assert not torch.equal(kept.average["head.weight"], kept.network["head.weight"])
    found, expected = train(tmp_path, settings), train(None, settings)
    assert_equal(found, expected)
    assert_equal(train(tmp_path, settings), expected)


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(whole: Fitted, tmp_path: Path) -> None:
    """Started once more in its folder, it answers from the checkpoint without a step."""
    train(tmp_path)
    steps: list[int] = []
    found = train(tmp_path, on_batch=lambda done, _total, _loss: steps.append(done))
    assert steps == []
    assert found.notes == []
    assert_equal(found, whole)


@pytest.mark.slow
def test_the_best_epochs_weights_are_on_disk(whole: Fitted, tmp_path: Path) -> None:
    """One file of the best epoch stays, readable by anything that reads safetensors."""
    train(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"best-{whole.epoch}.safetensors",
        LAST,
    ]
    stored = load_file(tmp_path / f"best-{whole.epoch}.safetensors")
    assert torch.equal(stored["network.head.weight"], whole.network.head.weight)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text"])
def test_a_damaged_checkpoint_is_set_aside(damage: str, whole: Fitted, tmp_path: Path) -> None:
    """The run starts anew, ends as ever, says so, and keeps the damaged file."""
    with pytest.raises(JobCancelled):
        train(tmp_path, cancelled=cancel_after(2 * (STEPS + 2) + 1))
    path = tmp_path / LAST
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[-1000] ^= 1
    path.write_bytes({"cut": data[:-100], "bit": data, "empty": b"", "text": b"no tensors"}[damage])
    found = train(tmp_path)
    assert "was damaged" in found.notes[0]
    assert (tmp_path / "last.corrupt").is_file()
    assert_equal(found, whole)


def test_other_settings_start_anew(tmp_path: Path) -> None:
    """A checkpoint of another run in the same folder is not gone on from, and that is said."""
    state = {"head.weight": torch.zeros(1)}
    write(tmp_path / LAST, Checkpoint("another", [{"epoch": 1}], state))
    found = train(tmp_path)
    assert "other settings or images" in found.notes[0]
    assert len(found.history) == SETTINGS.total_epochs


@pytest.mark.parametrize("lie", ["shape", "optimiser", "row", "epochs", "extra"])
def test_a_made_up_checkpoint_is_named(lie: str, tmp_path: Path) -> None:
    """A file with this run's fingerprint and a sound hash, of what no run writes, is refused."""
    with pytest.raises(JobCancelled):  # in the second epoch of a phase: the optimiser is kept, too
        train(tmp_path, cancelled=cancel_after((STEPS + 2) + 1))
    real = read(tmp_path / LAST)
    assert real is not None
    assert real.optimiser
    number = next(iter(real.optimiser))
    changes: dict[str, dict[str, Any]] = {
        "shape": {"network": {name: torch.zeros(7) for name in real.network}},
        "optimiser": {"optimiser": {number: {"exp_avg": torch.zeros(3, 1, 4, 1, 5)}}},
        "row": {"history": [{**real.history[0], "valid_loss": "low"}]},
        "epochs": {"history": real.history * 50},
        "extra": {"extra": dict.fromkeys(real.extra, "none")},
    }
    write(tmp_path / LAST, replace(real, **changes[lie]))
    with pytest.raises(WeightsAltered, match=r"last\.safetensors .* altered\. Delete it"):
        train(tmp_path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Tensors of every layout, the optimiser's numbers and the record come back."""
    filters = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    network = {"a.weight": filters, "a.count": torch.tensor(3)}
    optimiser = {0: {"step": torch.tensor(2.0), "exp_avg": filters * 2}}
    write(
        tmp_path / "x.safetensors", Checkpoint("f", [{"e": 1}], network, optimiser, extra={"p": 2})
    )
    found = read(tmp_path / "x.safetensors")
    assert found is not None
    assert (found.fingerprint, found.history, found.extra) == ("f", [{"e": 1}], {"p": 2})
    assert torch.equal(found.network["a.weight"], filters)
    assert found.network["a.count"] == 3
    assert torch.equal(found.optimiser[0]["exp_avg"], filters * 2)
    assert read(tmp_path / "none.safetensors") is None
