"""The confusion matrix of a run, its most-confused pairs, and how it differs from another run's.

Out-of-fold, over live images, by their present labels; counted by the database. What a run
predicted of a class that was merged since counts for the class it was merged into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from curator.frames import pd
from curator.learn.evaluation import metrics
from curator.review.queue.scope import Scope
from curator.store import images, runs, schema

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from curator.store.workspace import Workspace


def confusion(workspace: Workspace, run_id: int | None = None) -> pd.DataFrame:
    """Counts (K, K): rows are present labels, columns out-of-fold predictions of the run.

    By default the newest run that ranks. Images that the run has not seen, or judged only by a
    model which had seen them, are left out. Raises NoRun, UnknownRun.
    """
    with workspace.database.read() as connection:
        scope = Scope(connection, run_id)
        return _counted(scope, _judgements(scope))


def difference(workspace: Workspace, before_run: int, after_run: int) -> pd.DataFrame:
    """How each count changed from one run to another, after minus before: (K, K).

    Over the live images that both judged out-of-fold, both by the labels as they are now: rows sum
    to 0, more on the diagonal is better. Raises NoRun, UnknownRun.
    """
    with workspace.database.read() as connection:
        sides = [Scope(connection, run_id) for run_id in (before_run, after_run)]
        judged = [select(_SAID.image_id).where(*_out_of_fold(side)) for side in sides]
        before, after = (
            _counted(side, _judgements(side).where(_SAID.image_id.in_(other)))
            for side, other in zip(sides, reversed(judged), strict=True)
        )
    return after - before


def comparable(workspace: Workspace) -> list[int]:
    """Ids of the newest run that ranks and, newest first, of the earlier ones to compare it with.

    Empty before the first. Refits between two pages of a review are compared only while newest.
    """
    table = schema.runs.c
    older = select(table.id).where(table.out_of_fold == 1, table.interim == 0)
    with workspace.database.read() as connection:
        ranking = runs.ranking_id(connection)
        if ranking is None:
            return []
        query = older.where(table.id < ranking).order_by(table.id.desc())
        return [ranking, *connection.execute(query).scalars()]


def most_confused(counts: pd.DataFrame, min_count: int = 1) -> pd.DataFrame:
    """Pairs of a confusion matrix off the diagonal with at least ``min_count``, most first.

    Columns: label, predicted, count. The same pairs as fastai's ``most_confused(min_val)``.
    """
    pairs = metrics.most_confused(counts.to_numpy(), list(counts.index), min_count)
    return pd.DataFrame(
        [(pair.given, pair.predicted, pair.count) for pair in pairs],
        columns=["label", "predicted", "count"],
    )


_SAID = schema.predictions.c


def _out_of_fold(scope: Scope) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _SAID.run_id == scope.run.id, _SAID.in_sample == 0


def _judgements(scope: Scope) -> Select[Any]:
    """A query for (label, prediction, images) of a run, as class ids."""
    now = schema.current.c
    return (
        select(now.class_id, _SAID.predicted_id, func.count().label("images"))
        .select_from(schema.predictions)
        .join(schema.current, now.image_id == _SAID.image_id)
        .where(*_out_of_fold(scope), images.LIVE)
        .group_by(now.class_id, _SAID.predicted_id)
    )


def _counted(scope: Scope, query: Select[Any]) -> pd.DataFrame:
    names = list(scope.offered.values())
    place = {class_id: number for number, class_id in enumerate(scope.offered)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for row in scope.connection.execute(query):
        guess = scope.merged.get(row.predicted_id, row.predicted_id)
        if guess in place:  # not of a class whose making was undone
            counts[place[row.class_id], place[guess]] += row.images
    labels = pd.Index(names, name="label")
    return pd.DataFrame(counts, index=labels, columns=labels.rename("predicted"))
