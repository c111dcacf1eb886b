"""Fixes that may be made as a batch: each with a preview, applied only when the user says so.

A suggestion is worked out anew when it is applied, in case the ledger moved on since it was shown,
and is one act, which one undo takes back. Images that a person decided on are never touched, but
for those marked as of none of the classes, which may follow the others into the trash.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from curator.check.duplicates.keepers import shared_groups
from curator.errors import InputError
from curator.records import Record
from curator.review.advice.contradicted import contradicted
from curator.store import images, ledger, runs, schema
from curator.store.classes import names_by_id
from curator.store.ledger import Choice

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

PREVIEW = 24
EMPTY = 0.05  # low-information score: under half a bit of 10, such as a plain ground and one line

# Two images of one group that agree in all of these have the same pixels: the sharpness alone is a
# mean over all of them.
_MEASURES = (
    "width",
    "height",
    "phash",
    "sharpness",
    "dark_score",
    "light_score",
    "low_information_score",
    "blurry_score",
)


@dataclass(frozen=True)
class _Kind:
    """One kind of suggestion."""

    title: str
    why: str
    action: str
    find: Callable[[Workspace, Connection], list[Choice]]


@dataclass(frozen=True)
class Suggestion(Record):
    """A fix that can be made to many images at once."""

    key: str
    """For :func:`apply`."""
    title: str
    why: str
    images: int
    """How many."""
    preview: tuple[int, ...]
    """The first 24 ids."""
    action: str
    """What would be done, in words."""


def suggestions(workspace: Workspace) -> list[Suggestion]:
    """What could be fixed at once; kinds that would change nothing are left out."""
    found = []
    with workspace.database.read() as connection:
        names = names_by_id(connection)
        for key, kind in KINDS.items():
            choices = kind.find(workspace, connection)
            if choices:
                found.append(
                    Suggestion(
                        key=key,
                        title=kind.title,
                        why=kind.why,
                        images=len(choices),
                        preview=tuple(choice.image_id for choice in choices[:PREVIEW]),
                        action=kind.action + _classes(choices, names),
                    )
                )
    return found


def apply(
    workspace: Workspace, key: str, by: str | None = None, leave_out: Collection[int] = ()
) -> ledger.Decided:
    """Apply a suggestion to its images but those of ``leave_out``, as one batch.

    Raises InputError for an unknown ``key``; nothing left to do is no error.
    """
    if key not in KINDS:
        raise InputError(f"{key!r} is no suggestion.", f"Use one of {', '.join(KINDS)}.")
    with workspace.database.read() as connection:
        choices = KINDS[key].find(workspace, connection)
        choices = [choice for choice in choices if choice.image_id not in leave_out]
        # An image decided on between this and the next line is left as it is.
        seen = {
            image_id: row.decision_id
            for image_id, row in ledger.current_of(
                connection, [choice.image_id for choice in choices]
            ).items()
        }
        run_id = runs.ranking_id(connection)
    if not choices:
        return ledger.Decided(0, ())
    return ledger.decide_each(workspace.database, choices, by, run_id, seen)


def _classes(choices: Iterable[Choice], names: dict[int, str]) -> str:
    """The classes that images would be given, for the end of a sentence."""
    given = {choice.class_id for choice in choices} - {None}
    shown = [name for class_id, name in names.items() if class_id in given]
    return f" ({', '.join(shown)})" if shown else ""


def _trash(image_ids: Iterable[int]) -> list[Choice]:
    return [Choice(image_id, "delete") for image_id in image_ids]


def _copies(_project: Workspace, connection: Connection) -> list[Choice]:
    return _trash(_spares(connection)[0])


def _near(_project: Workspace, connection: Connection) -> list[Choice]:
    return _trash(_spares(connection)[1])


def _spares(connection: Connection) -> tuple[list[int], list[int]]:
    """Undecided images of groups whose labels agree, without the one of each group to keep.

    Those with the same pixels as one that is kept or near, and the others. What a person decided
    to keep is kept; else the order of :func:`curator.check.duplicates.keepers.keepers` decides.
    """
    table, now = schema.images.c, schema.current.c
    measures = [table[name] for name in _MEASURES]
    query = (
        images.present(table.id, table.group_id, table.bytes, now.class_id, now.state, *measures)
        .where(images.LIVE, table.group_id.in_(shared_groups()))
        .order_by(table.group_id)
    )
    copies: list[int] = []
    near: list[int] = []
    for _, members in groupby(connection.execute(query), lambda row: row.group_id):
        ranked = sorted(members, key=_keep_first)
        if len({row.class_id for row in ranked}) > 1:
            continue
        pixels = set()
        for place, row in enumerate(ranked):
            same = tuple(row)[-len(measures) :] if row.sharpness is not None else row.id
            if place and row.state == schema.NEW:
                (copies if same in pixels else near).append(row.id)
            pixels.add(same)
    return copies, near


def _keep_first(row: Any) -> tuple[Any, ...]:
    sharpness = -1.0 if row.sharpness is None else row.sharpness
    return (row.state == schema.NEW, -row.width * row.height, -sharpness, -row.bytes, row.id)


def _no_class(_project: Workspace, connection: Connection) -> list[Choice]:
    now = schema.current.c
    query = select(now.image_id).where(now.state == schema.NONE).order_by(now.image_id)
    return _trash(connection.execute(query).scalars())


def _labels(workspace: Workspace, connection: Connection) -> list[Choice]:
    return [
        Choice(found.image_id, "relabel", found.class_id)
        for found in contradicted(workspace, connection)
    ]


def _empty(_project: Workspace, connection: Connection) -> list[Choice]:
    table = schema.images.c
    query = (
        images.present(table.id)
        .where(schema.current.c.state == schema.NEW, table.low_information_score < EMPTY)
        .order_by(table.low_information_score, table.id)
    )
    return _trash(connection.execute(query).scalars())


KINDS = {
    "copies": _Kind(
        "Copies",
        "The same pixels are there more than once, under one label. The best file of each group "
        "stays, or the one that you kept.",
        "Put the copies in the trash",
        _copies,
    ),
    "near-duplicates": _Kind(
        "Near-duplicates",
        "Groups of images that look the same, all of one label: crops, other sizes, recompressed. "
        "The best of each group stays, or the one that you kept.",
        "Put the spare ones in the trash",
        _near,
    ),
    "no class": _Kind(
        "Of none of the classes",
        "You marked these as showing none of the classes.",
        "Put them in the trash",
        _no_class,
    ),
    "labels": _Kind(
        "Contradicted labels",
        "A model that did not see the image is sure of another class, and most of the images that "
        "look most like it have that class. On planted wrong labels 96 of 100 such suggestions "
        "were right: look at them before you apply them.",
        "Give them the predicted class",
        _labels,
    ),
    "empty": _Kind(
        "Nearly empty",
        "One plain ground with almost nothing on it.",
        "Put them in the trash",
        _empty,
    ),
}
