"""The job `refit`: the instant recipe again, between two pages of a review.

What was decided since the last run is learnt, so that the images nobody has seen yet are ranked by
what is known now. Network and settings are those of the instant run in use, else of the newest, and
the heads start from its. The run is an interim one: see :mod:`curator.store.runs`. Where there is
nothing to do, or not enough to learn from, the job ends with a sentence and without a run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from curator.errors import NotEnoughData
from curator.jobs.report import Report
from curator.learn.instant.recipe import InstantRecipe
from curator.learn.instant.settings import InstantSettings
from curator.learn.train import keep
from curator.learn.training_set import training_set
from curator.store import images, ledger_log, runs, schema

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.run_json import Metrics
    from curator.store.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RefitReport(Report):
    """A refit, or why there is none."""

    run: int | None
    """The new run's id; None where there was nothing to do."""
    metrics: Metrics | None


def run(workspace: Workspace, progress: Progress) -> RefitReport:
    """Refit the newest instant run.

    Raises WeightsMissing, WeightsAltered, FileError, JobCancelled.
    """
    began = time.perf_counter()
    with workspace.database.read() as connection:
        last = _last(connection)
        if last is None:
            return _nothing("No instant run was trained yet, so there is nothing to refit.")
        if not _changed(connection, last):
            return _nothing(f"Nothing was decided since run {last.id}.")
    kept = {
        name: value for name, value in last.settings.items() if name in InstantSettings.model_fields
    }
    settings = InstantSettings.of(kept)
    try:
        data = training_set(
            workspace, progress, last.backbone, last.settings.get("device"), flip=settings.mirror
        )
        # It runs where the last run did because that did: the reason is still that run's.
        reason = last.settings.get("choice", data.choice.reason)
        data = replace(data, choice=replace(data.choice, reason=reason))
        prepared = time.perf_counter()
        outcome = InstantRecipe(settings).fit(workspace, progress, data)
    except NotEnoughData as error:
        return _nothing(str(error))
    run_id, figures = keep(workspace, data, outcome, began, prepared, interim=True)
    learnt = data.position - last.ledger_position
    return RefitReport(
        run=run_id,
        metrics=figures,
        sentence=f"The images were ranked anew with {learnt} more entries of the ledger.",
    )


def _nothing(why: str) -> RefitReport:
    return RefitReport(run=None, metrics=None, sentence=why)


def _last(connection: Connection) -> runs.Run | None:
    """The run that ranks where it is an instant one, else the newest that is; None before it."""
    ranking = runs.ranking_id(connection)
    if (
        ranking is not None
        and (found := runs.get(connection, ranking)).recipe == InstantRecipe.name
    ):
        return found
    query = select(func.max(schema.runs.c.id)).where(
        schema.runs.c.recipe == InstantRecipe.name, schema.runs.c.out_of_fold == 1
    )
    newest = connection.execute(query).scalar()
    return None if newest is None else runs.get(connection, newest)


def _changed(connection: Connection, last: runs.Run) -> bool:
    """Whether there are decisions or images that the run did not know of."""
    there = images.number_learnable(connection)
    known = last.settings.get("images", 0) + last.settings.get("unreadable", 0)
    return there != known or ledger_log.position(connection) != last.ledger_position
