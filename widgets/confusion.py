"""The confusion matrix: a cell opens its images in the gallery."""

from __future__ import annotations

from typing import Any

import numpy as np

from curator.errors import NoRun
from curator.frames import pd
from curator.project import Project
from curator.review.confusion import matrix
from curator.review.confusion.order import by_confusion
from widgets.panel import Handler, script
from widgets.section import Beside

PAIRS = 200  # the most-confused pairs that are listed at most


class ConfusionPanel(Beside):
    """Counts over live images, out-of-fold, by the run that ranks; or their change since another.

    The matrix travels as its cells that are not zero, ``[row, column, count]``: of many classes
    few are confused.
    """

    _esm = script("confusion")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            {**handlers, "since": lambda message: self._compare(message["run"])},
            opened=True,
            labels=[],
            cells=[],
            order=[],
            pairs=[],
            run=None,
            earlier=[],
            since=None,
            change=[],
            label="",
            predicted="",
        )

    def figures(self, project: Project) -> dict[str, Any]:
        """Count again; without a run there is nothing to show."""
        counted = counts_of(project)
        if counted["run"] is None:
            return {**counted, "since": None}
        run_id, *earlier = matrix.comparable(project)
        since = self.state["since"] if self.state["since"] in earlier else None
        change = [] if since is None else _cells(matrix.difference(project, since, run_id))
        return {**counted, "earlier": earlier, "since": since, "change": change}

    def _compare(self, run: int | None) -> None:
        self.show(since=None if run is None else int(run))
        self.count(anew=True)


def counts_of(project: Project) -> dict[str, Any]:
    """The matrix of the run that ranks, as scripts draw it; empty and with no run before one."""
    try:
        counts = project.confusion()
    except NoRun:
        return {"labels": [], "cells": [], "order": [], "pairs": [], "run": None}
    return {
        "labels": [str(name) for name in counts.index],
        "cells": _cells(counts),
        "order": by_confusion(counts.to_numpy().astype(np.int64)),
        "pairs": matrix.most_confused(counts).head(PAIRS).to_dict("records"),
        "run": project.ranking_run(),
    }


def _cells(counts: pd.DataFrame) -> list[list[int]]:
    values = counts.to_numpy().astype(np.int64)
    rows, columns = np.nonzero(values)
    return np.stack([rows, columns, values[rows, columns]], axis=1).tolist()  # type: ignore[no-any-return]
