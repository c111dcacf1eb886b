"""Sums that tasks make, with tasks that run in this process; a real cluster: tests/cluster."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest

from curator.cluster.engine import Lost
from curator.errors import InputError
from curator.learn.folds import assign_folds
from curator.learn.instant import spread
from curator.learn.instant.fit import fit
from curator.learn.instant.logistic import Sums
from curator.learn.instant.settings import FitSettings
from curator.learn.instant.spread import Asked, Spread, add_up
from tests.learn.instant.test_heads import blobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from curator.learn.instant.fit import Fitted


class Here:
    """Does each task in this process, last first; ``becomes``: what comes back, by its number."""

    cores = 3
    becomes: Callable[[int, Sums], Sums | Lost]
    kept: int
    asked: list[Asked]

    def __init__(self, _address: str, _function: object) -> None:
        self._waiting: list[tuple[Asked, tuple[bytes, ...]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""

    def keep(self, value: object) -> bytes:
        """As it travels."""
        type(self).kept += 1
        return pickle.dumps(value)

    def submit(self, asked: Asked, *kept: bytes) -> None:
        """Note it."""
        self._waiting.append((asked, kept))

    def finished(self, _seconds: float) -> Iterator[tuple[Asked, Sums | Lost]]:
        """Do the last of those that wait."""
        asked, kept = self._waiting.pop()
        self.asked.append(asked)
        given: list[Any] = [pickle.loads(value) for value in kept]
        yield asked, type(self).becomes(len(self.asked), add_up(asked, *given))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> type[Here]:
    """Tasks run in this process."""
    Here.becomes = staticmethod(lambda _number, sums: sums)  # type: ignore[method-assign]
    Here.kept, Here.asked = 0, []
    monkeypatch.setattr(spread, "Engine", Here)
    return Here


def fitted(summing: Spread | None) -> Fitted:
    """Heads of some blobs."""
    features, labels = blobs()
    labels[::9] = (labels[::9] + 1) % 3  # some to doubt
    folds = assign_folds(labels, np.arange(len(labels)))
    every = np.ones(len(labels), bool)
    return fit(features, labels, folds, every, 3, FitSettings(), summing=summing)


def same(found: Fitted, expected: Fitted) -> None:
    """Assert that two fits judge alike."""
    assert found.l2 == expected.l2
    np.testing.assert_array_equal(found.doubted, expected.doubted)
    np.testing.assert_allclose(found.out_of_fold, expected.out_of_fold, atol=1e-3)


def test_the_heads_are_those_of_one_machine(here: type[Here]) -> None:
    """Whoever is first; rows travel once, and how they count when that changes."""
    with Spread("") as summing:
        found = fitted(summing)
    same(found, fitted(None))
    assert summing.notes == []
    evaluations = len(here.asked) // 3
    assert {asked.part for asked in here.asked} == {0, 1, 2}
    # The rows, the weights of the strengths, of the first fit and of the second; and the heads.
    states = (here.kept - evaluations) // 3
    assert 3 <= states <= 5
    assert evaluations > 20


def test_what_a_task_does_not_give_is_summed_here(here: type[Here]) -> None:
    """A lost machine and one that gives something else cost time alone, and are told of."""

    def cut(number: int, sums: Sums) -> Sums | Lost:
        if number == 2:
            return Lost("The node died.")
        if number == 5:
            return Sums(sums.figures[:, :-1], sums.towards_raw, sums.towards_bias)
        return sums

    here.becomes = staticmethod(cut)  # type: ignore[method-assign]
    with Spread("") as summing:
        same(fitted(summing), fitted(None))
    assert summing.notes == [
        "2 tasks of the cluster failed, and this machine did their part: The node died."
    ]


def test_another_version_is_refused() -> None:
    """By the machine that is asked, in words that say what to do."""
    with pytest.raises(InputError, match="same version"):
        add_up(Asked(0, "0.0"), None, None, None)  # type: ignore[arg-type]


def test_it_can_be_stopped(here: type[Here]) -> None:
    """Between two parts, not only between two steps."""

    def stop() -> None:
        if len(here.asked) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Spread("", stop) as summing:
        fitted(summing)
    assert len(here.asked) == 4
