"""The gate: it refuses digits of other classes, keeps its own, and its file is checked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save
from sklearn.datasets import load_digits

from curator.errors import BundleInvalid, InputError, NotEnoughData
from curator.learn.evaluation.metrics import softmax
from curator.learn.folds import assign_folds
from curator.learn.instant.fit import fit
from curator.learn.instant.settings import FitSettings
from curator.learn.strangers.gate import FEWEST, FEWEST_MARKED, Gate


@dataclass(frozen=True)
class Case:
    """Features of threes and fives, three quarters to learn from; and of eights, the strangers."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    folds: NDArray[np.intp]
    fresh: NDArray[np.float32]
    strangers: NDArray[np.float32]


@pytest.fixture(scope="module")
def case() -> Case:
    """Split scikit-learn's digits; their 64 pixels are the features."""
    data = load_digits()
    chosen = np.isin(data.target, (3, 5, 8))
    features = data.data[chosen].astype(np.float32)
    labels = np.searchsorted((3, 5, 8), data.target[chosen])
    own, fresh = labels < 2, np.arange(len(labels)) % 4 == 0
    learnt = own & ~fresh
    folds = assign_folds(labels[learnt], np.arange(int(learnt.sum())))
    return Case(
        features[learnt], labels[learnt], folds, features[own & fresh], features[labels == 2]
    )


@pytest.fixture(scope="module")
def gate(case: Case) -> Gate:
    """Fit without a stranger."""
    return Gate.fit(case.features, case.labels, case.folds)


def above(own: NDArray[np.float64], strangers: NDArray[np.float64]) -> float:
    """AUROC: the share of pairs in which the own image scores higher."""
    return float((own[:, None] > strangers[None]).mean())


def test_it_tells_strangers_better_than_the_largest_probability(case: Case, gate: Gate) -> None:
    """Eights among threes and fives: AUROC above that of the head's confidence, many refused."""
    everything = np.ones(len(case.labels), bool)
    fitted = fit(case.features, case.labels, case.folds, everything, 2, FitSettings())
    weights, bias = fitted.exported()
    own, other = (softmax(x @ weights.T + bias).max(axis=1) for x in (case.fresh, case.strangers))
    assert above(gate.score(case.fresh), gate.score(case.strangers)) > above(own, other) + 0.05
    assert gate.refuses(case.strangers).mean() > 0.5


def test_it_keeps_its_own(case: Case, gate: Gate) -> None:
    """95 % of the images it was set on, out-of-fold: more in-sample, about as many fresh ones."""
    assert gate.images == len(case.labels)
    assert gate.kept_share == pytest.approx(0.95, abs=0.005)
    assert 1 - gate.refuses(case.features).mean() > gate.kept_share + 0.01
    assert 1 - gate.refuses(case.fresh).mean() > 0.87


def test_marked_images_are_learnt_from(case: Case, gate: Gate) -> None:
    """With some eights marked as of none of the classes more of the other eights are refused."""
    marked, others = case.strangers[::2], case.strangers[1::2]
    taught = Gate.fit(case.features, case.labels, case.folds, marked)
    assert taught.marked_images == len(marked)
    assert taught.refuses(others).mean() > gate.refuses(others).mean()
    assert 1 - taught.refuses(case.fresh).mean() > 0.87
    few = Gate.fit(case.features, case.labels, case.folds, marked[: FEWEST_MARKED - 1])
    assert few.marked_images == 0
    np.testing.assert_array_equal(few.score(others), gate.score(others))


def test_its_file_gives_the_same_scores(case: Case, gate: Gate) -> None:
    """Through a safetensors file every score and the threshold stay."""
    again = Gate.from_arrays(load(save(gate.to_arrays())), case.features.shape[1], 2)
    np.testing.assert_array_equal(again.score(case.fresh), gate.score(case.fresh))
    assert (again.threshold, again.sentence) == (gate.threshold, gate.sentence)


@pytest.mark.parametrize("name", ["directions", "filled", "heads", "spread", "threshold", "images"])
@pytest.mark.parametrize("how", ["missing", "shorter", "not a number", "another type", "scalar"])
def test_an_altered_file_is_refused(gate: Gate, name: str, how: str) -> None:
    """Whatever is wrong with a tensor, the error names it."""
    arrays = {key: value.copy() for key, value in gate.to_arrays().items()}
    if how == "missing":
        del arrays[name]
    elif how == "shorter":
        arrays[name] = arrays[name][..., :-1]
    elif how == "another type":
        arrays[name] = arrays[name].astype(np.float16)
    elif how == "scalar":
        arrays[name] = arrays[name].ravel()[0].reshape(())
    else:
        arrays[name].ravel()[0] = -1 if name == "images" else np.nan
    with pytest.raises(BundleInvalid, match="gate for strangers"):
        Gate.from_arrays(arrays, 64, 2)


def test_a_gate_of_another_model_is_refused(gate: Gate) -> None:
    """Features or classes of another number do not fit."""
    for dimension, classes in ((63, 2), (64, 3)):
        with pytest.raises(BundleInvalid):
            Gate.from_arrays(gate.to_arrays(), dimension, classes)


def test_what_cannot_be_fitted_is_named(case: Case, gate: Gate) -> None:
    """Too few images, one fold, lengths that differ, and numbers that are none."""
    few = slice(FEWEST - 1)
    with pytest.raises(NotEnoughData, match=f"{FEWEST - 1} images"):
        Gate.fit(case.features[few], case.labels[few], case.folds[few])
    with pytest.raises(NotEnoughData, match="in 1 folds"):
        Gate.fit(case.features, case.labels, np.zeros(len(case.labels), int))
    with pytest.raises(InputError, match="do not fit"):
        Gate.fit(case.features, case.labels[1:], case.folds)
    hollow = case.fresh.copy()
    hollow[1, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        gate.score(hollow)
    with pytest.raises(InputError, match="takes features"):
        gate.score(case.fresh[:, :9])


def test_it_needs_no_torch() -> None:
    """Whoever asks the gate of a delivered model loads numpy alone."""
    code = (
        "import sys, curator.learn.strangers.gate as gate; "
        "assert not {'torch', 'onnxruntime', 'pandas', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
