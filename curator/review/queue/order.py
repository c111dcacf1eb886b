"""The order of each review queue, as a query: images are neither read nor sorted here.

Scores are those of the label that the run saw. Where an image has another label by now, it is left
out of the orders by that score until the next run. What somebody said is no problem is in no queue
of problems, unless that is narrowed to a finding, which knows it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Select, case, false, func, or_, select, true

from curator.check.conflicts import listed_under_several
from curator.check.duplicates.keepers import placed, shared_groups, standing_groups
from curator.check.findings import code_of
from curator.review.queue.filters import Filters, conditions, score_of
from curator.review.queue.scope import Scope
from curator.store import dismissals, images, opinions, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

Order = Callable[[Scope, Filters], Select[tuple[int]]]
"""Gives the query for the ids of a queue's images in its order.

Raises UnknownClass, InputError, and NoRun where the queue or a filter needs scores.
"""

_UNTOUCHED = (schema.NEW, schema.WITHDRAWN, schema.UNLABELLED)


def suspicious(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Undecided images, the least probable label first."""
    return _by_score(scope, filters, schema.current.c.state == schema.NEW)


def top_losses(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Live images, the largest loss first: it is -log of the score."""
    return _by_score(scope, filters, images.LIVE)


def low_confidence(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Images to be decided on whose likeliest class is least probable first."""
    now = schema.current.c
    query = _judged(scope, filters).where(now.state.in_(schema.UNDECIDED))
    return query.order_by(schema.predictions.c.confidence, now.image_id)


def most_confused(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Images that are taken for another class; as many as a pair has, so early it comes."""
    guess = scope.counted(schema.predictions.c.predicted_id)
    judged = _judged(scope, filters).where(images.LIVE, schema.predictions.c.in_sample == 0)
    return _by_pair(judged.where(guess != schema.current.c.class_id), guess)


def confused(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """A cell of the confusion matrix, or all off its diagonal: surest prediction first."""
    now, said = schema.current.c, schema.predictions.c
    guess = scope.counted(said.predicted_id)
    judged = _judged(scope, filters).where(images.LIVE, said.in_sample == 0)
    if not (filters.label and filters.predicted):
        judged = judged.where(guess != now.class_id)
    # Of a cell of the diagonal the doubtful are worth a look: least sure first there.
    agrees = guess == now.class_id
    sure = case((agrees, -said.confidence), else_=said.confidence)
    return judged.order_by(sure.desc(), now.image_id)


def duplicates(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Near-duplicates group by group, the best to keep first."""
    groups = shared_groups() if filters.finding else standing_groups("near_duplicates")
    members = placed(groups).subquery()
    query = _plain(scope, filters).join(members, members.c.image_id == schema.current.c.image_id)
    return query.order_by(members.c.group_id, members.c.place)


def two_classes(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Images listed under several classes, and groups of several labels, group by group."""
    now, table = schema.current.c, schema.images.c
    every = bool(filters.finding)
    groups = shared_groups() if every else standing_groups("near_duplicates_in_two_classes")
    members = placed(groups).subquery()
    several = listed_under_several(scope.merged)
    undecided = now.state.in_(schema.UNDECIDED) & _standing("listed_in_two_classes", every)
    differing = select(members.c.image_id).where(members.c.lowest != members.c.highest)
    return (
        _plain(scope, filters)
        .join(schema.images, table.id == now.image_id)
        .where(or_(undecided & now.image_id.in_(several), now.image_id.in_(differing)))
        .order_by(func.coalesce(table.group_id, table.id), table.id)
    )


def disputed(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Images that reviewers contradict each other about and nobody settled, as they came in."""
    now = schema.current.c
    query = _plain(scope, filters).where(now.state == schema.UNSURE)
    return query.where(now.image_id.in_(opinions.disputed())).order_by(now.image_id)


def outliers(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Live images that nobody kept, the farthest from its label's others first."""
    now, table = schema.current.c, schema.images.c
    query = _plain(scope, filters).join(schema.images, table.id == now.image_id)
    query = query.where(
        images.LIVE,
        now.state != schema.KEPT,
        table.outlier_score.is_not(None),
        _standing("outliers", bool(filters.finding)),
    )
    return query.order_by(table.outlier_score, table.id)


def problems(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Live images of poor quality; of one measure, where filtered by it, the worst first."""
    now, table = schema.current.c, schema.images.c
    plain = _plain(scope, filters).where(images.LIVE)
    if filters.issue:
        score = score_of(filters.issue)
        query = plain.join(schema.images, table.id == now.image_id)
        query = query.where(_standing(code_of(score), bool(filters.finding)))
        return query.order_by(*scope.limits.worst_first(score))
    poor = or_(
        false(),
        *(
            scope.limits.below(name)
            & table.id.not_in(() if filters.finding else dismissals.images_of(code_of(name)))
            for name in scope.limits.flagged
        ),
    )
    flagged = now.image_id.in_(select(table.id).where(poor))
    return plain.where(flagged).order_by(now.image_id)


def in_state(state: str) -> Order:
    """Images in that state, as they came in."""

    def order(scope: Scope, filters: Filters) -> Select[tuple[int]]:
        now = schema.current.c
        return _plain(scope, filters).where(now.state == state).order_by(now.image_id)

    return order


def unlabelled(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Images that wait for a label, as they came in; what they may be is no filter of the run's."""
    return in_state(schema.UNLABELLED)(scope, replace(filters, label="", predicted=""))


def recent(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Decided images, the latest decision first."""
    now = schema.current.c
    query = _plain(scope, filters).where(now.state.not_in(_UNTOUCHED))
    return query.order_by(now.decision_id.desc())


def everything(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    """Live images, as they came in."""
    return _plain(scope, filters).where(images.LIVE).order_by(schema.current.c.image_id)


def unseen(queue: str, *, decided: bool) -> Order:
    """Images that were on no page of that queue yet; to be :func:`shuffled`."""

    def order(scope: Scope, filters: Filters) -> Select[tuple[int]]:
        now, table = schema.current.c, schema.looks.c
        seen = (
            select(table.image_id)
            .join(schema.pages, schema.pages.c.id == table.page_id)
            .where(schema.pages.c.queue == queue)
        )
        among = now.state.not_in(_UNTOUCHED) if decided else now.state == schema.NEW
        query = _plain(scope, filters).where(among, now.image_id.not_in(seen))
        return query.order_by(now.image_id)

    return order


def _plain(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    return select(schema.current.c.image_id).where(*conditions(scope, filters))


def _standing(finding: str, every: bool) -> ColumnElement[bool]:
    """Whether an image's finding is not dismissed; of ``every`` one it does not matter."""
    if every:
        return true()
    return schema.current.c.image_id.not_in(dismissals.images_of(finding))


def _judged(scope: Scope, filters: Filters) -> Select[tuple[int]]:
    narrow = conditions(scope, filters)
    return scope.judged().where(*narrow)


def _by_score(scope: Scope, filters: Filters, among: ColumnElement[bool]) -> Select[tuple[int]]:
    now, said = schema.current.c, schema.predictions.c
    query = _judged(scope, filters).where(among, said.class_id == now.class_id)
    return query.order_by(said.label_score, now.image_id)


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


def shuffled(image_ids: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """``image_ids`` in an order that is random, but the same for the same image and seed.

    By SplitMix64 (Steele, Lea and Flood, 2014) of both, so that an image which comes or goes moves
    no other.
    """
    mixed = image_ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return image_ids[np.lexsort((image_ids, mixed ^ (mixed >> np.uint64(31))))]
