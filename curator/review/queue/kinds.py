"""Review queues: which images a person looks at, and in what order.

A queue is a list of image ids fixed when it is opened, so that nothing moves under the eyes; a
decided image stays where it is until the queue is opened again. The database puts the images in
order: 8 bytes an image are held here, and what tiles show is read a page at a time
(:mod:`curator.review.queue.tiles`).

Scores are those of the label that the run saw. Where an image has another label by now, it is left
out of the orders by that score until the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from curator.errors import InputError
from curator.find import concepts, words
from curator.find import unlabelled as waiting
from curator.find.likeness import likeness
from curator.frames import pd
from curator.review.queue.filters import Filters
from curator.review.queue.order import (
    Order,
    confused,
    disputed,
    duplicates,
    everything,
    in_state,
    low_confidence,
    most_confused,
    outliers,
    problems,
    recent,
    shuffled,
    suspicious,
    top_losses,
    two_classes,
    unlabelled,
    unseen,
)
from curator.review.queue.scope import Scope
from curator.review.queue.tiles import KEYS, rows
from curator.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

BY_MODEL, BY_COMPARISON = "By the model", "By comparison"
BY_STATE, BY_CHANCE, BY_NEED = "By state", "By chance", "Without a label"
AUDIT, AGAIN = "audit", "again"  # a random sample; own decisions to be made a second time
AT_ONCE = 1000  # rows read at once for a table
TABLE_COLUMNS = ["image_id", *KEYS[1:]]
_NUMBERS = ["label_score", "label_share", "confidence", "loss", "outlier_score"]

Scored = tuple[NDArray[np.int64], NDArray[np.floating]]


@dataclass(frozen=True)
class Kind:
    """What a kind of queue holds, in words, in what order, and how it is shown."""

    title: str
    meaning: str
    order: Order
    needs_run: bool = False
    group: str = BY_STATE
    """Of the menu."""
    grouped: bool = False
    """Whether its images stand group by group."""
    blind: bool = False
    """Whether earlier decisions are to be hidden."""
    asks: str = ""
    """The filter without which it holds nothing; "" for none."""
    scores: Callable[[Workspace, Connection, Filters], Scored] | None = None
    """Gives the score of each image, ids rising: the largest comes first,
    and an image without one is left out. None: the database puts them in order."""
    score_name: str = ""
    """What the scores are called in a table."""


QUEUES: dict[str, Kind] = {
    "suspicious": Kind(
        "Most suspicious",
        "Score: how likely its own label is to a model that did not see the image; low is "
        "suspicious. Images that you decided on are left out.",
        suspicious,
        needs_run=True,
        group=BY_MODEL,
    ),
    "top losses": Kind(
        "Top losses",
        "Loss: -log of how likely its own label is to a model that did not see the image, "
        "validation and training images alike.",
        top_losses,
        needs_run=True,
        group=BY_MODEL,
    ),
    "most confused": Kind(
        "Most confused",
        "Images whose label is not what a model says that did not see them, the pair of classes "
        "with most of them first, surest prediction first.",
        most_confused,
        needs_run=True,
        group=BY_MODEL,
    ),
    "confused": Kind(
        "Confusion cell",
        "Images of one label that a model which did not see them takes for another, surest first.",
        confused,
        needs_run=True,
        group=BY_MODEL,
    ),
    "low confidence": Kind(
        "None of these?",
        "Score: how likely the likeliest class is to a model that did not see the image, low "
        "first: what it takes for none. Images that you decided on are left out, unsure ones "
        "are not.",
        low_confidence,
        needs_run=True,
        group=BY_MODEL,
    ),
    "duplicates": Kind(
        "Near-duplicates",
        "Images that look the same, group by group; the first of each is the best to keep.",
        duplicates,
        group=BY_COMPARISON,
        grouped=True,
    ),
    "two classes": Kind(
        "In two classes",
        "Images listed under several classes, and near-duplicates with different labels, group by "
        "group: at most one label can be right.",
        two_classes,
        group=BY_COMPARISON,
        grouped=True,
    ),
    "disputed": Kind(
        "Two reviewers disagree",
        "Images that two reviewers decided on differently, from recipes that were taken in. They "
        "count as unsure until somebody decides.",
        disputed,
        group=BY_COMPARISON,
    ),
    "outliers": Kind(
        "Outliers",
        "Score: how near it is to the images of its label most like it, low is suspicious; from "
        "the last check. Images that you confirmed are left out.",
        outliers,
        group=BY_COMPARISON,
    ),
    "problems": Kind(
        "Quality problems",
        "Dark, light, blurry, nearly empty or oddly shaped, by measures of the pixels.",
        problems,
        group=BY_COMPARISON,
    ),
    "similar": Kind(
        "More like these",
        "Likeness: cosine of the features with those of the images that were asked with, from the "
        "middle of all images, high first.",
        everything,
        group=BY_COMPARISON,
        asks="like",
        scores=lambda space, connection, filters: likeness(space, connection, filters.like),
        score_name="likeness",
    ),
    "words": Kind(
        "By words",
        "Likeness: cosine of the features of an image with those of the words, high first. The "
        "order counts, not the number.",
        everything,
        group=BY_COMPARISON,
        asks="like",
        scores=lambda space, connection, by: words.ordered(space, connection, by.like),
        score_name="likeness",
    ),
    "concept": Kind(
        "A concept",
        "Score: log-odds that an image shows the concept, high first. Images that you marked for "
        "it are left out.",
        everything,
        group=BY_COMPARISON,
        asks="like",
        scores=lambda space, connection, by: concepts.ordered(space, connection, by.like),
        score_name="score",
    ),
    "label next": Kind(
        "Most useful to label",
        "Images without a label, first those that the model is unsure of and that are unlike what "
        "has one.",
        unlabelled,
        group=BY_NEED,
        scores=lambda space, connection, _: waiting.most_useful(space, connection),
        score_name="usefulness",
    ),
    "surest": Kind(
        "Surest",
        "Images without a label, the likeliest class of the surest first. Keep gives an image that "
        "class.",
        unlabelled,
        group=BY_NEED,
        scores=lambda space, connection, by: waiting.surest(space, connection, by.predicted),
        score_name="confidence of the class",
    ),
    "strangest": Kind(
        "Probably none of them",
        "Images without a label, first those that look least like any class.",
        unlabelled,
        group=BY_NEED,
        scores=lambda space, connection, _: waiting.strangest(space, connection),
        score_name="strangeness",
    ),
    "unsure": Kind("Unsure", "Images that you marked as unsure.", in_state(schema.UNSURE)),
    "several": Kind(
        "More than one",
        "Images that you marked as showing more than one class.",
        in_state(schema.SEVERAL),
    ),
    "none": Kind(
        "None of the classes",
        "Images that you marked as showing none of the classes.",
        in_state(schema.NONE),
    ),
    "recent": Kind(
        "Recently decided", "Images with a decision in force, the newest first.", recent
    ),
    "trash": Kind(
        "Trash",
        "Deleted images. Keep brings one back; nothing was removed from disk.",
        in_state(schema.DELETED),
    ),
    "all": Kind(
        "Everything",
        "All images that are not left out, in the order they came in.",
        everything,
    ),
    AUDIT: Kind(
        "Random audit",
        "A random sample of the images that nobody decided on or audited yet: what it holds tells "
        "how many wrong labels are left.",
        unseen(AUDIT, decided=False),
        group=BY_CHANCE,
    ),
    AGAIN: Kind(
        "Decide again",
        "A random sample of decided images, to be decided a second time without seeing the first: "
        "how often do both agree?",
        unseen(AGAIN, decided=True),
        group=BY_CHANCE,
        blind=True,
    ),
}


@dataclass(frozen=True, eq=False)
class Queue:
    """An open queue. ``ids`` (N,): its images in its order, fixed when it was opened."""

    workspace: Workspace = field(repr=False)
    kind: str
    run_id: int | None
    """The run whose scores count; None: the newest one that ranks."""
    ids: NDArray[np.int64] = field(repr=False)
    scores: NDArray[np.floating] | None = field(default=None, repr=False)
    """(N,), by which they were put in order here; None where the database did."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def title(self) -> str:
        """Its name."""
        return QUEUES[self.kind].title

    @property
    def meaning(self) -> str:
        """What it holds, and in what order."""
        return QUEUES[self.kind].meaning

    @property
    def group(self) -> str:
        """What orders it: :data:`BY_MODEL`, :data:`BY_COMPARISON`, :data:`BY_STATE` or chance."""
        return QUEUES[self.kind].group

    @property
    def grouped(self) -> bool:
        """Whether its images stand group by group."""
        return QUEUES[self.kind].grouped

    @property
    def blind(self) -> bool:
        """Whether it is a second look, which should not show the first decision."""
        return QUEUES[self.kind].blind

    @property
    def needs_run(self) -> bool:
        """Whether it is ordered by a run's scores."""
        return QUEUES[self.kind].needs_run

    def table(self, top: int | None = None) -> pd.DataFrame:
        """Its images, or the first ``top``, in order, with the columns :data:`TABLE_COLUMNS`.

        They are the keys of :func:`curator.review.queue.tiles.rows`, ``id`` as ``image_id``; a
        missing number is NaN. A queue with :attr:`scores` has a column more, named by its kind.
        """
        ids = self.ids[:top].tolist()
        read = [
            row
            for start in range(0, len(ids), AT_ONCE)
            for row in rows(self.workspace, self.kind, ids[start : start + AT_ONCE], self.run_id)
        ]
        table = pd.DataFrame(read, columns=KEYS).rename(columns={"id": "image_id"})
        table = table.astype(dict.fromkeys(_NUMBERS, float))
        if self.scores is not None:
            table.insert(1, QUEUES[self.kind].score_name, self.scores[:top].astype(float))
        return table


def open_queue(
    workspace: Workspace,
    kind: str = "suspicious",
    filters: Filters | None = None,
    run_id: int | None = None,
) -> Queue:
    """The images of a queue in its order, one of :data:`QUEUES`.

    ``run_id``: the run whose scores count; the newest one that ranks when left out. Raises
    InputError for an unknown kind, split or measure, UnknownClass, UnknownRun, and NoRun where the
    queue or a filter needs scores and nothing was trained.
    """
    kind, filters = queue_named(kind), filters or Filters()
    queue = QUEUES[kind]
    scores = None
    with workspace.database.read() as connection:
        query = queue.order(Scope(connection, run_id, workspace), filters)
        ids = np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
        if queue.scores is not None:
            known: Scored = ids[:0], np.empty(0)
            is_asked = getattr(filters, queue.asks) if queue.asks else len(ids)
            if is_asked:
                known = queue.scores(workspace, connection, filters)
            ids, scores = _by_score(ids, *known)
    if queue.group == BY_CHANCE:
        ids = shuffled(ids, workspace.seed)
    return Queue(workspace, kind, run_id, ids, scores)


def _by_score(
    ids: NDArray[np.int64], known: NDArray[np.int64], scores: NDArray[np.floating]
) -> Scored:
    """Those of ``ids`` that are among the ``known``, both rising, the largest score first."""
    _, _, places = np.intersect1d(ids, known, assume_unique=True, return_indices=True)
    order = places[np.argsort(-scores[places], kind="stable")]
    return known[order], scores[order]


def counts(
    workspace: Workspace,
    kinds: Iterable[str] | None = None,
    filters: Filters | None = None,
    run_id: int | None = None,
) -> dict[str, int]:
    """How many images each queue holds, all of them by default; 0 where it lacks a run."""
    found = {}
    with workspace.database.read() as connection:
        scope = Scope(connection, run_id, workspace)
        for kind in map(queue_named, QUEUES if kinds is None else kinds):
            if scope.found_run is None and QUEUES[kind].needs_run:
                found[kind] = 0
                continue
            if QUEUES[kind].asks:
                found[kind] = len(open_queue(workspace, kind, filters, run_id))
                continue
            query = QUEUES[kind].order(scope, filters or Filters()).order_by(None).subquery()
            number = connection.execute(select(func.count()).select_from(query)).scalar_one()
            found[kind] = int(number)
    return found


def queue_named(name: str) -> str:
    """The key of :data:`QUEUES` for a name as people write it: "top-losses", "Top losses".

    Raises InputError for a queue that there is not.
    """
    kind = " ".join(name.replace("-", " ").lower().split())
    if kind not in QUEUES:
        raise InputError(f"{name!r} is no queue.", f"Use one of {', '.join(QUEUES)}.")
    return kind
