"""Groups of near-duplicates side by side, and what a person decides on a group as a whole.

Which images of a group stay is one question, whatever their labels; whether a label is right is
another, so what stays is not confirmed by it, unless the labels of the group differ: then to keep
one image is to say whose label is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import select

from curator.check.duplicates.keepers import placed, shared_groups, standing_groups
from curator.errors import InputError
from curator.records import Record
from curator.review.advice import fixes
from curator.review.queue import tiles
from curator.store import dismissals, ledger, runs, schema
from curator.store.dismissals import Subject
from curator.store.ledger import Choice
from curator.store.undo import Decided

if TYPE_CHECKING:
    from typing import Any

    from curator.store.workspace import Workspace

ONE_OF_EACH = ("copies", "near-duplicates")
"""The suggestions that leave the best of every group."""
DISMISSED = ("near_duplicates", "near_duplicates_in_two_classes")
"""The findings that a group is dismissed of when all of it is kept."""


@dataclass(frozen=True)
class Duplicate(Record):
    """One image of a group."""

    id: int
    label: str
    state: str
    decision_id: int | None
    """Of its last decision; None: nobody decided on it."""
    split: str | None
    width: int
    height: int
    bytes: int
    format: str
    source: str
    """The address or the path that it came from first."""


@dataclass(frozen=True)
class DuplicateGroup(Record):
    """Images that show the same, the best to keep first."""

    id: int
    """The smallest id of the images that were ever in it."""
    images: tuple[Duplicate, ...]
    labels_differ: bool
    """Whether at most one of the labels can be right."""
    dismissed: bool
    """Whether a person said that they are no duplicates."""


def groups(workspace: Workspace) -> list[tuple[int, ...]]:
    """The image ids of each group that is not dismissed, the best to keep first.

    Groups of several classes come first, then in the order that they came in.
    """
    members = placed(standing_groups("near_duplicates")).subquery().c
    differ = (members.lowest != members.highest).label("differ")
    query = select(members.image_id, members.group_id).order_by(
        differ.desc(), members.group_id, members.place
    )
    with workspace.database.read() as connection:
        rows = connection.execute(query).all()
    return [
        tuple(row.image_id for row in group)
        for _, group in groupby(rows, lambda row: int(row.group_id))
    ]


def members(workspace: Workspace, group: int) -> set[int]:
    """The ids of all images that are in this group, whatever was decided on them."""
    query = select(schema.images.c.id).where(schema.images.c.group_id == group)
    with workspace.database.read() as connection:
        return set(connection.execute(query).scalars())


def described(workspace: Workspace, chosen: Iterable[Sequence[int]]) -> list[DuplicateGroup]:
    """What is shown of the groups ``chosen``, each the ids of its images. Raises UnknownImage."""
    wanted = [tuple(ids) for ids in chosen]
    rows = tiles.rows(workspace, "duplicates", [i for ids in wanted for i in ids])
    seen = {row["id"]: row for row in rows}
    with workspace.database.read() as connection:
        dismissed = dismissals.in_force(connection).images[DISMISSED[0]]
    return [_group([seen[i] for i in ids], dismissed.issuperset(ids)) for ids in wanted]


def keep(
    workspace: Workspace,
    image_ids: Sequence[int],
    by: str | None = None,
    seen: Mapping[int, int | None] | None = None,
) -> Decided:
    """Keep these images of their groups, and delete the live others of those groups.

    A group of which all are kept is dismissed: its images are no duplicates. Either is one step of
    undo. ``seen``: as of :func:`curator.store.ledger.decide_each`. Raises InputError for an image
    of no group, and where some groups would be dismissed and others not.
    """
    kept = {int(i) for i in image_ids}
    members = placed(shared_groups()).subquery().c
    with workspace.database.read() as connection:
        rows = connection.execute(select(members.image_id, members.group_id)).all()
        of = {int(row.image_id): int(row.group_id) for row in rows}
        if strange := kept - of.keys():
            raise InputError(
                f"Image {min(strange)} has no near-duplicate.", "See `curator duplicates`."
            )
        touched = {of[i] for i in kept}
        ids = sorted(i for i, group in of.items() if group in touched)
        present = ledger.current_of(connection, ids)
        run_id = runs.ranking_id(connection)
    spare = [i for i in ids if i not in kept]
    if not spare:
        subjects = [Subject(image_id=i) for i in ids]
        return dismissals.record(workspace.database, dict.fromkeys(DISMISSED, subjects), by=by)
    if whole := touched - {of[i] for i in spare}:
        raise InputError(
            f"All images of group {min(whole)} would be kept, of others not.",
            "Keep all of a group in a step of its own.",
        )
    labels: dict[int, set[int]] = {}
    for i in ids:
        labels.setdefault(of[i], set()).add(present[i].class_id)
    confirmed = [Choice(i, "keep") for i in sorted(kept) if len(labels[of[i]]) > 1]
    choices = [*(Choice(i, "delete") for i in spare), *confirmed]
    return ledger.decide_each(workspace.database, choices, by, run_id, seen)


def keep_best(workspace: Workspace, by: str | None = None) -> Decided:
    """Delete what nobody decided on of each group whose labels agree, but for its best image."""
    return fixes.apply(workspace, *ONE_OF_EACH, by=by)


def _group(rows: Sequence[Mapping[str, Any]], dismissed: bool) -> DuplicateGroup:
    names = Duplicate.__dataclass_fields__
    images = tuple(Duplicate(**{name: row[name] for name in names}) for row in rows)
    return DuplicateGroup(
        id=int(rows[0]["group_id"]),
        images=images,
        labels_differ=len({image.label for image in images}) > 1,
        dismissed=dismissed,
    )
