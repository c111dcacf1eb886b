"""Fixes that may be made as a batch: each with a preview, applied only when the user says so.

A suggestion is worked out anew when it is applied, in case the ledger moved on since it was shown,
and is one act, which one undo takes back. Images that a person decided on are never touched, but
for those marked as of none of the classes, which may follow the others into the trash; nor are
those of a finding that was dismissed. The check and the review offer the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from curator.check.duplicates.keepers import shared_groups
from curator.check.findings import code_of
from curator.check.outliers import outliers
from curator.check.quality import QUALITY, quality_issues
from curator.errors import InputError
from curator.phrasing import capitalised
from curator.records import Record
from curator.review.advice.contradicted import contradicted
from curator.store import dismissals, images, ledger, runs, schema
from curator.store.classes import names_by_id
from curator.store.database import rows_of
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
class _Look:
    """One look at the project, with what several kinds read read once."""

    workspace: Workspace
    connection: Connection

    @cached_property
    def dismissed(self) -> dismissals.Dismissed:
        """What somebody said is no problem."""
        return dismissals.in_force(self.connection)

    @cached_property
    def quality(self) -> dict[str, list[int]]:
        """Images of poor quality by the score that flags them, worst first."""
        return quality_issues(self.connection)

    def undecided(self, finding: str, ids: Iterable[int]) -> list[int]:
        """Those of a finding's images that nobody decided on or dismissed, in their order."""
        asked = [i for i in ids if i not in self.dismissed.images[finding]]
        now = schema.current.c
        query = select(now.image_id).where(now.state == schema.NEW)
        new = {row.image_id for row in rows_of(self.connection, query, now.image_id, asked)}
        return [i for i in asked if i in new]


@dataclass(frozen=True)
class _Kind:
    """One kind of suggestion."""

    title: str
    why: str
    action: str
    find: Callable[[_Look], list[Choice]]
    findings: tuple[str, ...] = ()
    """The findings of the check that it mends."""


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
    findings: tuple[str, ...]
    """Codes of the findings of the check that it mends."""


def suggestions(workspace: Workspace) -> list[Suggestion]:
    """What could be fixed at once; kinds that would change nothing are left out."""
    found = []
    with workspace.database.read() as connection:
        names = names_by_id(connection)
        look = _Look(workspace, connection)
        for key, kind in KINDS.items():
            choices = kind.find(look)
            if choices:
                found.append(
                    Suggestion(
                        key=key,
                        title=kind.title,
                        why=kind.why,
                        images=len(choices),
                        preview=tuple(choice.image_id for choice in choices[:PREVIEW]),
                        action=kind.action + _classes(choices, names),
                        findings=kind.findings,
                    )
                )
    return found


def apply(
    workspace: Workspace, *keys: str, by: str | None = None, leave_out: Collection[int] = ()
) -> ledger.Decided:
    """Apply suggestions to their images but those of ``leave_out``, as one batch.

    Raises InputError for an unknown key; nothing left to do is no error.
    """
    if unknown := set(keys) - KINDS.keys():
        raise InputError(f"{min(unknown)!r} is no suggestion.", f"Use one of {', '.join(KINDS)}.")
    with workspace.database.read() as connection:
        look = _Look(workspace, connection)
        found = [choice for key in keys for choice in KINDS[key].find(look)]
        choices = [choice for choice in found if choice.image_id not in leave_out]
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


def _copies(look: _Look) -> list[Choice]:
    return _trash(_spares(look)[0])


def _near(look: _Look) -> list[Choice]:
    return _trash(_spares(look)[1])


def _spares(look: _Look) -> tuple[list[int], list[int]]:
    """Undecided images of groups whose labels agree, without the one of each group to keep.

    Those with the same pixels as one that is kept or near, and the others. Dismissed groups stay.
    What a person decided to keep is kept; else the order of
    :func:`curator.check.duplicates.keepers.keepers` decides.
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
    dismissed = look.dismissed.images["near_duplicates"]
    for _, members in groupby(look.connection.execute(query), lambda row: row.group_id):
        ranked = sorted(members, key=_keep_first)
        if len({row.class_id for row in ranked}) > 1 or dismissed.issuperset(
            row.id for row in ranked
        ):
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


def _no_class(look: _Look) -> list[Choice]:
    now = schema.current.c
    query = select(now.image_id).where(now.state == schema.NONE).order_by(now.image_id)
    return _trash(look.connection.execute(query).scalars())


def _labels(look: _Look) -> list[Choice]:
    return [
        Choice(found.image_id, "relabel", found.class_id)
        for found in contradicted(look.workspace, look.connection)
    ]


def _empty(look: _Look) -> list[Choice]:
    table = schema.images.c
    query = (
        images.present(table.id)
        .where(schema.current.c.state == schema.NEW, table.low_information_score < EMPTY)
        .order_by(table.low_information_score, table.id)
    )
    return _trash(look.undecided(_LOW_INFORMATION, look.connection.execute(query).scalars()))


def _outliers(look: _Look) -> list[Choice]:
    return _trash(look.undecided("outliers", outliers(look.connection)))


def _poor(score: str) -> _Kind:
    """The kind for what one measure of quality flags."""
    words = QUALITY[score][1]

    def find(look: _Look) -> list[Choice]:
        return _trash(look.undecided(code_of(score), look.quality.get(score, ())))

    return _Kind(
        capitalised(words),
        "A measure of the pixels says so, and knows nothing of what they show: look at them first.",
        "Put them in the trash",
        find,
        (code_of(score),),
    )


_LOW_INFORMATION = code_of("low_information_score")
KINDS = {
    "copies": _Kind(
        "Copies",
        "The same pixels are there more than once, under one label. The best file of each group "
        "stays, or the one that you kept.",
        "Put the copies in the trash",
        _copies,
        ("near_duplicates", "near_duplicates_across_splits"),
    ),
    "near-duplicates": _Kind(
        "Near-duplicates",
        "Groups of images that look the same, all of one label: crops, other sizes, recompressed. "
        "The best of each group stays, or the one that you kept.",
        "Put the spare ones in the trash",
        _near,
        ("near_duplicates", "near_duplicates_across_splits"),
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
        (_LOW_INFORMATION,),
    ),
    "outliers": _Kind(
        "Unlike the others of their label",
        "The check finds nothing like them under their label. They may be the rare ones that are "
        "worth most: look at them first.",
        "Put them in the trash",
        _outliers,
        ("outliers",),
    ),
    **{
        score.removesuffix("_score").replace("_", " "): _poor(score)
        for score in QUALITY
        if score != "low_information_score"  # those that are nearly empty are above
    },
}
