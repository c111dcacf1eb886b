"""Review queues: which images a person looks at, and in what order.

A queue is a list of image ids fixed when it is opened, so that nothing moves under the eyes; a
decided image stays where it is until the queue is opened again. The database puts the images in
order: 8 bytes an image are held here, and what tiles show is read a page at a time
(:mod:`curator.review.rows`).

Scores are those of the label that the run saw. Where an image has another label by now, it is left
out of the orders by that score until the next run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import func, select

from curator.errors import InputError
from curator.review import orders
from curator.review.filters import Filters
from curator.review.rows import KEYS, rows
from curator.review.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.project import Project

__all__ = [
    "QUEUES",
    "TABLE_COLUMNS",
    "Filters",
    "Queue",
    "counts",
    "open_queue",
    "queue_ids",
    "queue_named",
    "rows",
    "table_of",
]

BY_MODEL, BY_COMPARISON = "By the model", "By comparison"
BY_STATE, BY_CHANCE = "By state", "By chance"
AT_ONCE = 1000  # rows read at once for a table
TABLE_COLUMNS = ["image_id", *KEYS[1:]]
_NUMBERS = ["label_score", "confidence", "loss", "outlier_score"]


@dataclass(frozen=True)
class Queue:
    """What a kind of queue holds, in words for the page, and the menu's group it stands in."""

    title: str
    meaning: str
    needs_run: bool = False
    group: str = BY_STATE


QUEUES: dict[str, Queue] = {
    "suspicious": Queue(
        "Most suspicious",
        "Score: out-of-fold probability of its own label, low is suspicious. "
        "Images that you decided on are left out.",
        True,
        BY_MODEL,
    ),
    "top losses": Queue(
        "Top losses",
        "Loss: -log of the out-of-fold probability of its own label, validation and training "
        "images alike.",
        True,
        BY_MODEL,
    ),
    "most confused": Queue(
        "Most confused",
        "Images whose label is not the out-of-fold prediction, the pair of classes with most of "
        "them first, surest prediction first.",
        True,
        BY_MODEL,
    ),
    "confused": Queue(
        "Confusion cell",
        "Images of one label that the out-of-fold prediction takes for another, surest first.",
        True,
        BY_MODEL,
    ),
    "low confidence": Queue(
        "None of these?",
        "Score: the largest out-of-fold probability of any class, low first: what the model takes "
        "for none of the classes. Images that you decided on are left out, unsure ones are not.",
        True,
        BY_MODEL,
    ),
    "duplicates": Queue(
        "Near-duplicates",
        "Images that look the same, group by group; the first of each is the best to keep.",
        group=BY_COMPARISON,
    ),
    "two classes": Queue(
        "In two classes",
        "Images listed under several classes, and near-duplicates with different labels, group by "
        "group: at most one label can be right.",
        group=BY_COMPARISON,
    ),
    "outliers": Queue(
        "Outliers",
        "Score: how near it is to the images of its label most like it, low is suspicious; from "
        "the last check. Images that you confirmed are left out.",
        group=BY_COMPARISON,
    ),
    "problems": Queue(
        "Quality problems",
        "Dark, light, blurry, nearly empty or oddly shaped, by measures of the pixels.",
        group=BY_COMPARISON,
    ),
    "unsure": Queue("Unsure", "Images that you marked as unsure."),
    "several": Queue("More than one", "Images that you marked as showing more than one class."),
    "none": Queue("None of the classes", "Images that you marked as showing none of the classes."),
    "recent": Queue("Recently decided", "Images with a decision in force, the newest first."),
    "trash": Queue("Trash", "Deleted images. Keep brings one back; nothing was removed from disk."),
    "all": Queue("Everything", "All images that are not left out, in the order they came in."),
    "audit": Queue(
        "Random audit",
        "A random sample of the images that nobody decided on or audited yet: what it holds tells "
        "how many wrong labels are left.",
        group=BY_CHANCE,
    ),
    "again": Queue(
        "Decide again",
        "A random sample of decided images, to be decided a second time without seeing the first: "
        "how often do both agree?",
        group=BY_CHANCE,
    ),
}


def queue_ids(
    project: Project, kind: str, filters: Filters | None = None, run_id: int | None = None
) -> NDArray[np.int64]:
    """The ids of a queue's images in its order, (N,).

    ``run_id``: the run whose scores count; the newest one that ranks when left out. Raises
    InputError for an unknown kind, split or measure, UnknownClass, UnknownRun, and NoRun where the
    queue or a filter needs scores and nothing was trained.
    """
    kind = queue_named(kind)
    with project.database.read() as connection:
        query = orders.ordered(Scope(connection, run_id), kind, filters or Filters())
        found = np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
    return orders.shuffled(found, project.seed) if QUEUES[kind].group == BY_CHANCE else found


def counts(
    project: Project,
    kinds: Iterable[str] | None = None,
    filters: Filters | None = None,
    run_id: int | None = None,
) -> dict[str, int]:
    """How many images each queue holds, all of them by default; 0 where it lacks a run."""
    found = {}
    with project.database.read() as connection:
        scope = Scope(connection, run_id)
        for kind in map(queue_named, QUEUES if kinds is None else kinds):
            if scope.found_run is None and QUEUES[kind].needs_run:
                found[kind] = 0
                continue
            query = orders.ordered(scope, kind, filters or Filters()).order_by(None).subquery()
            number = connection.execute(select(func.count()).select_from(query)).scalar_one()
            found[kind] = int(number)
    return found


def open_queue(project: Project, kind: str = "suspicious", **filters: Any) -> pd.DataFrame:
    """The rows of a whole queue in its order, as a table: see :func:`table_of`.

    ``filters``: the fields of :class:`~curator.review.filters.Filters`. Raises as
    :func:`queue_ids` does.
    """
    return table_of(project, kind, queue_ids(project, kind, Filters(**filters)).tolist())


def table_of(
    project: Project, kind: str, image_ids: Sequence[int], run_id: int | None = None
) -> pd.DataFrame:
    """Images of a queue as a table in their order, with the columns :data:`TABLE_COLUMNS`.

    They are the keys of :func:`curator.review.rows.rows`, ``id`` as ``image_id``; a missing number
    is NaN.
    """
    read = [
        row
        for start in range(0, len(image_ids), AT_ONCE)
        for row in rows(project, queue_named(kind), image_ids[start : start + AT_ONCE], run_id)
    ]
    table = pd.DataFrame(read, columns=KEYS).rename(columns={"id": "image_id"})
    return table.astype(dict.fromkeys(_NUMBERS, float))


def queue_named(name: str) -> str:
    """The key of :data:`QUEUES` for a name as people write it: "top-losses", "Top losses".

    Raises InputError for a queue that there is not.
    """
    kind = " ".join(name.replace("-", " ").lower().split())
    if kind not in QUEUES:
        raise InputError(f"{name!r} is no queue.", f"Use one of {', '.join(QUEUES)}.")
    return kind
