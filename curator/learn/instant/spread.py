"""The sums of a fit on a cluster: each task adds up what some rows give, and this process the rest.

    with Spread(address) as summing:
        fit(..., summing=summing)

Rows travel once and stay in the memory of the cluster; how they count travels whenever it changes;
each evaluation sends the heads and gets a gradient back. So it serves more rows than one machine
reads quickly, not a few on many machines. What a task does not give, since its machine was lost or
has another version, is summed here; parts are added in their order, whoever was first.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from curator.cluster.engine import TICK, Engine, Lost
from curator.cluster.machines import done_here, refuse_other_version
from curator.learn.instant.logistic import Problem, Sums
from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from curator.learn.instant.rows import Rows

MOST_ROWS = 1 << 16  # of a part: 336 MB of the usual features


@dataclass(frozen=True)
class Asked:
    """What one task sums. It goes to other machines."""

    part: int
    version: str
    """Of the curator that asks."""


class Spread:
    """A :data:`~curator.learn.instant.logistic.Summing` by tasks on the cluster at ``address``.

    "": on this machine's cores. ``check`` is called several times a second, and may raise. Raises
    PackageMissing without Ray, JobError where no cluster answers.
    """

    def __init__(self, address: str, check: Callable[[], None] = lambda: None) -> None:
        self._address, self._check = address, check
        self._stack = contextlib.ExitStack()
        self._features: Rows | None = None  # of which the parts are kept there
        self._number = -1  # of the weights that are kept there
        self._parts: list[slice] = []
        self._kept_rows: list[Any] = []
        self._kept_problems: list[Any] = []
        self._lost: list[str] = []

    def __enter__(self) -> Self:
        self._engine: Engine[Asked, Sums] = self._stack.enter_context(Engine(self._address, add_up))
        return self

    def __exit__(self, *_: object) -> None:
        self._kept_rows, self._kept_problems = [], []
        self._stack.close()

    @property
    def notes(self) -> list[str]:
        """What a user should know of it."""
        return done_here(self._lost)

    def __call__(
        self, problem: Problem, points: NDArray[np.float32], heads: NDArray[np.intp]
    ) -> Sums:
        """See :meth:`Problem.sums <curator.learn.instant.logistic.Problem.sums>`."""
        self._keep(problem)
        given = self._engine.keep((points, heads))
        for number in range(len(self._parts)):
            kept = self._kept_problems[number], self._kept_rows[number], given
            self._engine.submit(Asked(number, __version__), *kept)
        found: dict[int, Sums] = {}
        while len(found) < len(self._parts):
            self._check()
            for asked, sums in self._engine.finished(TICK):
                if isinstance(sums, Sums) and _can_be(sums, problem, heads):
                    found[asked.part] = sums
                    continue
                self._lost.append(sums if isinstance(sums, Lost) else "sums of another shape came")
                rows = self._parts[asked.part]
                here = problem.part(rows, problem.features[rows])
                found[asked.part] = here.sums(points, heads)
        total = found[0]
        for number in range(1, len(found)):
            total += found[number]
        return total

    def _keep(self, problem: Problem) -> None:
        """Have the cluster know the rows, and how they count now."""
        if self._features is not problem.features:
            rows = len(problem.features)
            count = max(self._engine.cores, -(-rows // MOST_ROWS))
            ends = np.linspace(0, rows, min(count, rows) + 1).astype(int).tolist()
            self._parts = [slice(*ends[number : number + 2]) for number in range(len(ends) - 1)]
            self._features, self._number = problem.features, -1
            self._kept_rows = [self._engine.keep(problem.features[part]) for part in self._parts]
        if self._number != problem.number:
            self._number = problem.number
            nothing = np.empty((0, len(problem.mean)), np.float32)
            self._kept_problems = [
                self._engine.keep(problem.part(part, nothing)) for part in self._parts
            ]


def add_up(
    asked: Asked,
    problem: Problem,
    features: NDArray[np.float32],
    given: tuple[NDArray[np.float32], NDArray[np.intp]],
) -> Sums:
    """What a machine of the cluster does. Raises InputError for another version of the curator."""
    refuse_other_version(asked.version)
    return problem.part(slice(None), features).sums(*given)


def _can_be(sums: Sums, problem: Problem, heads: NDArray[np.intp]) -> bool:
    width = len(heads) * problem.classes
    shapes = (3, len(heads)), (width, len(problem.mean)), (width,)
    arrays = (sums.figures, sums.towards_raw, sums.towards_bias)
    return tuple(array.shape for array in arrays) == shapes
