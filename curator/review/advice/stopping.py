"""When to stop: what the last pages held, and how many wrong labels are left.

What was reviewed is judged by its present state, so an undone decision is no evidence. Scores of
reviewed images are those of the run that ranks now, for the label that the image had before, so
that they mean the same as those of the images still to come; a deleted image, which that run did
not see, has the score that the reviewer saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, text

from curator.phrasing import many
from curator.records import Record
from curator.review.advice.remaining import FEWEST, SCALE, wrong_left
from curator.review.queue.kinds import AUDIT, BY_MODEL, QUEUES
from curator.store import images, runs, schema
from curator.store.database import rows_of
from curator.store.predictions import unpack_row

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

# In these an image is there for its label, so what came of it says something of labels; an image
# deleted as a duplicate had a right one.
RANKED = tuple(name for name, kind in QUEUES.items() if kind.group == BY_MODEL)
PAGES = 10  # told of
QUIET = 3  # pages in a row without a hit before stopping is advised
FEW, SHARE = 3, 0.01  # wrong labels left: fewer than this, or than this share of all live images
EVIDENCE = 4000  # reviewed images, the latest, that are enough to learn from

_JUDGED = (schema.KEPT, *schema.LEFT_OUT)


@dataclass(frozen=True)
class Reviewed:
    """One image that a person decided on for its label."""

    image_id: int
    score: float | None  # that was shown
    class_before: int
    wrong: bool
    audited: bool


@dataclass(frozen=True)
class Estimate:
    """Wrong labels among the live images that nobody decided on, with the 95 % interval."""

    wrong: float
    low: int
    high: int
    images: int
    """That nobody decided on."""
    basis: str
    """"model", "model and audit" or "audit"."""


@dataclass(frozen=True)
class Advice(Record):
    """What speaks for going on or stopping."""

    pages: tuple[int, ...]
    """Hits of the last up to ten pages of queues that a run orders, newest last."""
    images_per_page: int
    """Images of the last of them, 0 before the first."""
    estimate: Estimate | None
    """None before a run, and while fewer than 20 images were reviewed."""
    sentence: str
    """What is known."""
    stop: bool
    """Whether the last three pages held nothing and few wrong labels are left: at the estimate's
    upper end under 3, or under 1 % of all live images."""
    why: str
    """What follows from it."""


def advice(workspace: Workspace) -> Advice:
    """Whether to go on reviewing."""
    with workspace.database.read() as connection:
        pages = _pages(connection)
        run_id = runs.ranking_id(connection)
        count_of = _states(connection)
        undecided = count_of.get(schema.NEW, 0)
        live = sum(number for state, number in count_of.items() if state not in schema.OUT)
        estimate = None
        if run_id is not None and undecided:
            reviewed = _reviewed(connection)
            if len(reviewed) >= FEWEST:
                estimate = _estimate(connection, run_id, reviewed, undecided)
    hits = [page.hits for page in pages]
    stop, why = _verdict(hits, estimate, undecided, live, run_id is not None)
    return Advice(
        pages=tuple(hits),
        images_per_page=pages[-1].images if pages else 0,
        estimate=estimate,
        sentence=_sentence(hits, estimate, undecided),
        stop=stop,
        why=why,
    )


def _pages(connection: Connection) -> list[Any]:
    """The last pages of the queues that a run orders, newest last."""
    table = schema.pages.c
    query = (
        select(table.hits, table.images)
        .where(table.queue.in_(RANKED))
        .order_by(table.id.desc())
        .limit(PAGES)
    )
    return list(reversed(connection.execute(query).all()))


def _states(connection: Connection) -> dict[str, int]:
    """How many images are in each state, those for the test left out: no run knows them."""
    state = schema.current.c.state
    query = images.present(state, func.count()).where(images.LEARNABLE).group_by(state)
    rows = connection.execute(query)
    return {row[0]: row[1] for row in rows}


def _reviewed(connection: Connection) -> list[Reviewed]:
    """Images that were undecided when they were looked at, and are decided now; latest first."""
    looks, current = schema.looks.c, schema.current.c
    into = dict(
        connection.execute(
            select(schema.classes.c.id, schema.classes.c.merged_into).where(
                schema.classes.c.merged_into.is_not(None)
            )
        ).all()
    )
    looked = (
        select(
            looks.image_id,
            looks.score,
            looks.class_before,
            current.class_id,
            current.state,
            (schema.pages.c.queue == AUDIT).label("audited"),
        )
        .join(schema.pages, schema.pages.c.id == looks.page_id)
        .join(schema.current, current.image_id == looks.image_id)
        .where(
            looks.state_before == schema.NEW,
            current.state.in_(_JUDGED),
            schema.pages.c.queue.in_([*RANKED, AUDIT]),
        )
        .order_by(looks.page_id.desc())
        .limit(EVIDENCE)
    )
    # Decided elsewhere, as on the command line. A deletion there may have any reason.
    ledger = schema.decisions.c
    decided = (
        select(
            ledger.image_id,
            ledger.score,
            ledger.class_before,
            current.class_id,
            current.state,
            (ledger.id < 0).label("audited"),
        )
        .join(schema.current, current.decision_id == ledger.id)
        .where(
            ledger.state_before == schema.NEW,
            ledger.score.is_not(None),
            current.state.in_([schema.KEPT, schema.SEVERAL, schema.NONE]),
        )
        .order_by(ledger.id.desc())
        .limit(EVIDENCE)
    )
    found: dict[int, Reviewed] = {}
    for query in (looked, decided):
        if len(found) >= EVIDENCE:
            break
        for row in connection.execute(query):
            before = row.class_before
            while before in into:
                before = into[before]
            wrong = row.state in schema.OUT or row.class_id != before
            one = Reviewed(row.image_id, row.score, row.class_before, wrong, bool(row.audited))
            found.setdefault(row.image_id, one)
    return list(found.values())


def _estimate(
    connection: Connection, run_id: int, reviewed: list[Reviewed], undecided: int
) -> Estimate | None:
    run = runs.get(connection, run_id)
    scores = _scores_now(connection, run, reviewed)
    known = ~np.isnan(scores)
    wrong = np.array([one.wrong for one in reviewed])
    audited = np.array([one.audited for one in reviewed])[known]
    unseen = _unseen(connection, run_id)
    if known.sum() < FEWEST or not unseen.sum():
        return None
    # Images that came since the run are taken to be like the others.
    unseen = np.round(unseen * (undecided / unseen.sum())).astype(np.int64)
    left = wrong_left(scores[known], wrong[known], unseen)
    basis = "audit" if audited.all() else "model and audit" if audited.any() else "model"
    return Estimate(left.wrong, left.low, left.high, undecided, basis)


def _scores_now(
    connection: Connection, run: runs.Run, reviewed: list[Reviewed]
) -> NDArray[np.float64]:
    """What the run says of the label that each image had before, (n,), 0..1; NaN: not known."""
    column = {class_id: place for place, class_id in enumerate(run.class_ids)}
    table = schema.predictions.c
    query = select(table.image_id, table.class_id, table.label_score, table.probabilities)
    of_run = query.where(table.run_id == run.id)
    scores = np.array(
        [np.nan if one.score is None else one.score for one in reviewed], dtype=np.float64
    )
    place_of = {one.image_id: place for place, one in enumerate(reviewed)}
    for row in rows_of(connection, of_run, table.image_id, place_of):
        place = place_of[row.image_id]
        before = reviewed[place].class_before
        if row.class_id == before:
            scores[place] = row.label_score
        elif before in column:
            scores[place] = unpack_row(row.probabilities, len(column), run.id)[column[before]]
    return scores


def _unseen(connection: Connection, run_id: int) -> NDArray[np.int64]:
    """How many undecided images have each score, in steps of 1 / SCALE: (SCALE + 1,)."""
    # All of the run's are counted in an index; only the decided ones are looked up one by one.
    step = "SELECT CAST(label_score * :scale + 0.5 AS INTEGER) AS step, COUNT(*) FROM "
    everything = f"{step} predictions WHERE run_id = :run GROUP BY step"
    decided = (
        f"{step} current CROSS JOIN predictions"
        " WHERE predictions.image_id = current.image_id"
        " AND state IN (:kept, :unsure, :several, :none, :deleted, :withdrawn) AND run_id = :run"
        " GROUP BY step"
    )
    states = (schema.KEPT, schema.UNSURE, *schema.OUT)
    values = {state: state for state in states} | {"scale": SCALE, "run": run_id}
    counts = np.zeros(SCALE + 1, dtype=np.int64)
    for query, sign in ((everything, 1), (decided, -1)):
        for place, number in connection.execute(text(query), values):
            counts[place] += sign * number
    return counts


def _sentence(hits: list[int], estimate: Estimate | None, undecided: int) -> str:
    said = []
    if hits:
        last = hits[-QUIET:]
        pages = "last page" if len(last) == 1 else f"last {len(last)} pages"
        said.append(f"{pages}: {', '.join(map(str, last))} wrong")
    images = f"{many(undecided, 'image')} not yet decided"
    if estimate:
        span = f"{estimate.low}–{estimate.high}"  # noqa: RUF001 - a span of numbers
        said.append(f"about {estimate.wrong:.0f} ({span}) wrong labels left among {images}")
    else:
        said.append(images)
    return " · ".join(said)


def _verdict(
    hits: list[int], estimate: Estimate | None, undecided: int, live: int, ranked: bool
) -> tuple[bool, str]:
    """Whether to stop, and why."""
    if not undecided:
        return True, "Every image is decided."
    if not ranked:
        return False, "Train first: nothing is known yet of the labels."
    if estimate is None:
        return False, f"Too few images were reviewed to tell: go on to {FEWEST} at least."
    quiet = len(hits) >= QUIET and not any(hits[-QUIET:])
    few = estimate.high < FEW or estimate.high < SHARE * live
    if quiet and few:
        return True, f"The last {QUIET} pages held nothing, and few wrong labels are left."
    if quiet:
        sampled = "audit" in estimate.basis
        more = "" if sampled else " A random audit of 60 images would tell more."
        return False, (
            f"The last {QUIET} pages held nothing, but up to {estimate.high} wrong labels may"
            f" be left.{more}"
        )
    return False, f"Go on until {QUIET} pages in a row hold nothing."
