"""Out-of-fold fine-tuning: every image is judged by a network that did not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from curator.errors import InputError, JobCancelled
from curator.learn.finetune.data import Data
from curator.learn.finetune.engine import predict
from curator.learn.finetune.folds import OutOfFold, fit_folds
from curator.learn.finetune.loop import fit
from tests.learn.finetune.small import FRAME, SCRATCH, small_network

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = SCRATCH.but(frozen_epochs=0)


def folded(data: Data, **listeners: Any) -> OutOfFold:
    """Three folds; the body differs by fold, so that mixing them up would show."""
    fold_of = np.arange(400) % 3
    return fit_folds(
        small_network, data.pixels, data.labels, fold_of, FRAME, 10, SETTINGS, **listeners
    )


@pytest.mark.slow
def test_each_image_is_judged_by_a_network_that_never_saw_it(data: Data) -> None:
    """The probabilities of a fold are those of a network trained on the others alone."""
    told: list[tuple[int, int]] = []
    steps: list[tuple[int, int]] = []
    found = folded(
        data,
        on_epoch=lambda fold, row: told.append((fold, row["epoch"])),
        on_batch=lambda done, total, _loss: steps.append((done, total)),
    )
    assert found.probabilities.shape == (400, 10)
    assert found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert told == [(fold, epoch) for fold in (1, 2, 3) for epoch in (1, 2)]
    assert steps == [(done, steps[0][1]) for done in range(1, steps[0][1] + 1)]
    assert [len(history) for history in found.histories] == [2, 2, 2]
    rows = np.arange(400)
    alone = Data(data.pixels, data.labels, rows[rows % 3 != 1], rows[rows % 3 == 1], FRAME, 10)
    fitted = fit(small_network(1), alone, SETTINGS)
    logits = torch.from_numpy(predict(fitted.network, data.pixels, FRAME, alone.valid, "cpu"))
    np.testing.assert_allclose(
        found.probabilities[alone.valid], logits.softmax(1).numpy(), atol=1e-5
    )


@pytest.mark.slow
def test_it_goes_on_fold_by_fold(data: Data, tmp_path: Path) -> None:
    """Cancelled in the second fold, it trains no finished fold again and ends the same."""
    expected = folded(data)
    asked = iter(range(1000))
    # 9 steps and 3 validation batches an epoch.
    with pytest.raises(JobCancelled, match="epoch 2 of 2"):
        folded(data, folder=tmp_path, cancelled=lambda: next(asked) >= 3 * 12)
    steps: list[int] = []
    folds: list[tuple[int, int]] = []
    found = folded(
        data,
        folder=tmp_path,
        on_batch=lambda done, _total, _loss: steps.append(done),
        on_fold=lambda fold, of: folds.append((fold, of)),
    )
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert folds == [(1, 3), (2, 3), (3, 3)]
    assert steps[0] == 18
    assert steps[1:] == list(range(28, 55))
    assert found.notes == ["Fold 2: Went on after epoch 1, from the checkpoint."]
    kept = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert kept == [f"fold-{fold}/held-out.safetensors" for fold in (1, 2, 3)]


@pytest.mark.slow
def test_folds_never_pick_an_epoch_by_their_own_images(data: Data) -> None:
    """Early stop and the best epoch would leak the held-out labels, and do not apply."""
    tempted = SETTINGS.but(patience=1, keep="best")
    fold_of = np.arange(400) % 3
    found = fit_folds(
        small_network, data.pixels, data.labels, fold_of, FRAME, 10, tempted
    ).probabilities
    np.testing.assert_array_equal(found, folded(data).probabilities)


def test_folds_must_fit_the_images(data: Data) -> None:
    """One fold number an image."""
    with pytest.raises(InputError, match="3 folds for 400"):
        fit_folds(small_network, data.pixels, data.labels, np.arange(3), FRAME, 10, SETTINGS)
