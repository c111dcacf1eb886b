"""Concepts: images in the order in which they seem to show something, and how many there are.

A logistic head on features of length 1 learns from images that show it and those that do not, with
others of the project, drawn by chance, as weak examples of what does not. Marks that answer what
was shown are judged by heads that did not learn from them, so that their place in the order is
fair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from curator.errors import InputError, NotEnoughData
from curator.find import prevalence
from curator.find.features import Features, features_of, no_features
from curator.hashing import draws
from curator.jobs.report import Report
from curator.learn.instant.heads import solve, start_of
from curator.learn.instant.logistic import Problem, standard_of
from curator.phrasing import many
from curator.store import concepts, images, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.concepts import Marks
    from curator.store.workspace import Workspace

L2 = 3.0  # docs/experiments.md, as the share below
WEAK = 2000  # images without a mark that a head learns from
WEAK_SHARE = 0.5  # of the weight of what does not show it, where some are marked so
FOLDS = 5
FEWEST = 16  # answers, from which on a number is told


@dataclass(frozen=True, kw_only=True)
class Concept(Report):
    """What is known of a concept."""

    name: str
    yes: int
    no: int
    """Images that a person said show it, or do not."""
    images: int | None
    """How many live images show it, those marked included; None with too few answers."""
    low: int | None
    high: int | None
    """Its interval: held the truth in nine of ten simulated searches (docs/experiments.md)."""


@dataclass(frozen=True, eq=False)
class Heads:
    """Directions (F, D) and offsets (F,): the first head learnt from all marks.

    The others each lack the answers of one fold.
    """

    directions: NDArray[np.float32]
    offsets: NDArray[np.float32]


def fit(
    units: NDArray[np.float32],
    shows: NDArray[np.bool_],
    weak: NDArray[np.bool_],
    fold: NDArray[np.int64],
) -> Heads:
    """Fit a head to all marks, and one without the marks of each fold.

    ``units`` (n, D): features of length 1. ``shows`` (n,); ``weak`` (n,): no mark, taken for an
    example of what does not show it. ``fold`` (n,): 0.. of marks that are judged by another head,
    -1 of the others.
    """
    count = 1 + (int(fold.max()) + 1 if len(fold) else 0)
    weights = np.zeros((count, len(units)), np.float32)
    for head in range(count):
        learnt = (fold != head - 1) | (head == 0)
        no = learnt & ~shows & ~weak
        share = WEAK_SHARE if no.any() else 1.0
        for rows, weight in ((learnt & shows, 1.0), (no, 1 - share), (weak, share)):
            if rows.any():
                weights[head, rows] = weight / rows.sum()
    held_out = np.zeros_like(weights, dtype=bool)
    strength = np.full(count, L2)
    problem = Problem(
        units, shows.astype(np.int64), weights, held_out, 2, strength, standard_of(units)
    )
    found = solve(problem, start_of(problem))
    both = [found.folded(head) for head in range(count)]
    return Heads(
        np.stack([weight[1] - weight[0] for weight, _ in both]).astype(np.float32),
        np.array([bias[1] - bias[0] for _, bias in both], dtype=np.float32),
    )


def estimate(
    scores: NDArray[np.floating], answered: NDArray[np.floating], shows: NDArray[np.bool_]
) -> tuple[prevalence.Left, float]:
    """How many of the unseen images show it, and the score from which on at least half do.

    ``scores`` (N,): of the unseen. ``answered`` (n,): of those that were looked at, by heads that
    did not learn from them; ``shows`` (n,).
    """
    falling = -np.sort(-np.concatenate([scores, answered]))
    if not len(falling):
        return prevalence.Left(0.0, 0, 0), np.inf
    ends = prevalence.strata(len(falling))
    # A stratum holds what scores at least as much as its last image.
    edges = -falling[ends - 1]

    def counted(some: NDArray[np.floating]) -> NDArray[np.int64]:
        where = np.minimum(np.searchsorted(edges, -some), len(ends) - 1)
        return np.bincount(where, minlength=len(ends))

    found, shares = prevalence.left(
        counted(scores), counted(answered[shows]), counted(answered[~shows])
    )
    likely = int((shares >= 0.5).sum())
    return found, float(falling[ends[likely - 1] - 1]) if likely else np.inf


def concept(workspace: Workspace, connection: Connection, name: str) -> Concept:
    """What is known of a concept. Raises InputError, FileError."""
    marks = concepts.marks(connection, name)
    live = set(connection.execute(select(schema.current.c.image_id).where(images.LIVE)).scalars())
    yes, no = marks.yes & live, marks.no & live
    head = f"{marks.name}: {len(yes)} yes, {len(no)} no."
    number = low = high = None
    if not yes:
        sentence = f"{head} Nothing shows it yet: mark an image that does."
    elif marks.answers < FEWEST:
        left = many(FEWEST - marks.answers, "more answer")
        sentence = f"{head} With {left} it can be told how many images show it."
    else:
        try:
            found, _ = _judged(workspace, connection, marks, live)
        except NotEnoughData as error:
            sentence = f"{head} {error}"
        else:
            number, low, high = (
                len(yes) + each for each in (round(found.images), found.low, found.high)
            )
            sentence = f"{head} About {many(number, 'image')} show it, between {low} and {high}."
    return Concept(
        sentence=sentence,
        name=marks.name,
        yes=len(yes),
        no=len(no),
        images=number,
        low=low,
        high=high,
    )


def ordered(
    workspace: Workspace, connection: Connection, name: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every image without a mark: ids (N,) rising and score (N,), log-odds, high shows it.

    Raises InputError, NotEnoughData, FileError.
    """
    marks = concepts.marks(connection, name)
    features = _features(workspace, connection, marks)
    heads, _, _ = _fitted(workspace, features, marks, folds=False)
    scores = features.products(heads.directions[0]) + heads.offsets[0]
    rest = ~np.isin(features.ids, list(marks.yes | marks.no))
    return features.ids[rest], scores[rest]


def showing(workspace: Workspace, connection: Connection, name: str) -> list[int]:
    """Ids of the images that show a concept: marked so, or scored where at least half do.

    With too few answers those that are marked alone. Raises InputError, NotEnoughData, FileError.
    """
    marks = concepts.marks(connection, name)
    if marks.answers < FEWEST or not marks.yes:
        return sorted(marks.yes)
    live = set(connection.execute(select(schema.current.c.image_id).where(images.LIVE)).scalars())
    _, likely = _judged(workspace, connection, marks, live)
    return sorted(marks.yes | set(likely.tolist()))


def _features(workspace: Workspace, connection: Connection, marks: Marks) -> Features:
    if not marks.yes:
        raise InputError(
            f"No image is marked as showing {marks.name!r}.", "Mark one with `curator concept yes`."
        )
    features = features_of(workspace, connection)
    if not len(np.intersect1d(features.ids, list(marks.yes))):
        raise no_features(f"The images that show {marks.name!r} have")
    return features


def _fitted(
    workspace: Workspace, features: Features, marks: Marks, *, folds: bool
) -> tuple[Heads, NDArray[np.int64], NDArray[np.int64]]:
    """Heads, the marked images that have features (n,), and the fold of each (n,)."""
    marked = np.intersect1d(features.ids, list(marks.yes | marks.no))
    others = np.setdiff1d(features.ids, marked)
    others = others[np.argsort(draws(others, workspace.seed), kind="stable")[:WEAK]]
    fold = np.full(len(marked), -1, dtype=np.int64)
    if folds:
        answers = np.flatnonzero(~np.isin(marked, list(marks.picked)))
        shown = np.isin(marked[answers], list(marks.yes))
        for group in (answers[shown], answers[~shown]):
            fold[group] = np.arange(len(group)) % FOLDS
    rows = np.concatenate([marked, others])
    weak = np.arange(len(rows)) >= len(marked)
    shows = np.isin(rows, list(marks.yes))
    padded = np.concatenate([fold, np.full(len(others), -1)])
    return fit(features.units(rows), shows, weak, padded), marked, fold


def _judged(
    workspace: Workspace, connection: Connection, marks: Marks, live: set[int]
) -> tuple[prevalence.Left, NDArray[np.int64]]:
    """How many live images without a mark show it, and the ids of those that likely do."""
    features = _features(workspace, connection, marks)
    heads, marked, fold = _fitted(workspace, features, marks, folds=True)
    scores = features.products(heads.directions[0]) + heads.offsets[0]
    rest = np.isin(features.ids, list(live - marks.yes - marks.no))
    answers = fold >= 0
    units, own = features.units(marked[answers]), fold[answers] + 1
    judged = np.einsum("nd,nd->n", units, heads.directions[own]) + heads.offsets[own]
    shows = np.isin(marked[answers], list(marks.yes))
    found, cut = estimate(scores[rest], judged, shows)
    return found, features.ids[rest][scores[rest] >= cut]
