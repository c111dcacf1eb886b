"""The order of each review queue, as a query: images are neither read nor sorted here.

Scores are those of the label that the run saw. Where an image has another label by now, it is left
out of the orders by that score until the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Select, case, false, func, or_, select

from curator.check.conflicts import listed_under_several
from curator.check.keepers import placed, shared_groups
from curator.review.filters import Filters, conditions, score_of
from curator.store import images, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from curator.review.scope import Scope

GROUPED = ("duplicates", "two classes")  # queues whose images stand group by group
_BY_MODEL = ("suspicious", "top losses", "low confidence", "confused", "most confused")
_STATES = {
    "unsure": schema.UNSURE,
    "several": schema.SEVERAL,
    "none": schema.NONE,
    "trash": schema.DELETED,
}


def ordered(scope: Scope, kind: str, filters: Filters) -> Select[tuple[int]]:
    """The query for the ids of a queue's images in its order.

    For the queues by chance see :func:`shuffled`. Raises as
    :func:`curator.review.queues.queue_ids` does.
    """
    narrow = conditions(scope, filters)
    if kind in _BY_MODEL:
        return _by_model(scope, scope.judged().where(*narrow), kind, filters)
    plain = select(schema.current.c.image_id).where(*narrow)
    if kind in GROUPED:
        return _by_group(scope, plain, kind)
    if kind in {"outliers", "problems"}:
        return _by_measure(scope, plain, kind, filters)
    return _by_state(plain, kind)


def _by_state(plain: Select[tuple[int]], kind: str) -> Select[tuple[int]]:
    now = schema.current.c
    if kind == "recent":
        return plain.where(now.state != schema.NEW).order_by(now.decision_id.desc())
    if kind == "all":
        plain = plain.where(images.LIVE)
    elif kind == "audit":
        plain = plain.where(now.state == schema.NEW, now.image_id.not_in(_looked_at(kind)))
    elif kind == "again":
        plain = plain.where(now.state != schema.NEW, now.image_id.not_in(_looked_at(kind)))
    else:
        plain = plain.where(now.state == _STATES[kind])
    return plain.order_by(now.image_id)


def _by_model(
    scope: Scope, judged: Select[tuple[int]], kind: str, filters: Filters
) -> Select[tuple[int]]:
    now, said = schema.current.c, schema.predictions.c
    if kind == "low confidence":
        query = judged.where(now.state.in_(schema.UNDECIDED))
        return query.order_by(said.confidence, now.image_id)
    if kind in {"suspicious", "top losses"}:
        among = now.state == schema.NEW if kind == "suspicious" else images.LIVE
        query = judged.where(among, said.class_id == now.class_id)
        # The loss is -log of the score, so largest first is the same order.
        return query.order_by(said.label_score, now.image_id)
    guess = scope.counted(said.predicted_id)
    judged = judged.where(images.LIVE, said.in_sample == 0)
    if kind == "most confused":
        return _by_pair(judged.where(guess != now.class_id), guess)
    if not (filters.label and filters.predicted):
        judged = judged.where(guess != now.class_id)
    # Of a cell of the diagonal the doubtful are worth a look: least sure first there.
    agrees = guess == now.class_id
    sure = case((agrees, -said.confidence), else_=said.confidence)
    return judged.order_by(sure.desc(), now.image_id)


def _by_pair(judged: Select[tuple[int]], guess: ColumnElement[int]) -> Select[tuple[int]]:
    """Images of confused pairs; as many as a pair has in this queue, so early it comes."""
    now = schema.current.c
    label, other = schema.classes.alias("label"), schema.classes.alias("other")
    pairs = (
        judged.add_columns(
            func.count().over(partition_by=(now.class_id, guess)).label("number"),
            label.c.position.label("first"),
            other.c.position.label("second"),
            schema.predictions.c.confidence,
        )
        .join(label, label.c.id == now.class_id)
        .join(other, other.c.id == guess)
        .where(other.c.retired == 0)
        .subquery()
        .c
    )
    return select(pairs.image_id).order_by(
        pairs.number.desc(), pairs.first, pairs.second, pairs.confidence.desc(), pairs.image_id
    )


def _by_group(scope: Scope, plain: Select[tuple[int]], kind: str) -> Select[tuple[int]]:
    now = schema.current.c
    members = placed(shared_groups()).subquery()
    if kind == "duplicates":
        query = plain.join(members, members.c.image_id == now.image_id)
        return query.order_by(members.c.group_id, members.c.place)
    several = listed_under_several(scope.merged)
    undecided = now.state.in_(schema.UNDECIDED)
    differing = select(members.c.image_id).where(members.c.lowest != members.c.highest)
    table = schema.images.c
    return (
        plain.join(schema.images, table.id == now.image_id)
        .where(or_(undecided & now.image_id.in_(several), now.image_id.in_(differing)))
        .order_by(func.coalesce(table.group_id, table.id), table.id)
    )


def _by_measure(
    scope: Scope, plain: Select[tuple[int]], kind: str, filters: Filters
) -> Select[tuple[int]]:
    now, table = schema.current.c, schema.images.c
    query = plain.join(schema.images, table.id == now.image_id).where(images.LIVE)
    if kind == "outliers":
        query = query.where(now.state != schema.KEPT, table.outlier_score.is_not(None))
        return query.order_by(table.outlier_score, table.id)
    if filters.issue:
        return query.order_by(*scope.limits.worst_first(score_of(filters.issue)))
    poor = or_(false(), *(scope.limits.below(name) for name in scope.limits.flagged))
    flagged = now.image_id.in_(select(table.id).where(poor))
    return plain.where(images.LIVE, flagged).order_by(now.image_id)


def _looked_at(kind: str) -> Select[tuple[int]]:
    """Images that were on a page of that queue."""
    table = schema.looks.c
    return (
        select(table.image_id)
        .join(schema.pages, schema.pages.c.id == table.page_id)
        .where(schema.pages.c.queue == kind)
    )


def shuffled(image_ids: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """``image_ids`` in an order that is random, but the same for the same image and seed.

    By SplitMix64 (Steele, Lea and Flood, 2014) of both, so that an image which comes or goes moves
    no other.
    """
    mixed = image_ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return image_ids[np.lexsort((image_ids, mixed ^ (mixed >> np.uint64(31))))]
