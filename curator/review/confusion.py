"""The confusion matrix of a run, and its most-confused pairs: out-of-fold, over live images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from curator.learn import metrics
from curator.review.ranking import scored
from curator.store import schema

if TYPE_CHECKING:
    from curator.project import Project


def confusion(project: Project, run_id: int | None = None) -> pd.DataFrame:
    """Counts (K, K): rows are present labels, columns out-of-fold predictions of the run.

    Images that the run has not seen are left out. Raises NoRun.
    """
    return matrix(scored(project, run_id), project.class_names())


def matrix(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The matrix of a table of :func:`curator.review.ranking.scored`."""
    seen = table[(table["state"] != schema.DELETED) & table["predicted"].notna()]
    counts = pd.crosstab(seen["label"], seen["predicted"])
    counts = counts.reindex(index=names, columns=names, fill_value=0)
    counts.index.name, counts.columns.name = "label", "predicted"
    return counts.astype(int)


def most_confused(counts: pd.DataFrame, min_count: int = 1) -> pd.DataFrame:
    """Pairs of a confusion matrix off the diagonal with at least ``min_count``, most first.

    Columns: label, predicted, count. The same pairs as fastai's ``most_confused(min_val)``.
    """
    pairs = metrics.most_confused(counts.to_numpy(), list(counts.index), min_count)
    return pd.DataFrame(
        [(pair.given, pair.predicted, pair.count) for pair in pairs],
        columns=["label", "predicted", "count"],
    )
